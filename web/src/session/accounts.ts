/**
 * Who is signed in: every account of this browser, and which of them this browser tab acts as.
 *
 * Invariant: a refresh token is used by one tab at a time and its successor is stored before anything else happens,
 * because the server takes a second use of an old one for theft and ends the session everywhere.
 */
import { REFRESH, SIGN_IN, SIGN_OUT, SIGN_UP, VIEWER } from "./documents";
import { ask, bearer, problemsOf, type UserError } from "./requests";

export interface Account {
  /** The person's id. */
  id: string;
  name: string;
  email: string;
  accessToken: string;
  /** RFC 3339; null for a pasted token, whose end is unknown here. */
  accessTokenExpiresAt: string | null;
  /** Null for a pasted access token: it cannot be renewed. */
  refreshToken: string | null;
}

interface SessionPayload {
  userErrors: UserError[];
  viewer: { user: { id: string; name: string }; email: string } | null;
  accessToken: string | null;
  accessTokenExpiresAt: string | null;
  refreshToken: string | null;
}

/** Expected refusals of a sign-in or sign-up, each with the input it belongs to. */
export class Refused extends Error {
  readonly userErrors: UserError[];
  constructor(userErrors: UserError[]) {
    super(userErrors.map((error) => error.message).join(" "));
    this.userErrors = userErrors;
  }
}

const ACCOUNTS = "tutti.accounts"; // localStorage: all accounts of this browser
const ENDED = "tutti.ended"; // localStorage: the ids of those whose session was ended elsewhere, and who have not signed in here since
const ACTIVE = "tutti.account"; // sessionStorage: the id this tab acts as, "" for nobody
const LAST = "tutti.last"; // localStorage: the id that a tab of this browser acted as last
const ADDRESS = "tutti.address"; // sessionStorage: of whom this tab acts as, to sign in again with
/** sessionStorage: the address that was typed when the password turned out to be forgotten. */
export const EMAIL = "tutti.email";
const RENEW_BEFORE_MS = 60_000;
/** All tabs wait for it. The next try has to come within the server's grace of 10 seconds for a token whose successor was lost. */
const LONGEST_REFRESH_MS = 6_000;

// --- what is stored -----------------------------------------------------------------------------------------------

export const accounts = (): Account[] => listIn<Account>(ACCOUNTS);

function listIn<Item>(key: string): Item[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(stored) ? (stored as Item[]) : [];
  } catch {
    return [];
  }
}

/** Whose session was ended elsewhere: they have not signed out in this browser. */
export const endedIds = (): string[] => listIn<string>(ENDED);

/** Whom this tab acted as when their session was ended elsewhere. */
export function endedAccount(): Pick<Account, "id" | "email"> | null {
  const id = sessionStorage.getItem(ACTIVE) ?? "";
  return !activeAccount() && endedIds().includes(id) ? { id, email: sessionStorage.getItem(ADDRESS) ?? "" } : null;
}

/** Who has not signed out in this browser. In no moment is somebody missing who signs in again or whose session ends. */
export const knownIds = (): string[] => [...accounts().map(({ id }) => id), ...endedIds()];

/** Whose is what is typed in this tab. */
export const ownerId = (): string | null => (activeAccount() ?? endedAccount())?.id ?? null;

/** Whether somebody was signed in here before. */
export const isKnownBrowser = (): boolean => localStorage.getItem(ACCOUNTS) !== null;

export function activeAccount(): Account | null {
  const id = sessionStorage.getItem(ACTIVE);
  const all = accounts();
  const called = (sought: string | null): Account | undefined => all.find((account) => account.id === sought);
  // A new tab begins as whom one acted as last; a tab that signed out stays nobody.
  return (id === null ? (called(localStorage.getItem(LAST)) ?? all[0]) : called(id)) ?? null;
}

/** This tab acts as that account from now on (null: as nobody). */
export function actAs(id: string | null): void {
  sessionStorage.setItem(ACTIVE, id ?? "");
  noteAddress();
  noteLast();
  announce();
}

function noteLast(): void {
  const account = activeAccount();
  if (account) localStorage.setItem(LAST, account.id);
}

/** Kept by this tab alone, and only until its person signs out. */
function noteAddress(): void {
  const account = activeAccount();
  if (account) sessionStorage.setItem(ADDRESS, account.email);
  else if (!endedAccount()) sessionStorage.removeItem(ADDRESS);
}

function store(account: Account): void {
  localStorage.setItem(ACCOUNTS, JSON.stringify([account, ...accounts().filter((other) => other.id !== account.id)]));
  setEnded(account.id, false);
}

function setEnded(id: string, isEnded: boolean): void {
  const before = endedIds();
  const others = before.filter((other) => other !== id);
  if (isEnded || others.length < before.length) localStorage.setItem(ENDED, JSON.stringify(isEnded ? [...others, id] : others));
}

function forget(id: string): void {
  if (localStorage.getItem(LAST) === id) localStorage.removeItem(LAST);
  localStorage.setItem(ACCOUNTS, JSON.stringify(accounts().filter((account) => account.id !== id)));
}

// --- who wants to know --------------------------------------------------------------------------------------------

const listeners = new Set<() => void>();

/** Calls back when an account is added, renewed or dropped here or in another tab. Returns how to stop. */
export function onAccountsChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function announce(): void {
  for (const listener of listeners) listener();
}

/** Begins to follow other tabs, and stays the account it began as; called once by a page. */
export function followOtherTabs(): void {
  const first = activeAccount();
  if (first) sessionStorage.setItem(ACTIVE, first.id);
  noteAddress();
  addEventListener("focus", noteLast);
  addEventListener("storage", (event) => {
    if (event.key !== ACCOUNTS && event.key !== ENDED && event.key !== null) return;
    noteAddress();
    announce();
  });
}

// --- signing in, up and out ---------------------------------------------------------------------------------------

/** Throws Refused when the server refuses, Error when it cannot be asked. */
export async function signIn(email: string, password: string): Promise<Account> {
  return adopt(await session(SIGN_IN, "signIn", { email, password, device: device() }));
}

/** Throws Refused when the server refuses, Error when it cannot be asked. */
export async function signUp(person: { name: string; email: string; password: string; inviteToken?: string }): Promise<Account> {
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return adopt(await session(SIGN_UP, "signUp", { ...person, timeZone, device: device() }));
}

/** Acts with an access token got elsewhere, after asking the server whose it is. Throws Error if it is refused. */
export async function usePastedToken(text: string): Promise<Account> {
  const accessToken = text.trim().replace(/^bearer\s+/i, "");
  const answer = await ask<{ viewer: SessionPayload["viewer"] }>({ query: VIEWER }, { authorization: bearer(accessToken) });
  const viewer = answer.data?.viewer;
  if (!viewer) throw new Error(problemsOf(answer) ?? "The server does not know this token.");
  return adopt({ userErrors: [], viewer, accessToken, accessTokenExpiresAt: null, refreshToken: null });
}

/** Takes over the session of a payload that arrived in some other way, if it holds one. */
export function adoptIfSession(payload: unknown): Account | null {
  const candidate = payload as Partial<SessionPayload> | null;
  if (!candidate?.accessToken || !candidate.viewer?.user?.id) return null;
  const { id, name } = candidate.viewer.user;
  const known = accounts().find((account) => account.id === id);
  return adopt({
    userErrors: [],
    viewer: { user: { id, name: name ?? known?.name ?? "You" }, email: candidate.viewer.email ?? known?.email ?? "" },
    accessToken: candidate.accessToken,
    accessTokenExpiresAt: candidate.accessTokenExpiresAt ?? null,
    refreshToken: candidate.refreshToken ?? null,
  });
}

/** Ends the session on the server if it answers, and forgets it here in any case. */
export async function signOut(account: Account): Promise<void> {
  const token = await freshToken(account.id).catch(() => null);
  forgetAccount(account.id);
  if (token) await ask({ query: SIGN_OUT }, { authorization: bearer(token) }).catch(() => undefined);
}

/** Forgets an account whose session has ended already, and the versions of texts that it had not chosen from. */
export function forgetAccount(id: string): void {
  forget(id);
  setEnded(id, false);
  for (const key of Object.keys(localStorage)) if (key.startsWith(`tutti.conflicts.${id}.`)) localStorage.removeItem(key);
  actAs(null);
}

/**
 * The access token to send for this account, renewed first when it is about to expire (or `force`d).
 * Null when the session is over; the account is then forgotten. Throws Error if the server cannot be asked.
 */
export async function freshToken(id: string, force = false): Promise<string | null> {
  const before = accounts().find((account) => account.id === id);
  if (!before) return null;
  if (before.refreshToken === null || (!force && !isDue(before))) return before.accessToken;
  return exclusively(`tutti.refresh.${id}`, async (hasWaited) => {
    const isAsBefore = (): boolean => accounts().find((account) => account.id === id)?.accessToken === before.accessToken;
    if (hasWaited && isAsBefore()) await storageHeard(); // the lock can be here before what the other tab has stored
    const now = accounts().find((account) => account.id === id);
    if (!now?.refreshToken) return null;
    if (now.accessToken !== before.accessToken) return now.accessToken; // another tab was faster
    try {
      const payload = await session(REFRESH, "refreshSession", { refreshToken: now.refreshToken }, LONGEST_REFRESH_MS);
      store(toAccount(payload));
      announce();
      return payload.accessToken;
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      if (accounts().some((account) => account.id === id)) setEnded(id, true); // else they signed out meanwhile
      forget(id);
      announce();
      return null;
    }
  });
}

/** Milliseconds until this account's access token should be renewed; null if it never can be. */
export function renewalDueIn(account: Account): number | null {
  if (account.refreshToken === null || account.accessTokenExpiresAt === null) return null;
  return Math.max(0, Date.parse(account.accessTokenExpiresAt) - RENEW_BEFORE_MS - Date.now());
}

const isDue = (account: Account): boolean => renewalDueIn(account) === 0;

async function session(query: string, field: string, input: Record<string, unknown>, withinMs?: number): Promise<SessionPayload> {
  const answer = await ask<Record<string, SessionPayload>>({ query, variables: { input } }, {}, withinMs);
  const payload = answer.data?.[field];
  if (!payload) throw new Error(problemsOf(answer) ?? "The server gave no result.");
  if (payload.userErrors.length) throw new Refused(payload.userErrors);
  return payload;
}

function adopt(payload: SessionPayload): Account {
  const account = toAccount(payload);
  store(account);
  actAs(account.id);
  return account;
}

function toAccount(payload: SessionPayload): Account {
  if (!payload.viewer || !payload.accessToken) throw new Error("The server gave no session.");
  const { viewer, accessToken, accessTokenExpiresAt, refreshToken } = payload;
  return { id: viewer.user.id, name: viewer.user.name, email: viewer.email, accessToken, accessTokenExpiresAt, refreshToken };
}

/** What the person calls this device by in the list of theirs: like "Firefox on Linux". */
const device = (): string => deviceOf(navigator.userAgent);

/** How a device is shown: as it was called when it signed in, or after what its browser said of itself. */
export const nameOf = (device: string | null | undefined): string => (device?.startsWith("Mozilla/") ? deviceOf(device) : device) ?? "A device without a name";

/** The same of what a browser says of itself. */
function deviceOf(said: string): string {
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => said.includes(name)) ?? "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac", "Linux"].find((name) => said.includes(name)) ?? "an unknown system";
  return `${{ Edg: "Edge", OPR: "Opera" }[browser] ?? browser} on ${system}`;
}

const LONGEST_STORING_MS = 250;

/** Resolves when another tab has stored accounts, or soon. */
function storageHeard(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(done, LONGEST_STORING_MS);
    const stop = onAccountsChange(done);
  });
}

/**
 * Runs `work` in one tab at a time, and tells it whether it had to wait for another one. Without Web Locks (plain http to
 * another host) the server's grace covers a race.
 */
async function exclusively<Result>(name: string, work: (hasWaited: boolean) => Promise<Result>): Promise<Result> {
  if (!("locks" in navigator)) return work(false);
  const begun = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => (lock ? { result: await work(false) } : null));
  return (begun ?? { result: await navigator.locks.request(name, () => work(true)) }).result as Result;
}
