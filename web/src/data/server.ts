/**
 * The server as the replica needs it: snapshot, stream and mutations of one workspace, in the documents of this client.
 *
 * Invariant: no answer, or one that says to come again, is "unreachable"; only what the server refused is "refused".
 */
import { stringifyDocument, type Client, type DocumentInput } from "urql";
import {
  AddReactionDocument, ArchiveTaskDocument, BulkUpdateTasksDocument, CreateCommentDocument, CreateTaskDocument, DeleteCommentDocument, DeleteTaskDocument, FollowDocument, MoreMembersDocument, MoreProjectsDocument, MoveTaskDocument,
  RemoveReactionDocument, RestoreTaskDocument, RevertChangesDocument, SnapshotDocument, UpdateCommentDocument, UpdateTaskDocument,
  type FollowSubscription, type RefusalFragment,
} from "../gql/graphql";
import { toBatch, type WireEvent } from "../sync/events";
import type { Operation } from "../sync/replica";
import { Gone, type Outcome, type Server, type Snapshot } from "../sync/sync";
import { inputOf } from "../sync/tasks";
import { allRows } from "./pages";
import type { Connection, WireError } from "./connection";
import type { AnyRow, Comment, Task } from "./model";

export type WorkspaceEvent = FollowSubscription["workspaceEvents"]["events"][number];

const MUTATIONS: Record<string, DocumentInput<any, any>> = {
  createTask: CreateTaskDocument,
  updateTask: UpdateTaskDocument,
  bulkUpdateTasks: BulkUpdateTasksDocument,
  moveTask: MoveTaskDocument,
  archiveTask: ArchiveTaskDocument,
  restoreTask: RestoreTaskDocument,
  deleteTask: DeleteTaskDocument,
  createComment: CreateCommentDocument,
  updateComment: UpdateCommentDocument,
  deleteComment: DeleteCommentDocument,
  addReaction: AddReactionDocument,
  removeReaction: RemoveReactionDocument,
  revertChanges: RevertChangesDocument,
};

/** Their answers have no row, or one that was gone: what they show stays until their event is here, so that nothing flickers. */
const SHOWN_BY_EVENT = new Set(["addReaction", "removeReaction", "revertChanges"]);
const LONGEST_ECHO_MS = 1_000;

/** The workspace is not for this person any more. Whatever else ends the stream may be over at the next try. */
const FINAL = new Set(["NOT_FOUND", "ACCESS_REVOKED"]);
const REFUSED = new Set(["BAD_REQUEST", "QUERY_TOO_COMPLEX", "INTERNAL"]);

interface Payload {
  userErrors: readonly RefusalFragment[];
  changeSetId?: string | null;
  eventCursor?: string | null;
  task?: Task | null;
  tasks?: readonly Task[];
  comment?: Comment | null;
  deletedTaskId?: string | null;
  deletedCommentId?: string | null;
}

export interface ServerHooks {
  /** Every event of every batch, before it is applied. */
  onEvents(events: readonly WorkspaceEvent[]): void;
  /** What was done, before its answer is applied. */
  onDone(operation: Operation, answer: { readonly rows: readonly AnyRow[]; readonly changeSetId: string | null }): void;
}

export function workspaceServer(client: Client, connection: Connection, workspaceId: string, hooks: ServerHooks): Server<AnyRow> {
  const follow = stringifyDocument(FollowDocument);
  const echoes = new Map<string, () => void>();
  return {
    snapshot: (onBeginning) => readSnapshot(client, workspaceId, onBeginning),
    follow: (after, sink) =>
      connection.subscribe<FollowSubscription>(follow, { id: workspaceId, after }, {
        next: ({ workspaceEvents: wire }) => {
          hooks.onEvents(wire.events);
          for (const { clientMutationId } of wire.events) echoes.get(clientMutationId ?? "")?.();
          sink.next(toBatch<AnyRow>({ cursor: wire.cursor, resync: wire.resync, events: wire.events as readonly WireEvent<AnyRow>[] }));
        },
        error: (errors: readonly WireError[]) => sink.error(errors, errors.some(({ extensions }) => FINAL.has(extensions?.code ?? ""))),
      }),
    async send(operation) {
      const echo = new Promise<void>((heard) => echoes.set(operation.key, heard));
      const { outcome, payload } = await send(client, operation).finally(() => void setTimeout(() => echoes.delete(operation.key), LONGEST_ECHO_MS));
      if (outcome.kind !== "applied") return outcome;
      hooks.onDone(operation, { rows: outcome.rows ?? [], changeSetId: outcome.changeSetId ?? null });
      if (SHOWN_BY_EVENT.has(operation.name) && payload?.eventCursor) {
        await Promise.race([echo, new Promise((done) => setTimeout(done, LONGEST_ECHO_MS))]);
      }
      return outcome;
    },
  };
}

/** The first page is what a screen holds, so that people see tasks while the others are read. */
const FIRST_TASKS = 100;
const MORE_TASKS = 500;

async function readSnapshot(client: Client, id: string, onBeginning: (rows: readonly AnyRow[]) => void): Promise<Snapshot<AnyRow>> {
  const rows: AnyRow[] = [];
  let cursor = "";
  for (let after: string | null | undefined; after !== null; ) {
    const isFirst = after === undefined;
    const variables = { id, after: after ?? null, isFirst, first: isFirst ? FIRST_TASKS : MORE_TASKS };
    const { data, error } = await client.query(SnapshotDocument, variables, { requestPolicy: "network-only" }).toPromise();
    const workspace = data?.workspace;
    if (!workspace) throw error ?? new Gone("The workspace is not there.");
    const { eventCursor, statuses, labels, projects, members, tasks, ...row } = workspace;
    if (projects && members) {
      rows.push(row, ...(statuses ?? []), ...(labels ?? []));
      rows.push(...(await allRows(projects, async (from) => (await read(client, MoreProjectsDocument, { id, after: from })).workspace?.projects)));
      rows.push(...(await allRows(members, async (from) => (await read(client, MoreMembersDocument, { id, after: from })).workspace?.members)));
    }
    cursor ||= eventCursor;
    rows.push(...tasks.nodes);
    after = tasks.pageInfo.hasNextPage ? tasks.pageInfo.endCursor : null;
    if (isFirst && after !== null) onBeginning(rows);
  }
  return { rows, cursor };
}

async function read<Data, Variables extends Record<string, unknown>>(client: Client, document: DocumentInput<Data, Variables>, variables: Variables): Promise<Data> {
  const { data, error } = await client.query<Data>(document, variables, { requestPolicy: "network-only" }).toPromise();
  if (!data) throw error ?? new Error("The server gave no result.");
  return data;
}

async function send(client: Client, operation: Operation): Promise<{ outcome: Outcome<AnyRow>; payload?: Payload }> {
  const document = MUTATIONS[operation.name];
  if (!document) return { outcome: { kind: "refused", reasons: [{ code: "INVALID", message: "This version does not know that change any more." }] } };
  const { data, error } = await client.mutation(document, { input: inputOf(operation) }).toPromise();
  const payload = (data as Record<string, Payload | undefined> | undefined)?.[operation.name];
  if (payload) {
    const rows = [payload.task, ...(payload.tasks ?? []), payload.comment].filter((row) => row !== undefined && row !== null);
    if (payload.userErrors.length) return { outcome: { kind: "refused", reasons: payload.userErrors, rows } };
    const dropped = [payload.deletedTaskId, payload.deletedCommentId].filter((id) => typeof id === "string");
    return { outcome: { kind: "applied", rows, dropped, changeSetId: payload.changeSetId ?? null }, payload };
  }
  const refusal = error?.graphQLErrors.find(({ extensions }) => REFUSED.has(String(extensions.code)));
  return { outcome: refusal ? { kind: "refused", reasons: [{ code: "INTERNAL", message: refusal.message }] } : { kind: "unreachable" } };
}
