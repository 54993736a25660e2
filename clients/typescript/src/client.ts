/**
 * Asks a server in typed documents, and follows its streams over WebSocket or event streams.
 *
 * Invariants: a mutation is sent again after a lost answer only with the key of its first try, so it has one effect. A stream
 * that comes back after a lost connection asks for what is behind its last result, so nothing is missing and nothing comes twice.
 */
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { Kind, print, type OperationDefinitionNode, type TypeNode } from "graphql";
import { createClient as createEventStreams } from "graphql-sse";
import { createClient as createSocket, type Client as Socket } from "graphql-ws";
import { failureOf, RateLimited, Refused, TuttiError, Unavailable, type WireError } from "./errors.js";
import { WorkspaceEventsDocument, type BatchFragment, type EventFilter, type RefusalFragment } from "./generated/documents.js";
import { KEYED_INPUTS } from "./generated/keyed.js";
import { uuidv7 } from "./generated/sync/ids.js";

export interface TuttiOptions {
  /** The server's address, like `https://tutti.example.com`. */
  readonly url: string;
  /** An API token or an access token; a function is asked for it at every request and connection. */
  readonly token: string | (() => string | Promise<string>);
  /** How streams come: event streams (`sse`) where WebSockets are blocked. */
  readonly transport?: "ws" | "sse";
  /** The class of WebSockets, where there is none built in (Node before 22): that of the package `ws`. */
  readonly webSocket?: unknown;
  readonly fetch?: typeof fetch;
  /** How long one try of a query or mutation may take. */
  readonly timeoutMs?: number;
}

export interface Sink<Data> {
  next(data: Data): void;
  /** The server ended the stream for good. */
  error?(problem: TuttiError): void;
}

export interface LinkListener {
  connected(): void;
  closed(): void;
}

interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly WireError[];
}

type Variables = Record<string, unknown>;

const TRIES = 6;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
/** A limit that lasts longer is the program's to wait for: points come back every minute. */
const LONGEST_LIMIT_SECONDS = 60;
/** So many events may wait for a slow program; then the stream rests, and goes on behind them when they are taken. */
const MOST_WAITING = 1_000;
const AWAY = new Set([502, 503, 504]);
/** Closed for good: credentials that are refused, and messages that a bug of ours made. */
const FINAL_CLOSES = new Set([4400, 4401, 4406, 4409, 4429]);
/** The credentials are no longer good; whoever gives them may have new ones. */
const EXPIRED = 4403;

export class Tutti {
  private readonly url: string;
  private readonly socket: Socket | undefined;
  private readonly options: TuttiOptions;
  private readonly listeners = new Set<LinkListener>();
  private readonly ends = new Set<() => void>();
  private isConnected = false;

  constructor(options: TuttiOptions) {
    this.options = options;
    this.url = `${options.url.replace(/\/$/, "")}/graphql`;
    if (options.transport !== "sse") this.socket = this.open();
  }

  /** The data of a query. Rejects with a TuttiError. */
  query<Data, Vars extends Variables>(document: TypedDocumentNode<Data, Vars>, variables: Vars): Promise<Data> {
    return this.repeat(() => this.once(document, variables));
  }

  /**
   * The data of a mutation. An input whose type has a `clientMutationId` gets one if it has none, so that it has one effect
   * however often it is sent. The others (of accounts and presence) are sent again only if the server did not take them.
   * Rejects with a TuttiError: Refused for what is in `userErrors`, Unavailable if it is not known whether it was done.
   */
  mutate<Data, Vars extends { readonly input: object }>(document: TypedDocumentNode<Data, Vars>, variables: Vars): Promise<Data> {
    if (!KEYED_INPUTS.has(typeOf(document, "input") ?? "")) return this.repeat(() => this.once(document, variables), false);
    const { clientMutationId }: { readonly clientMutationId?: string | null } = variables.input;
    const keyed = { ...variables, input: { ...variables.input, clientMutationId: clientMutationId ?? uuidv7() } };
    return this.repeat(() => this.once(document, keyed));
  }

  /** One try of a query or mutation, as it is given. Rejects with a TuttiError. */
  async once<Data, Vars extends Variables>(document: TypedDocumentNode<Data, Vars>, variables: Vars): Promise<Data> {
    const { data, errors } = await this.post<Data>(document, variables);
    if (errors?.length || !data) throw failureOf(errors ?? []);
    for (const payload of Object.values(data as Record<string, { readonly userErrors?: readonly RefusalFragment[] } | null>)) {
      if (payload?.userErrors?.length) throw new Refused(payload.userErrors);
    }
    return data;
  }

  /**
   * Follows a subscription, over every lost connection and whatever else passes: one that takes `$after` goes on behind its
   * last result. Returns how to stop.
   */
  subscribe<Data, Vars extends Variables>(document: TypedDocumentNode<Data, Vars>, variables: Vars, sink: Sink<Data>): () => void {
    // Both libraries send this very object again when they come back, so what changes in it here is asked for then.
    const current: Variables = { ...variables };
    const isResumable = typeOf(document, "after") !== undefined;
    const request = { query: print(document), variables: current };
    const handlers = {
      next: ({ data, errors }: Answer<Data>) => {
        if (isEnded) return;
        if (errors?.length || !data) return end(failureOf(errors ?? []));
        if (isResumable) current.after = cursorOf(data) ?? current.after;
        sink.next(data);
      },
      error: (problem: unknown) => end(problemOf(problem)),
      complete: () => undefined,
    };
    const start = (): (() => void) =>
      this.socket ? this.socket.subscribe<Data>(request, handlers as never) : this.stream(request, handlers as never);
    let isEnded = false;
    let stop = start();
    let again: ReturnType<typeof setTimeout> | undefined;
    const close = (): void => {
      isEnded = true;
      this.ends.delete(close);
      clearTimeout(again);
      stop();
    };
    const end = (problem: TuttiError): void => {
      if (isEnded) return;
      if (problem instanceof Unavailable || problem instanceof RateLimited) {
        stop();
        const wait = problem instanceof RateLimited ? problem.retryAfterSeconds * 1000 : LONGEST_WAIT_MS * Math.random();
        again = setTimeout(() => (stop = start()), wait);
        return;
      }
      close();
      sink.error?.(problem);
    };
    this.ends.add(close);
    return close;
  }

  /**
   * All events of a workspace after a cursor (without one: from now on), until this client is closed. Whoever takes them slowly
   * may: what waits here is bounded. Throws a TuttiError when the stream is ended for good.
   */
  async *workspaceEvents(workspaceId: string, options: { readonly after?: string; readonly filter?: EventFilter } = {}): AsyncGenerator<BatchFragment, void> {
    const waiting: BatchFragment[] = [];
    let waitingCount = 0;
    let { after } = options;
    let problem: TuttiError | undefined;
    let isClosed = false;
    let wake: () => void = () => undefined;
    let stop: (() => void) | undefined;
    const follow = (): (() => void) =>
      this.subscribe(WorkspaceEventsDocument, { workspaceId, ...options, ...(after === undefined ? {} : { after }) }, {
        next: ({ workspaceEvents }) => {
          waiting.push(workspaceEvents);
          waitingCount += Math.max(1, workspaceEvents.events.length);
          after = workspaceEvents.cursor;
          if (waitingCount >= MOST_WAITING) rest();
          wake();
        },
        error: (ended) => {
          problem = ended;
          wake();
        },
      });
    const rest = (): void => {
      stop?.();
      stop = undefined;
    };
    const close = (): void => {
      isClosed = true;
      wake();
    };
    this.ends.add(close);
    try {
      while (!isClosed) {
        for (let batch = waiting.shift(); batch; batch = waiting.shift()) yield batch;
        waitingCount = 0;
        if (problem) throw problem;
        if (isClosed) return;
        const woken = new Promise<void>((resolve) => (wake = resolve));
        stop ??= follow();
        await woken;
      }
    } finally {
      this.ends.delete(close);
      rest();
    }
  }

  /** Tells when the connection of the streams is there and when it is gone. Event streams look after themselves: always there. */
  onLink(listener: LinkListener): () => void {
    this.listeners.add(listener);
    if (!this.socket || this.isConnected) listener.connected();
    return () => this.listeners.delete(listener);
  }

  /** Ends all streams and the connection. */
  async close(): Promise<void> {
    for (const end of [...this.ends]) end();
    await Promise.resolve(this.socket?.dispose()).catch(() => undefined); // a connection that is being made may fail
  }

  private open(): Socket {
    const tell = (isConnected: boolean): void => {
      this.isConnected = isConnected;
      for (const listener of this.listeners) isConnected ? listener.connected() : listener.closed();
    };
    return createSocket({
      url: this.url.replace(/^http/, "ws"),
      ...(this.options.webSocket ? { webSocketImpl: this.options.webSocket } : {}),
      connectionParams: async () => ({ authorization: `Bearer ${await this.token()}` }),
      lazy: false,
      keepAlive: 10_000,
      retryAttempts: Infinity,
      retryWait: (retries) => pause(backoff(retries)),
      shouldRetry: (problem) => {
        const { code = 0 } = problem as { readonly code?: number };
        return !FINAL_CLOSES.has(code) && !(code === EXPIRED && typeof this.options.token === "string");
      },
      onNonLazyError: () => undefined, // each stream is told
      on: { connected: () => tell(true), closed: () => tell(false) },
    });
  }

  private stream(request: { query: string; variables: Variables }, handlers: Parameters<ReturnType<typeof createEventStreams>["subscribe"]>[1]): () => void {
    const streams = createEventStreams({
      url: this.url,
      headers: async () => ({ authorization: `Bearer ${await this.token()}` }),
      retryAttempts: Infinity,
      retry: (retries) => pause(backoff(retries)),
      ...(this.options.fetch ? { fetchFn: this.options.fetch } : {}),
    });
    streams.subscribe(request, handlers);
    return () => streams.dispose();
  }

  private token(): string | Promise<string> {
    return typeof this.options.token === "string" ? this.options.token : this.options.token();
  }

  private async post<Data>(document: TypedDocumentNode<Data, never>, variables: object): Promise<Answer<Data>> {
    const ask = this.options.fetch ?? fetch;
    const authorization = `Bearer ${await this.token()}`;
    let response: Response;
    try {
      response = await ask(this.url, {
        method: "POST",
        headers: { authorization, "content-type": "application/json", accept: "application/graphql-response+json" },
        body: JSON.stringify({ query: print(document), variables }),
        signal: AbortSignal.timeout(this.options.timeoutMs ?? 20_000),
      });
      if (!AWAY.has(response.status)) return (await response.json()) as Answer<Data>;
    } catch (lost) {
      throw new Unavailable("No answer", "SERVICE_UNAVAILABLE", { cause: lost });
    }
    throw new Unavailable(`The server is away (status ${response.status})`, "SERVICE_UNAVAILABLE");
  }

  /** Asks again while the server is away, if that `isSafe`, and where a limit is short: what a limit refused was not done. */
  private async repeat<Data>(ask: () => Promise<Data>, isSafe = true): Promise<Data> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask();
      } catch (problem) {
        const isLimit = problem instanceof RateLimited && problem.retryAfterSeconds <= LONGEST_LIMIT_SECONDS;
        if (attempt === TRIES || !(isLimit || (isSafe && problem instanceof Unavailable))) throw problem;
        await pause(isLimit ? problem.retryAfterSeconds * 1000 : backoff(attempt));
      }
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** More each time, and never the same for all who lost the server together. */
const backoff = (attempt: number): number => Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, attempt - 1)) * (0.5 + Math.random() / 2);

/** The name of a variable's type, if the document has such a variable. */
function typeOf(document: TypedDocumentNode<unknown, never>, variable: string): string | undefined {
  const operation = document.definitions.find((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION);
  let type: TypeNode | undefined = operation?.variableDefinitions?.find((one) => one.variable.name.value === variable)?.type;
  while (type && type.kind !== Kind.NAMED_TYPE) type = type.type;
  return type?.name.value;
}

function cursorOf(data: object): string | undefined {
  for (const batch of Object.values(data) as ({ readonly cursor?: string } | null)[]) if (batch?.cursor) return batch.cursor;
  return undefined;
}

/** What ends a stream: errors of the operation, a socket that was closed for good, a stream that was refused. */
function problemOf(problem: unknown): TuttiError {
  if (Array.isArray(problem)) return failureOf(problem as WireError[]);
  const { code, reason } = problem as { readonly code?: number; readonly reason?: string };
  if (code === 4401 || code === EXPIRED) return failureOf([{ message: reason || "The token is not accepted", extensions: { code: "UNAUTHENTICATED" } }]);
  return new TuttiError(reason || String((problem as Error | undefined)?.message ?? problem), code ? `CLOSED_${code}` : "UNKNOWN", { cause: problem });
}
