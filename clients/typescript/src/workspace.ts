/**
 * A copy of a workspace that shows every change at once, works without a network, and loses and doubles nothing: the replica
 * of the web client (docs/replica.md), over this client.
 *
 * Invariant: no answer, or one that says to come again, is "unreachable"; only what the server refused is "refused".
 */
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import type { Tutti } from "./client.js";
import { RateLimited, Refused, TuttiError, Unauthenticated, Unavailable } from "./errors.js";
import {
  ArchiveTaskDocument, BulkUpdateTasksDocument, CreateCommentDocument, CreateTaskDocument, DeleteCommentDocument, DeleteTaskDocument,
  MoreMembersDocument, MoreProjectsDocument, MoveTaskDocument, RestoreTaskDocument, RevertChangesDocument, SnapshotDocument,
  UpdateCommentDocument, UpdateTaskDocument, ViewerDocument, WorkspaceEventsDocument,
  type BatchFragment, type CommentRowFragment, type LabelRowFragment, type MembershipRowFragment, type ProjectRowFragment,
  type StatusRowFragment, type TaskRowFragment, type WorkspaceRowFragment,
} from "./generated/documents.js";
import { commentEffects } from "./generated/sync/comments.js";
import { toBatch, type WireEvent } from "./generated/sync/events.js";
import { uuidv7 } from "./generated/sync/ids.js";
import { Replica, type Operation } from "./generated/sync/replica.js";
import { MemoryStorage, type Storage } from "./generated/sync/storage.js";
import { Gone, Sync, type Hooks, type Outcome, type Server, type Snapshot } from "./generated/sync/sync.js";
import { inputOf, taskEffects } from "./generated/sync/tasks.js";
import { undoEffects, undoing } from "./generated/sync/undo.js";

export type WorkspaceRows =
  | TaskRowFragment
  | StatusRowFragment
  | ProjectRowFragment
  | LabelRowFragment
  | MembershipRowFragment
  | CommentRowFragment
  | WorkspaceRowFragment;

export interface WorkspaceHooks extends Hooks {
  /** Every batch, before it is applied. */
  onBatch?(batch: BatchFragment): void;
}

/** The mutations that a copy can show before they are done. */
const MUTATIONS: Readonly<Record<string, TypedDocumentNode<any, any>>> = {
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
  revertChanges: RevertChangesDocument,
};
const FIRST_TASKS = 100;
const MORE_TASKS = 500;
/** The workspace is not for this person or token any more, or what we ask is not understood: it would be so again. */
const FINAL = new Set(["NOT_FOUND", "ACCESS_REVOKED", "UNAUTHENTICATED", "BAD_REQUEST", "QUERY_TOO_COMPLEX"]);

export class Workspace {
  readonly replica: Replica<WorkspaceRows>;
  readonly sync: Sync<WorkspaceRows>;
  private readonly unlink: () => void;

  constructor(tutti: Tutti, id: string, me: { readonly id: string; readonly name: string }, storage: Storage<WorkspaceRows>, hooks: WorkspaceHooks) {
    const task = taskEffects<WorkspaceRows>(me.id, (made) => ({ commentCount: 0, ...made, createdBy: me }) as unknown as TaskRowFragment);
    const comment = commentEffects<WorkspaceRows>(me, (made) => made as unknown as CommentRowFragment);
    this.replica = new Replica<WorkspaceRows>({ ...task, ...comment, ...undoEffects<WorkspaceRows>() });
    this.sync = new Sync(this.replica, serverOf(tutti, id, hooks), storage, hooks);
    this.unlink = tutti.onLink({ connected: () => this.sync.connected(), closed: () => this.sync.disconnected() });
  }

  /** All rows of a kind as they are to be shown, in no order. */
  rows<Name extends WorkspaceRows["__typename"]>(kind: Name): Extract<WorkspaceRows, { readonly __typename: Name }>[] {
    return [...this.replica.all()].filter((row): row is Extract<WorkspaceRows, { readonly __typename: Name }> => row.__typename === kind);
  }

  /**
   * Shows a change at once and sends it when its turn comes, again and again until there is an answer. `name` is the mutation,
   * like `updateTask`; `input` has the `id` of what it changes, also of what it creates (`newId("task")`). With `baseVersion`
   * somebody else's change of the same since then is a conflict. Returns the key of the change, its `clientMutationId`.
   */
  async submit(name: string, input: Readonly<Record<string, unknown>>, baseVersion?: number): Promise<string> {
    const key = uuidv7();
    const [first] = (input.updates as readonly { readonly id: string }[] | undefined) ?? [input];
    const base = baseVersion === undefined ? {} : { baseVersion };
    await this.sync.submit({ key, name, entityId: String(first?.id), input, ...base });
    return key;
  }

  /**
   * Undoes a change that waits, by its key: at once, and behind it on its way. Returns whether there is such a change. What was
   * confirmed is undone by submitting `revertChanges` with the target that its answer or the task's history names.
   */
  async undo(key: string): Promise<boolean> {
    const waiting = this.replica.operations.find((operation) => operation.key === key);
    if (waiting) await this.sync.submit(undoing(uuidv7(), waiting, null));
    return waiting !== undefined;
  }

  /** Resolves when nothing waits for the server. */
  sent(): Promise<void> {
    return this.sync.sent();
  }

  /** Stops following. What was not sent is stored, and goes out when the workspace is opened again on the same storage. */
  async close(): Promise<void> {
    this.unlink();
    await this.sync.stop();
  }
}

/** Opens a copy of a workspace; what is in the storage is there at once. Rejects with a TuttiError if we cannot be asked for. */
export async function openWorkspace(tutti: Tutti, id: string, storage: Storage<WorkspaceRows> = new MemoryStorage(), hooks: WorkspaceHooks = {}): Promise<Workspace> {
  const { viewer } = await tutti.query(ViewerDocument, {});
  if (!viewer) throw new Unauthenticated("Nobody is signed in", "UNAUTHENTICATED");
  const workspace = new Workspace(tutti, id, viewer.user, storage, hooks);
  await workspace.sync.loaded;
  return workspace;
}

function serverOf(tutti: Tutti, workspaceId: string, hooks: WorkspaceHooks): Server<WorkspaceRows> {
  return {
    snapshot: (onBeginning) => readSnapshot(tutti, workspaceId, onBeginning),
    follow: (after, sink) =>
      tutti.subscribe(WorkspaceEventsDocument, { workspaceId, after }, {
        next: ({ workspaceEvents: batch }) => {
          hooks.onBatch?.(batch);
          sink.next(toBatch<WorkspaceRows>({ ...batch, events: batch.events as readonly WireEvent<WorkspaceRows>[] }));
        },
        error: (problem) => sink.error(problem, FINAL.has(problem.code)),
      }),
    send: (operation) => send(tutti, operation),
  };
}

async function send(tutti: Tutti, operation: Operation): Promise<Outcome<WorkspaceRows>> {
  const document = MUTATIONS[operation.name];
  if (!document) return { kind: "refused", reasons: [new TuttiError(`Not known here: ${operation.name}`, "INVALID")] };
  try {
    const data = await tutti.once(document, { input: inputOf(operation) });
    const { task, tasks = [], comment, deletedTaskId, deletedCommentId, changeSetId = null } = data[operation.name];
    const rows = [task, ...tasks, comment].filter(Boolean) as WorkspaceRows[];
    return { kind: "applied", rows, dropped: [deletedTaskId, deletedCommentId].filter(Boolean) as string[], changeSetId };
  } catch (problem) {
    if (problem instanceof Refused) return { kind: "refused", reasons: problem.reasons };
    const isForLater = problem instanceof Unavailable || problem instanceof RateLimited || problem instanceof Unauthenticated;
    return problem instanceof TuttiError && !isForLater ? { kind: "refused", reasons: [problem] } : { kind: "unreachable" };
  }
}

/** The first page is what a screen holds, so that it can be shown while the others are read. */
async function readSnapshot(tutti: Tutti, id: string, onBeginning: (rows: readonly WorkspaceRows[]) => void): Promise<Snapshot<WorkspaceRows>> {
  const rows: WorkspaceRows[] = [];
  let cursor = "";
  for (let after: string | null | undefined; after !== null; ) {
    const isFirst = after === undefined;
    const { workspace } = await tutti.query(SnapshotDocument, { id, after: after ?? null, isFirst, first: isFirst ? FIRST_TASKS : MORE_TASKS });
    if (!workspace) throw gone();
    const { eventCursor, statuses, labels, projects, members, tasks, ...row } = workspace;
    if (projects && members) {
      rows.push(row, ...(statuses ?? []), ...(labels ?? []));
      rows.push(...(await all(projects, async (from) => (await tutti.query(MoreProjectsDocument, { id, after: from })).workspace?.projects)));
      rows.push(...(await all(members, async (from) => (await tutti.query(MoreMembersDocument, { id, after: from })).workspace?.members)));
    }
    cursor ||= eventCursor;
    rows.push(...tasks.nodes);
    after = tasks.pageInfo.hasNextPage ? (tasks.pageInfo.endCursor ?? null) : null;
    if (isFirst && after !== null) onBeginning(rows);
  }
  return { rows, cursor };
}

interface Page<R> {
  readonly nodes: readonly R[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null };
}

async function all<R>(first: Page<R>, next: (after: string | null) => Promise<Page<R> | undefined>): Promise<R[]> {
  const rows = [...first.nodes];
  for (let page = first; page.pageInfo.hasNextPage; rows.push(...page.nodes)) {
    const following = await next(page.pageInfo.endCursor ?? null);
    if (!following) throw gone();
    page = following;
  }
  return rows;
}

const gone = (): Gone => new Gone("The workspace is not there.");
