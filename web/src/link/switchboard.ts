/**
 * Lets the tabs of one account share a socket: a switchboard of `graphql-transport-ws` that knows its messages, and no GraphQL.
 *
 * Invariants: a tab finds what it would find at a socket of its own. Ids of operations are unique among tabs (graphql-ws makes
 * UUIDs). A frame is handed on as it came. What is for a tab that is gone goes nowhere.
 */

/** What a tab says: a frame to send, or that it closes. `isLinkDead`: it believes that nobody is there any more. */
export type FromTab = string | { readonly close: Closing; readonly isLinkDead: boolean };
/** What a tab hears: a frame, or that its socket is open or closed. */
export type ToTab = string | { readonly open: true } | { readonly close: Closing };

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** The part of a WebSocket that is used here. */
export interface Socket {
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  onclose: ((event: Closing) => void) | null;
  send(frame: string): void;
  close(code?: number, reason?: string): void;
}

export interface TabHandlers {
  hear(said: FromTab): void;
  /** It went without a word. */
  gone(): void;
}

interface Message {
  readonly id?: string;
  readonly type: string;
}

interface Tab {
  readonly tell: (said: ToTab) => void;
  isInitialised: boolean;
  /** Pings of the server in a row that it has not answered. */
  silent: number;
}

const OPEN = 1;
/** The server takes 50 operations on a socket; a tab has about four. */
export const MOST_TABS = 8;
/** A frozen tab reads nothing, and what waits for it would grow: after so many pings (10 s each) it has to come back itself. */
export const MOST_SILENT = 3;

export class Switchboard {
  private readonly lines = new Set<Line>();

  constructor(private readonly connect: () => Socket, private readonly isOnline: () => boolean = () => true) {}

  /** A tab that wants a socket; `tell` says something to it. */
  add(tell: (said: ToTab) => void): TabHandlers {
    let line = [...this.lines].find(({ tabs }) => tabs.size < MOST_TABS);
    if (!line) {
      const opened = new Line(this.connect(), this.isOnline, () => this.lines.delete(opened));
      this.lines.add((line = opened));
    }
    return line.add(tell);
  }
}

/** A real socket, and the tabs that share it. */
class Line {
  readonly tabs = new Set<Tab>();
  private readonly operations = new Map<string, Tab>();
  /** Those whose pings the server has not answered, in their order. */
  private askers: Tab[] = [];
  private isAsked = false;
  private ack: string | null = null;

  constructor(private readonly socket: Socket, private readonly isOnline: () => boolean, private readonly onEnd: () => void) {
    socket.onopen = () => this.tabs.forEach(({ tell }) => tell({ open: true }));
    socket.onmessage = ({ data }) => this.fromServer(data);
    socket.onclose = ({ code, reason }) => this.end({ code, reason });
  }

  add(tell: Tab["tell"]): TabHandlers {
    const tab: Tab = { tell, isInitialised: false, silent: 0 };
    this.tabs.add(tab);
    if (this.socket.readyState === OPEN) tell({ open: true });
    return {
      hear: (said) => {
        if (!this.tabs.has(tab)) return;
        if (typeof said === "string") this.fromTab(tab, said);
        else if (said.isLinkDead && (this.askers.includes(tab) || !this.isOnline())) this.drop(said.close);
        else this.remove(tab, said.close);
      },
      gone: () => this.remove(tab, { code: 1001, reason: "Gone" }),
    };
  }

  private fromTab(tab: Tab, frame: string): void {
    const { id, type } = JSON.parse(frame) as Message;
    if (type === "connection_init") {
      tab.isInitialised = true;
      if (this.ack) tab.tell(this.ack);
      if (this.isAsked) return; // it will hear the answer to the first one
      this.isAsked = true;
    } else if (type === "pong") {
      tab.silent = 0;
      return; // the server has been answered
    } else if (type === "ping") this.askers.push(tab);
    else if (type === "subscribe") this.operations.set(id!, tab);
    else this.operations.delete(id!);
    this.send(frame);
  }

  private fromServer(frame: string): void {
    const { id, type } = JSON.parse(frame) as Message;
    if (type === "connection_ack") {
      this.ack = frame;
      for (const tab of this.tabs) if (tab.isInitialised) tab.tell(frame);
    } else if (type === "ping") {
      this.send('{"type":"pong"}'); // at once, however slow a tab is
      for (const tab of this.tabs) {
        if (tab.silent++ < MOST_SILENT) tab.tell(frame);
        else this.remove(tab, { code: 4408, reason: "The tab does not answer" });
      }
    } else if (type === "pong") this.askers.shift()?.tell(frame);
    else {
      this.operations.get(id!)?.tell(frame);
      if (type !== "next") this.operations.delete(id!);
    }
  }

  private send(frame: string): void {
    if (this.socket.readyState === OPEN) this.socket.send(frame);
  }

  private remove(tab: Tab, closing: Closing): void {
    if (!this.tabs.delete(tab)) return;
    tab.tell({ close: closing });
    for (const [id, owner] of this.operations) {
      if (owner !== tab) continue;
      this.operations.delete(id);
      this.send(JSON.stringify({ id, type: "complete" }));
    }
    if (this.tabs.size === 0) this.drop(closing);
  }

  /** Closes the socket without waiting for a peer that may be gone. */
  private drop(closing: Closing): void {
    const { socket } = this;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // Browsers let programs say 1000 and their own codes only.
    socket.close(closing.code >= 3000 ? closing.code : 1000, closing.reason);
    this.end(closing);
  }

  private end(closing: Closing): void {
    this.onEnd();
    for (const { tell } of this.tabs) tell({ close: closing });
    this.tabs.clear();
    this.operations.clear();
    this.askers = [];
  }
}
