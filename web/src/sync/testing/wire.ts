/**
 * The server as a replica needs it, with nothing but `fetch` and `graphql-ws`: what another client would write first.
 *
 * Invariant: no answer, or one that says to come again, is "unreachable"; only what the server refused is "refused".
 */
import { createClient, type Client } from "graphql-ws";
import WebSocket from "ws";
import { toBatch, type WireBatch } from "../events";
import type { Operation } from "../replica";
import type { Outcome, Server, Snapshot, Sync } from "../sync";
import { inputOf, type StatusRow, type TaskRow } from "../tasks";

export type BoardRow = TaskRow | StatusRow;

const TASK = `fragment TaskRow on Task {
  __typename id version key title description priority startDate dueDate estimate rank createdAt updatedAt completedAt
  archivedAt project { id } status { id } assignees { id } labels { id } parent { id } createdBy { id }
}`;
const STATUS = "fragment StatusRow on Status { __typename id version category rank }";

const SNAPSHOT = `query Snapshot($id: ID!, $after: String) {
  workspace(by: { id: $id }) {
    eventCursor
    statuses { ...StatusRow }
    tasks(first: 100, after: $after, filter: { archived: null }) { nodes { ...TaskRow } pageInfo { hasNextPage endCursor } }
  }
} ${TASK} ${STATUS}`;

const FOLLOW = `subscription Follow($id: ID!, $after: EventCursor) {
  workspaceEvents(workspaceId: $id, after: $after) {
    cursor
    resync
    events {
      __typename
      ... on TaskCreatedEvent { task { ...TaskRow } }
      ... on TaskUpdatedEvent { task { ...TaskRow } }
      ... on TaskRemovedEvent { taskId }
      ... on EntityEvent { op entityId entity { __typename id ... on Status { ...StatusRow } } }
    }
  }
} ${TASK} ${STATUS}`;

const mutationText = (name: string): string => {
  const kind = name[0]!.toUpperCase() + name.slice(1);
  const isDelete = name.startsWith("delete");
  const isMany = name.startsWith("bulk") || name.startsWith("revert");
  return `mutation M($input: ${kind}Input!) { payload: ${name}(input: $input) {
    userErrors { code message path } changeSetId ${isDelete ? "deletedTaskId" : `${isMany ? "tasks" : "task"} { ...TaskRow }`} } } ${isDelete ? "" : TASK}`;
};

interface SnapshotData {
  workspace: {
    eventCursor: string;
    statuses: StatusRow[];
    tasks: { nodes: TaskRow[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
  };
}

interface PayloadData {
  payload: { userErrors: { code: string }[]; changeSetId: string | null; task?: TaskRow | null; tasks?: TaskRow[]; deletedTaskId?: string | null };
}

interface GraphQLError {
  extensions?: { code?: string };
}

const FINAL_CODES = new Set(["NOT_FOUND", "ACCESS_REVOKED", "UNAUTHENTICATED", "BAD_REQUEST", "QUERY_TOO_COMPLEX"]);

const isFinal = (errors: readonly GraphQLError[]): boolean => errors.some(({ extensions }) => FINAL_CODES.has(extensions?.code ?? ""));

/** The data of an answer. Throws if there is none, also when the server cannot be asked. */
export async function ask<Data>(url: string, token: string | null, query: string, variables: object): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as { data?: Data; errors?: unknown };
  if (!answer.data || answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data;
}

export async function readSnapshot(url: string, token: string, id: string): Promise<Snapshot<BoardRow>> {
  const rows: BoardRow[] = [];
  let cursor = "";
  for (let after: string | null | undefined; after !== null; ) {
    const { workspace }: SnapshotData = await ask(url, token, SNAPSHOT, { id, after });
    cursor ||= workspace.eventCursor;
    rows.push(...(after === undefined ? workspace.statuses : []), ...workspace.tasks.nodes);
    after = workspace.tasks.pageInfo.hasNextPage ? workspace.tasks.pageInfo.endCursor : null;
  }
  return { rows, cursor };
}

export class Wire implements Server<BoardRow> {
  private socket!: Client;

  constructor(
    private readonly url: string,
    private readonly token: string,
    private readonly workspaceId: string,
  ) {}

  /** Connects, again and again, and tells `sync` of it. */
  connect(sync: Sync<BoardRow>): void {
    this.socket = createClient({
      url: `${this.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.token}` },
      lazy: false,
      retryAttempts: Infinity,
      shouldRetry: () => true,
      retryWait: () => new Promise((again) => setTimeout(again, 20)),
      onNonLazyError: () => undefined,
      on: { connected: () => sync.connected(), closed: () => sync.disconnected() },
    });
  }

  snapshot(): Promise<Snapshot<BoardRow>> {
    return readSnapshot(this.url, this.token, this.workspaceId);
  }

  follow: Server<BoardRow>["follow"] = (after, sink) =>
    this.socket.subscribe<{ workspaceEvents: WireBatch<BoardRow> }>(
      { query: FOLLOW, variables: { id: this.workspaceId, after } },
      {
        next: ({ data, errors }) => (data ? sink.next(toBatch(data.workspaceEvents)) : sink.error(errors, false)),
        // Errors of the operation come as a list; anything else means that the link is gone, which we are told otherwise.
        error: (problem) => Array.isArray(problem) && sink.error(problem, isFinal(problem as GraphQLError[])),
        complete: () => undefined,
      },
    );

  async close(): Promise<void> {
    await Promise.resolve(this.socket.dispose()).catch(() => undefined); // a connection that is being made may fail
  }

  async send(operation: Operation): Promise<Outcome<BoardRow>> {
    const data = await ask<PayloadData>(this.url, this.token, mutationText(operation.name), { input: inputOf(operation) }).catch(
      () => null,
    );
    if (!data) return { kind: "unreachable" };
    const { userErrors, changeSetId, task, tasks = [], deletedTaskId } = data.payload;
    const rows = task ? [task] : tasks;
    if (userErrors.length) return { kind: "refused", reasons: userErrors, rows };
    return { kind: "applied", rows, dropped: deletedTaskId ? [deletedTaskId] : [], changeSetId };
  }
}
