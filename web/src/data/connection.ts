/**
 * The one socket of an account in this tab, which it shares with other tabs: whether it is live, and what is subscribed over it.
 *
 * Invariants: nothing is opened at import. The token never leaves headers and `connectionParams`; it is renewed on the
 * open socket before it ends. graphql-ws would send a live subscription again with its old variables, so whoever follows
 * something starts anew at each `connected`.
 */
import { createClient, type Client } from "graphql-ws";
import { create } from "zustand";
import { socketsOf } from "../link/shared-socket";
import { accounts, freshToken, onAccountsChange, renewalDueIn } from "../session/accounts";
import { bearer, ENDPOINT } from "../session/requests";

export type LinkState = "connecting" | "live" | "reconnecting" | "offline";

/** What the person is told about the link. */
export const useLink = create<{ link: LinkState }>(() => ({ link: "connecting" }));

/** A link that is back sooner was not missed. */
export const RECONNECTING_AFTER_MS = 1_000;

/** Whether there was a connection, or a try at one, and there is none now: what is done waits. */
export const useIsCutOff = (): boolean => useLink(({ link }) => link === "offline" || link === "reconnecting");

export interface LinkListener {
  connected(): void;
  disconnected(): void;
}

const PING_MS = 10_000;
const PONG_MS = 5_000;
const LONGEST_WAIT_MS = 8_000;

export class Connection {
  private client!: Client;
  private socket: WebSocket | null = null;
  private pongTimer: ReturnType<typeof setTimeout> | undefined;
  private renewTimer: ReturnType<typeof setTimeout> | undefined;
  private wasRefused = false;
  private isClosed = false;
  private readonly listeners = new Set<LinkListener>();
  private readonly offAccounts: () => void;
  /** Resolves when the account is left. */
  readonly closed: Promise<void>;
  private resolveClosed!: () => void;

  constructor(private readonly accountId: string) {
    this.closed = new Promise((resolve) => (this.resolveClosed = resolve));
    this.open();
    this.offAccounts = onAccountsChange(() => this.renewInBand());
    this.scheduleRenewal();
    addEventListener("offline", this.goneOffline);
  }

  /** Tells of the link from now on, at once if it is there. Returns how to stop. */
  listen(listener: LinkListener): () => void {
    this.listeners.add(listener);
    if (this.socket) listener.connected();
    return () => {
      this.listeners.delete(listener);
      listener.disconnected();
    };
  }

  subscribe<Data>(query: string, variables: Record<string, unknown>, sink: { next(data: Data): void; error(errors: readonly WireError[]): void }): () => void {
    return this.client.subscribe<Data>(
      { query, variables },
      {
        next: ({ data, errors }) => (data ? sink.next(data) : sink.error((errors ?? []) as readonly WireError[])),
        // Errors of the operation come as a list; anything else means that the link is gone, which listeners are told.
        error: (problem) => Array.isArray(problem) && sink.error(problem as WireError[]),
        complete: () => undefined,
      },
    );
  }

  close(): void {
    this.isClosed = true;
    this.resolveClosed();
    removeEventListener("offline", this.goneOffline);
    this.offAccounts();
    clearTimeout(this.renewTimer);
    void Promise.resolve(this.client.dispose()).catch(() => undefined); // it fails if it was not open yet
  }

  private readonly goneOffline = (): void => this.client.terminate();

  private open(): void {
    const url = new URL(ENDPOINT, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.client = createClient({
      url: url.href,
      webSocketImpl: socketsOf(this.accountId),
      lazy: false,
      keepAlive: PING_MS,
      retryAttempts: Infinity,
      shouldRetry: () => true,
      retryWait: waitOrOnline,
      connectionParams: async () => {
        const token = await freshToken(this.accountId, this.wasRefused).catch(() => null);
        return token ? { authorization: bearer(token) } : {};
      },
      onNonLazyError: () => this.openLater(),
      on: {
        connected: (socket) => {
          this.socket = socket as WebSocket;
          this.wasRefused = false;
          useLink.setState({ link: "live" });
          for (const listener of this.listeners) listener.connected();
        },
        closed: (event) => this.lost((event as CloseEvent).code),
        ping: (received) => {
          // A peer that is gone without a word answers no ping: give up on it instead of waiting for TCP.
          if (!received) this.pongTimer = setTimeout(() => this.client.terminate(), PONG_MS);
        },
        pong: (received) => received && clearTimeout(this.pongTimer),
      },
    });
  }

  private lost(code: number): void {
    clearTimeout(this.pongTimer);
    this.wasRefused = code === 4401 || code === 4403;
    this.socket = null;
    if (this.isClosed) return;
    useLink.setState({ link: navigator.onLine ? "reconnecting" : "offline" });
    for (const listener of this.listeners) listener.disconnected();
  }

  /** graphql-ws has given up for good (a bug, or a refused token); the token was renewed or the account forgotten. */
  private openLater(): void {
    if (this.isClosed) return;
    setTimeout(() => {
      if (!this.isClosed && accounts().some(({ id }) => id === this.accountId)) this.open();
    }, 1_000);
  }

  private renewInBand(): void {
    const account = accounts().find(({ id }) => id === this.accountId);
    if (!account) return;
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ type: "ping", payload: { authorization: bearer(account.accessToken) } }));
    }
    this.scheduleRenewal();
  }

  private scheduleRenewal(): void {
    clearTimeout(this.renewTimer);
    const account = accounts().find(({ id }) => id === this.accountId);
    const dueIn = account ? renewalDueIn(account) : null;
    if (dueIn === null) return;
    this.renewTimer = setTimeout(() => void freshToken(this.accountId).catch(() => this.scheduleRenewal()), Math.max(dueIn, 2_000));
  }
}

export interface WireError {
  readonly message: string;
  readonly extensions?: { readonly code?: string };
}

/** Waits longer each time, with some randomness, but not a moment after the network is back. */
function waitOrOnline(retries: number): Promise<void> {
  const wait = Math.min(LONGEST_WAIT_MS, 250 * 2 ** retries) * (0.5 + Math.random() / 2);
  return new Promise((again) => {
    const timer = setTimeout(done, wait);
    addEventListener("online", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      removeEventListener("online", done);
      again();
    }
  });
}
