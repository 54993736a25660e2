/**
 * The server as the replica needs it: snapshot, stream and mutations of one workspace, in the documents of this client.
 *
 * Invariant: no answer, or one that says to come again, is "unreachable"; only what the server refused is "refused".
 */
import { stringifyDocument, type Client, type DocumentInput } from "urql";
import {
  ArchiveTaskDocument, CreateTaskDocument, DeleteTaskDocument, FollowDocument, MoveTaskDocument, RestoreTaskDocument, SnapshotDocument, UpdateTaskDocument,
  type FollowSubscription, type RefusalFragment,
} from "../gql/graphql";
import { toBatch, type WireEvent } from "../sync/events";
import type { Operation } from "../sync/replica";
import type { Outcome, Server, Snapshot } from "../sync/sync";
import { inputOf } from "../sync/tasks";
import type { Connection, WireError } from "./connection";
import type { AnyRow, Task } from "./model";

export type WorkspaceEvent = FollowSubscription["workspaceEvents"]["events"][number];

const MUTATIONS: Record<string, DocumentInput<any, any>> = {
  createTask: CreateTaskDocument,
  updateTask: UpdateTaskDocument,
  moveTask: MoveTaskDocument,
  archiveTask: ArchiveTaskDocument,
  restoreTask: RestoreTaskDocument,
  deleteTask: DeleteTaskDocument,
};

const FINAL = new Set(["NOT_FOUND", "ACCESS_REVOKED", "UNAUTHENTICATED", "BAD_REQUEST", "QUERY_TOO_COMPLEX"]);
const REFUSED = new Set(["BAD_REQUEST", "QUERY_TOO_COMPLEX", "INTERNAL"]);

interface Payload {
  userErrors: readonly RefusalFragment[];
  task?: Task | null;
  deletedTaskId?: string | null;
}

/** `onEvents` is told of every event of every batch, before it is applied. */
export function workspaceServer(client: Client, connection: Connection, workspaceId: string, onEvents: (events: readonly WorkspaceEvent[]) => void): Server<AnyRow> {
  const follow = stringifyDocument(FollowDocument);
  return {
    snapshot: () => readSnapshot(client, workspaceId),
    follow: (after, sink) =>
      connection.subscribe<FollowSubscription>(follow, { id: workspaceId, after }, {
        next: ({ workspaceEvents: wire }) => {
          onEvents(wire.events);
          sink.next(toBatch<AnyRow>({ cursor: wire.cursor, resync: wire.resync, events: wire.events as readonly WireEvent<AnyRow>[] }));
        },
        error: (errors: readonly WireError[]) => sink.error(errors, errors.some(({ extensions }) => FINAL.has(extensions?.code ?? ""))),
      }),
    send: (operation) => send(client, operation),
  };
}

async function readSnapshot(client: Client, id: string): Promise<Snapshot<AnyRow>> {
  const rows: AnyRow[] = [];
  let cursor = "";
  for (let after: string | null | undefined; after !== null; ) {
    const variables = { id, after: after ?? null, isFirst: after === undefined };
    const { data, error } = await client.query(SnapshotDocument, variables, { requestPolicy: "network-only" }).toPromise();
    const workspace = data?.workspace;
    if (!workspace) throw error ?? new Error("The workspace is not there.");
    const { eventCursor, statuses, labels, projects, members, tasks, ...row } = workspace;
    if (!cursor) rows.push(row, ...(statuses ?? []), ...(labels ?? []), ...(projects?.nodes ?? []), ...(members?.nodes ?? []));
    cursor ||= eventCursor;
    rows.push(...tasks.nodes);
    after = tasks.pageInfo.hasNextPage ? tasks.pageInfo.endCursor : null;
  }
  return { rows, cursor };
}

async function send(client: Client, operation: Operation): Promise<Outcome<AnyRow>> {
  const document = MUTATIONS[operation.name];
  if (!document) return { kind: "refused", reasons: [{ code: "INVALID", message: "This version does not know that change any more." }] };
  const { data, error } = await client.mutation(document, { input: inputOf(operation) }).toPromise();
  const payload = (data as Record<string, Payload | undefined> | undefined)?.[operation.name];
  if (payload) {
    const rows = payload.task ? [payload.task] : [];
    if (payload.userErrors.length) return { kind: "refused", reasons: payload.userErrors, rows };
    return { kind: "applied", rows, dropped: payload.deletedTaskId ? [payload.deletedTaskId] : [] };
  }
  const refusal = error?.graphQLErrors.find(({ extensions }) => REFUSED.has(String(extensions.code)));
  return refusal ? { kind: "refused", reasons: [{ code: "INTERNAL", message: refusal.message }] } : { kind: "unreachable" };
}
