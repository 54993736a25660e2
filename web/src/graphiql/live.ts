/**
 * Runs one subscription for GraphiQL over graphql-transport-ws, and goes on after a lost connection.
 *
 * Invariant: a document that takes `$after` is resumed behind the last cursor that was shown, so nothing is missed and
 * nothing comes twice. (graphql-ws alone would send the old variables again.)
 */
import type { ExecutionResult, OperationDefinitionNode } from "graphql";
import { createClient, type Client } from "graphql-ws";
import type { Observable } from "@graphiql/toolkit";
import { bearer, ENDPOINT, type Operation } from "../session/requests";

export type LinkState = "off" | "connecting" | "live" | "reconnecting";

export interface Credentials {
  /** The `authorization` to connect with, null for none. `afterRefusal`: the last one was just refused as expired. */
  authorization(afterRefusal: boolean): Promise<string | null>;
  onLink(state: LinkState): void;
}

type Batch = { events?: unknown[]; cursor?: string; resync?: string | null };

const EARLIER_KEPT = 20;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
/** Closed for a reason that the same attempt would meet again (see graphql-ws, and the server's close codes). */
const FINAL_CLOSES = new Set([1002, 4400, 4401, 4406, 4409, 4429, 4500]);

const sockets = new Set<WebSocket>();

/** Gives open subscriptions a renewed token of the same session, so that they do not end with the old one. */
export function renewInBand(accessToken: string): void {
  const ping = JSON.stringify({ type: "ping", payload: { authorization: bearer(accessToken) } });
  for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.send(ping);
}

export function subscribe(
  operation: Operation,
  definition: OperationDefinitionNode,
  credentials: Credentials,
): Observable<ExecutionResult> {
  return { subscribe: (observer) => ({ unsubscribe: follow(operation, definition, credentials, observer as Observer) }) };
}

interface Observer {
  next(result: unknown): void;
  complete(): void;
}

/** Starts the subscription; returns how to stop it. */
function follow(
  operation: Operation,
  definition: OperationDefinitionNode,
  credentials: Credentials,
  observer: Observer,
): () => void {
  const takesAfter = definition.variableDefinitions?.some(({ variable }) => variable.name.value === "after");
  const shown = new Shown();
  let variables = operation.variables;
  let failures = 0;
  let wasRefused = false;
  let stopped = false;
  let client: Client | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function connect(): void {
    credentials.onLink(failures ? "reconnecting" : "connecting");
    client = socketClient(() => credentials.authorization(wasRefused), () => credentials.onLink("live"));
    client.subscribe<Record<string, unknown>>(
      { query: operation.query, variables, operationName: operation.operationName },
      {
        next(result) {
          failures = 0;
          wasRefused = false;
          const cursor = batchOf(result)?.cursor;
          if (takesAfter && cursor) variables = { ...variables, after: cursor };
          observer.next(shown.with(result));
        },
        error: lost,
        complete() {
          if (stopped) return;
          finish();
          observer.complete();
        },
      },
    );
  }

  function lost(problem: unknown): void {
    if (stopped) return;
    void client?.dispose();
    if (Array.isArray(problem)) return end(problem); // the server refused this operation, not the connection
    const close = isClose(problem) ? problem : null; // else the connection could not even be made
    const isFinal = close && (FINAL_CLOSES.has(close.code) || (close.code === 4403 && wasRefused));
    if (isFinal) return end([{ message: explain(close) }]);
    wasRefused = close?.code === 4403;
    credentials.onLink("reconnecting");
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures++) * (0.5 + Math.random() / 2);
    timer = setTimeout(connect, wait);
  }

  function end(errors: readonly unknown[]): void {
    finish();
    observer.next({ errors });
    observer.complete();
  }

  function finish(): void {
    stopped = true;
    clearTimeout(timer);
    credentials.onLink("off");
  }

  connect();
  return () => {
    finish();
    void client?.dispose();
  };
}

/** A client for one connection: when it closes, `follow` decides what comes next. */
function socketClient(authorization: () => Promise<string | null>, onConnected: () => void): Client {
  const url = new URL(ENDPOINT, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  let socket: WebSocket | undefined;
  const client = createClient({
    url: url.href,
    retryAttempts: 0,
    keepAlive: 10_000,
    connectionParams: async () => {
      const value = await authorization();
      return value === null ? undefined : { authorization: value };
    },
    on: {
      connected(opened) {
        socket = opened as WebSocket;
        sockets.add(socket);
        onConnected();
      },
      closed() {
        clearTimeout(pongTimer);
        if (socket) sockets.delete(socket);
      },
      ping(received) {
        // A peer that is gone without a word answers no ping: give up on it instead of waiting for TCP.
        if (!received) pongTimer = setTimeout(() => client.terminate(), 5_000);
      },
      pong(received) {
        if (received) clearTimeout(pongTimer);
      },
    },
  });
  return client;
}

/**
 * What the response pane shows of a stream: the newest result on top, earlier ones below, newest first. A checkpoint (a
 * batch without events) only moves `cursor`, so that it does not push away what one wants to read.
 */
class Shown {
  private latest: unknown = null;
  private readonly earlier: unknown[] = [];
  private count = 0;

  with(result: { data?: unknown }): unknown {
    const batch = batchOf(result);
    const isCheckpoint = batch?.events?.length === 0 && !batch.resync && !("errors" in result);
    if (!isCheckpoint || this.latest === null) {
      if (this.latest !== null && this.count > 0) this.earlier.unshift(this.latest);
      this.earlier.length = Math.min(this.earlier.length, EARLIER_KEPT);
      this.latest = result;
      this.count += isCheckpoint ? 0 : 1;
    }
    return {
      received: this.count,
      ...(batch?.cursor ? { cursor: batch.cursor } : {}),
      ...(this.latest as object),
      ...(this.earlier.length ? { earlier: this.earlier } : {}),
    };
  }
}

/** The event batch in a result, whatever its field is called; undefined if there is none. */
function batchOf(result: { data?: unknown }): Batch | undefined {
  const values = Object.values((result.data ?? {}) as Record<string, unknown>);
  return values.find((value): value is Batch => typeof value === "object" && value !== null && "cursor" in value);
}

interface Close {
  code: number;
  reason: string;
}

/** A socket's CloseEvent, or graphql-ws's own object of that shape when it gave up on a silent peer. */
const isClose = (problem: unknown): problem is Close =>
  typeof problem === "object" && problem !== null && "code" in problem && "reason" in problem;

function explain(close: Close): string {
  if (close.code === 4401) return "Subscriptions need a signed-in person: sign in at the top right, then run it again.";
  if (close.code === 4403) return `The session is over (${close.reason || "expired or revoked"}): sign in again.`;
  return `The server closed the connection: ${close.code} ${close.reason}`.trim();
}
