/**
 * One open workspace: its replica in step with the server, and what components read of it.
 *
 * Invariant: changes come through `submit` alone; whatever is shown is `model()`, which is made anew at most once per frame.
 */
import type { Client } from "urql";
import type { RefusalFragment } from "../gql/graphql";
import { commentEffects } from "../sync/comments";
import { newId, uuidv7 } from "../sync/ids";
import { IndexedDbStorage } from "../sync/indexeddb";
import { Replica, type Operation } from "../sync/replica";
import { Sync } from "../sync/sync";
import { taskEffects } from "../sync/tasks";
import { useLink, type Connection } from "./connection";
import { PresenceRoom } from "./presence";
import { Arranger, type AnyRow, type Comment, type Model, type Task } from "./model";
import { workspaceServer, type WorkspaceEvent } from "./server";
import { SharedStorage } from "./shared-storage";

export interface Refused {
  readonly operation: Operation;
  readonly task: Task | undefined;
  /** Where a comment was refused. */
  readonly comment: Comment | undefined;
  readonly reasons: readonly RefusalFragment[];
}

interface Done {
  readonly operation: Operation;
  readonly changeSetId: string;
}

/** What can be undone: the id of a change of a history, or of all that one mutation changed. */
export type RevertTarget = { readonly changeId: string } | { readonly changeSetId: string };

const UNDOABLE = new Set(["updateTask", "bulkUpdateTasks", "moveTask", "archiveTask", "restoreTask", "deleteTask", "updateComment", "deleteComment"]);
const MOST_UNDONE = 50;
const LONGEST_SAVING_MS = 3_000;
const MOST_AT_ONCE = 100; // that is how many the server takes

/** Workspaces that were left while changes waited -> what hurries them, as somebody comes back. */
const leaving = new Map<string, () => void>();

export class OpenWorkspace {
  readonly sync: Sync<AnyRow>;
  readonly myId: string;
  readonly presence: PresenceRoom;
  private readonly replica: Replica<AnyRow>;
  private readonly storage: SharedStorage<AnyRow>;
  private readonly connection: Connection;
  private readonly name: string;
  private readonly unlisten: () => void;
  private readonly readers = new Set<() => void>();
  private readonly eventListeners = new Set<(events: readonly WorkspaceEvent[]) => void>();
  private readonly refusalListeners = new Set<(refused: Refused) => void>();
  private readonly arranger: Arranger;
  private shown: Model;
  private frame = 0;
  /** What this tab has changed and can undo, the last at the end. */
  private done: readonly Done[] = [];
  /** The keys of what waits and is undone once it is saved. */
  private readonly toUndo = new Set<string>();
  /** How many snapshots were read: what was read beside the stream before the last one is not here any more. */
  snapshots = 0;
  /** Why the stream ended for good; null while it goes on. */
  ended: unknown = null;

  constructor(client: Client, connection: Connection, readonly id: string, readonly me: { readonly id: string; readonly name: string }) {
    this.myId = me.id;
    this.replica = new Replica<AnyRow>({
      ...taskEffects<AnyRow>(me.id, (task) => ({ ...task, commentCount: 0, createdBy: me }) as unknown as Task),
      ...commentEffects<AnyRow>(me, (comment) => comment),
    });
    this.arranger = new Arranger(this.replica, me.id);
    this.shown = this.arranger.update();
    this.connection = connection;
    const name = (this.name = `${me.id}.${id}`);
    leaving.get(name)?.();
    this.storage = new SharedStorage(new IndexedDbStorage<AnyRow>(name), `tutti.replica.${name}`, () => this.sync?.storeAll());
    const server = workspaceServer(client, connection, id, {
      onEvents: (events) => {
        for (const listener of this.eventListeners) listener(events);
      },
      onDone: (operation, changeSetId) => {
        if (changeSetId && UNDOABLE.has(operation.name)) this.done = [...this.done, { operation, changeSetId }].slice(-MOST_UNDONE);
      },
    });
    const snapshot: typeof server.snapshot = async (onBeginning) => {
      const read = await server.snapshot(onBeginning);
      this.snapshots += 1;
      return read;
    };
    this.sync = new Sync(this.replica, { ...server, snapshot }, this.storage, {
      onChange: () => this.changed(),
      onRefused: (operations, reasons) => this.refused(operations, reasons as readonly RefusalFragment[]),
      onEnded: (problem) => {
        this.ended = problem;
        this.changed();
      },
    });
    this.replica.listen((ids) => {
      this.arranger.touch(ids);
      this.changed();
    });
    this.presence = new PresenceRoom(connection, id, me.id);
    this.unlisten = connection.listen({ connected: () => this.sync.connected(), disconnected: () => this.sync.disconnected() });
  }

  /** Everything as it is to be shown now. */
  model = (): Model => this.shown;

  /** Calls back when `model` or the number of waiting changes may be different. */
  subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  onEvents(listener: (events: readonly WorkspaceEvent[]) => void): () => void {
    this.eventListeners.add(listener);
    return () => this.eventListeners.delete(listener);
  }

  onRefused(listener: (refused: Refused) => void): () => void {
    this.refusalListeners.add(listener);
    return () => this.refusalListeners.delete(listener);
  }

  /** Does a mutation at once; `baseVersion` makes another person's change of the same field a conflict. Returns its key. */
  submit(name: string, input: Record<string, unknown> & { id: string }, baseVersion?: number): string {
    const base = baseVersion === undefined || baseVersion < 1 ? {} : { baseVersion };
    const key = uuidv7();
    void this.sync.submit({ key, name, entityId: input.id, input, ...base });
    return key;
  }

  /** Changes tasks alike, at once: all of them or, if one is refused, none (of a hundred). Returns the keys. */
  submitAll(ids: readonly string[], change: Readonly<Record<string, unknown>>): readonly string[] {
    if (ids.length === 1) return [this.submit("updateTask", { ...change, id: ids[0]! })];
    const keys: string[] = [];
    for (let at = 0; at < ids.length; at += MOST_AT_ONCE) {
      const updates = ids.slice(at, at + MOST_AT_ONCE).map((id) => ({ ...change, id }));
      const key = uuidv7();
      void this.sync.submit({ key, name: "bulkUpdateTasks", entityId: updates[0]!.id, input: { updates } });
      keys.push(key);
    }
    return keys;
  }

  /** Undoes what was submitted under these keys, the last first, each as soon as the server has confirmed it. */
  async undo(keys: readonly string[]): Promise<void> {
    for (const key of [...keys].reverse()) {
      await this.answered(key);
      const done = this.done.find(({ operation }) => operation.key === key);
      if (done) this.takeBack(done);
    }
  }

  /** The version that the server said last; undefined while the creation waits. */
  confirmedVersion(id: string): number | undefined {
    return this.replica.confirmed(id)?.version;
  }

  /** Adds or takes back the person's own reaction. */
  react(subjectId: string, emoji: string, isOn: boolean): void {
    void this.sync.submit({ key: uuidv7(), name: isOn ? "addReaction" : "removeReaction", entityId: subjectId, input: { subjectId, emoji } });
  }

  /** Changes back what was changed; the server says how that looks, and refuses where others went on from it. */
  revert(target: RevertTarget, taskId: string): void {
    void this.sync.submit({ key: uuidv7(), name: "revertChanges", entityId: taskId, input: { target } });
  }

  /**
   * Undoes what this tab has done last. Returns what that was; null if there is nothing. `isLater`: it is not saved yet, as
   * without a network, and will be undone as soon as it is.
   */
  async undoLast(): Promise<{ readonly operation: Operation; readonly isLater: boolean } | null> {
    if (useLink.getState().link === "live") await Promise.race([this.sync.sent(), new Promise((resolve) => setTimeout(resolve, LONGEST_SAVING_MS))]);
    const waiting = this.replica.operations.findLast(({ key, name }) => UNDOABLE.has(name) && !this.toUndo.has(key));
    if (waiting) {
      this.toUndo.add(waiting.key);
      void this.undo([waiting.key]);
      return { operation: waiting, isLater: true };
    }
    const last = this.done.findLast(({ operation }) => !this.toUndo.has(operation.key));
    if (!last) return null;
    this.takeBack(last);
    return { operation: last.operation, isLater: false };
  }

  private takeBack(done: Done): void {
    this.done = this.done.filter((each) => each !== done);
    this.revert({ changeSetId: done.changeSetId }, done.operation.entityId);
  }

  /** Resolves when an operation waits no more: done or refused. */
  private answered(key: string): Promise<void> {
    const isWaiting = (): boolean => this.replica.operations.some((operation) => operation.key === key);
    return new Promise((resolve) => {
      if (!isWaiting()) return resolve();
      const off = this.subscribe(() => {
        if (isWaiting()) return;
        off();
        resolve();
      });
    });
  }

  createTask(input: Record<string, unknown>): string {
    const id = newId("task");
    this.submit("createTask", { workspaceId: this.id, ...input, id });
    return id;
  }

  /** Follows it no more, and sends what waits; until somebody opens it anew, or leaves the account. */
  async close(): Promise<void> {
    cancelAnimationFrame(this.frame);
    this.unlisten();
    this.presence.close();
    const reopened = new Promise<void>((resolve) => leaving.set(this.name, resolve));
    await this.sync.finish(Promise.race([reopened, this.connection.closed]));
    this.storage.close();
  }

  /** Lets `model` be as of this moment, without waiting for the next frame. */
  showNow(): void {
    if (this.frame) this.tell();
  }

  private changed(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => this.tell());
    // A page in the background is given no frames, but its title and its toasts go on.
    if (document.hidden) setTimeout(() => this.tell(), 50);
  }

  private tell(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.shown = this.arranger.update();
    for (const reader of this.readers) reader();
  }

  private refused(operations: readonly Operation[], reasons: readonly RefusalFragment[]): void {
    const operation = operations[0];
    if (!operation) return;
    const row = this.replica.get(operation.entityId);
    const task = row?.__typename === "Task" ? row : undefined;
    const comment = row?.__typename === "Comment" ? row : undefined;
    for (const listener of this.refusalListeners) listener({ operation, task, comment, reasons });
  }
}
