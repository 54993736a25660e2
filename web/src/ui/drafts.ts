/**
 * What was typed and not sent yet: it survives a reload of the tab, another account in it and the end of the session elsewhere, and
 * goes when the person who typed it signs out in this browser.
 *
 * Invariant: nobody reads what somebody else typed: each text is kept by whose it is.
 */
import { create } from "zustand";
import { ownerId } from "../session/accounts";

const PREFIX = "tutti.draft."; // sessionStorage: then the id of whose it is, and what it is called

/** The title of a task that is to be made. */
export const NEW_TASK = "task";

let lastKey = "";

/** By their keys in sessionStorage. */
const useDrafts = create<Readonly<Record<string, string>>>(() => ({}));

const keyOf = (name: string): string => `${PREFIX}${ownerId()}.${name}`;

const textAt = (key: string): string => useDrafts.getState()[key] ?? sessionStorage.getItem(key) ?? "";

function keep(key: string, text: string): void {
  useDrafts.setState({ [key]: text });
  if (text) sessionStorage.setItem(key, text);
  else sessionStorage.removeItem(key);
  tellOthers(key, text);
}

function setDraft(key: string, text: string): void {
  lastKey = key;
  keep(key, text);
}

/** Puts a text below what is typed there now. */
export function addToDraft(name: string, text: string): void {
  const key = keyOf(name);
  setDraft(key, [textAt(key).trimEnd(), text].filter(Boolean).join("\n\n"));
}

/** Puts a text where nothing is typed now; returns whether it did. */
export function offerDraft(name: string, text: string): boolean {
  const key = keyOf(name);
  if (textAt(key)) return false;
  setDraft(key, text);
  return true;
}

const storedKeys = (): string[] => Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));

/** How many texts this person has typed that are neither sent nor saved: in this tab, and in others as far as that can be told. */
export async function countDrafts(): Promise<{ readonly here: number; readonly elsewhere: number }> {
  const prefix = keyOf("");
  const here = storedKeys().filter((key) => key.startsWith(prefix) && textAt(key).trim()).length;
  if (!("locks" in navigator)) return { here, elsewhere: 0 };
  const { held = [], pending = [] }: LockManagerSnapshot = await navigator.locks.query().catch(() => ({})); // the browser gives none
  const count = (keys: Iterable<string | undefined>): number => [...keys].filter((key) => key?.startsWith(prefix)).length;
  return { here, elsewhere: Math.max(0, count([...held, ...pending].map(({ name }) => name)) - count(told.keys())) };
}

const told = new Map<string, () => void>();

/** Holds a lock by the key of each text: by these other tabs count them, and they go with the tab, however it does. */
function tellOthers(key: string, text: string): void {
  const isTyped = text.trim() !== "";
  if (isTyped === told.has(key) || !("locks" in navigator)) return;
  if (isTyped) {
    const untilGone = new Promise<void>((letGo) => told.set(key, letGo));
    navigator.locks.request(key, { mode: "shared" }, () => untilGone).catch(() => told.delete(key)); // the browser gives none
  } else {
    told.get(key)!();
    told.delete(key);
  }
}

/** When the page begins, and when somebody signs out in any tab: keeps what these people typed, and forgets all else. */
export function keepDraftsOf(ids: readonly string[]): void {
  for (const key of storedKeys()) {
    const name = key.slice(PREFIX.length);
    if (ownerId() && !/^(user_|null\.)/.test(name)) offerDraft(name, textAt(key)); // kept by an earlier build, for one person at a time
    keep(key, ids.some((id) => name.startsWith(`${id}.`)) ? textAt(key) : "");
  }
}

/** The draft of this name, and how to change it. */
export function useDraft(name: string): readonly [string, (text: string) => void] {
  const key = keyOf(name);
  const text = useDrafts((drafts) => drafts[key]) ?? textAt(key);
  return [text, (next) => setDraft(key, next)];
}

/** The name of what this person typed last. */
export function lastDraft(): string {
  const prefix = keyOf("");
  return lastKey.startsWith(prefix) ? lastKey.slice(prefix.length) : "";
}

/** The names of all drafts with such a part in their name, like the id of a task. */
export function useDraftsWith(isPart: (part: string) => boolean): readonly string[] {
  const prefix = keyOf("");
  const names = useDrafts((drafts) => {
    const own = [...new Set([...storedKeys(), ...Object.keys(drafts)])].filter((key) => key.startsWith(prefix) && textAt(key));
    return own.map((key) => key.slice(prefix.length)).filter((name) => name.split(".").some(isPart)).join(" ");
  });
  return names ? names.split(" ") : [];
}
