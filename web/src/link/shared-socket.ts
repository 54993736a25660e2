/**
 * A socket that all tabs of an account share, in the shape of a WebSocket; where browsers have no shared workers, or this one
 * does not start, it is a WebSocket.
 *
 * Invariants: nothing is opened at import. The tab holds a lock as long as its socket is open, so that the worker learns of
 * a tab that died. A page that was put away (bfcache) has closed its socket, and knows that when it comes back.
 */
import type { FromTab, ToTab } from "./switchboard";
import Worker from "./worker?sharedworker";

const TERMINATED = 4499; // graphql-ws, where nobody answers any more

let canShare = typeof SharedWorker !== "undefined";

/** The sockets of an account, for graphql-ws: they all lead to the `graphql-transport-ws` of this server. */
export function socketsOf(accountId: string) {
  return class SharedSocket {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;

    readyState = 0;
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: string }) => void) | null = null;
    onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null = null;
    onerror: ((problem: unknown) => void) | null = null;
    private port!: MessagePort;
    private release: (() => void) | undefined;

    constructor(url: string, protocol: string) {
      // Offline it is known to fail, or the browser is wrong about that; the worker's own view of it may differ.
      if (!canShare || !navigator.onLine) return new WebSocket(url, protocol) as unknown as SharedSocket;
      const worker = new Worker({ name: accountId });
      worker.onerror = () => {
        canShare = false;
        this.closed(1006, "The shared worker does not start");
      };
      this.port = worker.port;
      this.port.onmessage = ({ data }: MessageEvent<ToTab>) => this.hear(data);
      addEventListener("pagehide", this.putAway);
      if ("locks" in navigator) this.holdLock();
    }

    send(frame: string): void {
      this.say(frame);
    }

    close(code = 1000, reason = ""): void {
      if (this.readyState > 1) return;
      this.readyState = 2;
      this.say({ close: { code, reason }, isLinkDead: code === TERMINATED });
    }

    private say(said: FromTab | { readonly lock: string }): void {
      this.port.postMessage(said);
    }

    private hear(said: ToTab): void {
      if (this.readyState === 3) return;
      if (typeof said === "string") this.onmessage?.({ data: said });
      else if ("close" in said) this.closed(said.close.code, said.close.reason);
      else {
        this.readyState = 1;
        this.onopen?.();
      }
    }

    private closed(code: number, reason: string): void {
      if (this.readyState === 3) return;
      this.readyState = 3;
      removeEventListener("pagehide", this.putAway);
      this.release?.();
      this.port.close();
      this.onclose?.({ code, reason, wasClean: code !== 1006 });
    }

    private readonly putAway = ({ persisted }: PageTransitionEvent): void => {
      this.say({ close: { code: 1001, reason: "The page is put away" }, isLinkDead: false });
      if (persisted) addEventListener("pageshow", () => this.closed(1006, "The page was put away"), { once: true });
    };

    private holdLock(): void {
      const lock = `tutti.socket.${Math.random()}`;
      void navigator.locks.request(lock, () => {
        if (this.readyState === 3) return;
        this.say({ lock });
        return new Promise<void>((release) => (this.release = release));
      });
    }
  };
}
