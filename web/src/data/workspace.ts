/**
 * One open workspace: its replica in step with the server, and what components read of it.
 *
 * Invariant: changes come through `submit` alone; whatever is shown is `model()`, which is made anew at once for what the person
 * does here, and at most once per frame for all else.
 */
import type { Client } from "urql";
import type { RefusalFragment } from "../gql/graphql";
import { commentEffects } from "../sync/comments";
import { newId, uuidv7 } from "../sync/ids";
import { IndexedDbStorage } from "../sync/indexeddb";
import { Replica, type Operation } from "../sync/replica";
import { Sync, type Settled } from "../sync/sync";
import { taskEffects } from "../sync/tasks";
import { actsOf, settled, undoEffects, undoing, type Deed } from "../sync/undo";
import type { Connection } from "./connection";
import { PresenceRoom } from "./presence";
import { Arranger, type AnyRow, type Comment, type Model, type Task } from "./model";
import { workspaceServer, type WorkspaceEvent } from "./server";
import { SharedStorage } from "./shared-storage";
import { Tabs } from "./tabs";
import { Talks } from "./talks";
import { setWaiting } from "./waiting";

export interface Refused {
  readonly operation: Operation;
  readonly task: Task | undefined;
  /** Where a comment was refused. */
  readonly comment: Comment | undefined;
  readonly reasons: readonly RefusalFragment[];
}

interface Done {
  readonly operation: Operation;
  readonly changeSetId: string | null;
}

/** What was undone: its first operation, and how many there were. */
export interface Undone {
  readonly operation: Operation;
  readonly count: number;
}

/** What was undone and can be done again, and what undoes it. */
export interface Taken {
  readonly operation: Operation;
  readonly undoKey: string;
}

const UNDOABLE = new Set(["createTask", "updateTask", "bulkUpdateTasks", "moveTask", "archiveTask", "restoreTask", "deleteTask", "updateComment", "deleteComment"]);
const MOST_UNDONE = 50;
const MOST_AT_ONCE = 100; // that is how many the server takes

/** Workspaces that were left while changes waited -> what hurries them, as somebody comes back. */
const leaving = new Map<string, () => void>();

export class OpenWorkspace {
  readonly sync: Sync<AnyRow>;
  readonly myId: string;
  readonly presence: PresenceRoom;
  private readonly replica: Replica<AnyRow>;
  private readonly storage: SharedStorage<AnyRow>;
  private readonly tabs: Tabs<readonly Settled<AnyRow>[]>;
  private readonly connection: Connection;
  private readonly name: string;
  private readonly unlisten: () => void;
  private readonly readers = new Set<() => void>();
  private readonly eventListeners = new Set<(events: readonly WorkspaceEvent[]) => void>();
  private readonly refusalListeners = new Set<(refused: Refused) => void>();
  private readonly arranger: Arranger;
  private readonly talks = new Talks();
  private shown: Model;
  private frame = 0;
  /** What this tab has done and can undo, the last at the end: each as the keys of its operations. */
  private acts: readonly (readonly string[])[] = [];
  /** Those of them that the server has confirmed, by their keys. */
  private readonly done = new Map<string, Done>();
  /** What this tab has undone since it did anything else, the last at the end. */
  undone: readonly (readonly Taken[])[] = [];
  /** How many snapshots were read: what was read beside the stream before the last one is to be read again. */
  snapshots = 0;
  /** Why the stream ended for good; null while it goes on. */
  ended: unknown = null;

  constructor(client: Client, connection: Connection, readonly id: string, readonly me: { readonly id: string; readonly name: string }) {
    this.myId = me.id;
    this.replica = new Replica<AnyRow>({
      ...taskEffects<AnyRow>(me.id, (task) => ({ ...task, commentCount: 0, createdBy: me }) as unknown as Task),
      ...commentEffects<AnyRow>(me, (comment) => comment),
      ...undoEffects<AnyRow>(),
    });
    this.arranger = new Arranger(this.replica, me.id);
    this.shown = this.arranger.update();
    this.connection = connection;
    const name = (this.name = `${me.id}.${id}`);
    leaving.get(name)?.();
    this.tabs = new Tabs(name, {
      onGone: async (tab) => {
        this.presence.gone(tab);
        await this.sync.takeOver(tab, await this.storage.operations().catch(() => this.waiting));
      },
      onTold: (settled) => {
        for (const { operation, outcome } of settled) if (outcome.kind === "applied") this.wasDone(operation, outcome.rows ?? [], outcome.changeSetId ?? null);
        void this.sync.settledElsewhere(settled);
      },
    });
    this.storage = new SharedStorage(new IndexedDbStorage<AnyRow>(name, SHAPE_OF_ANSWERS), `tutti.replica.${name}`, () => this.sync?.storeAll());
    const server = workspaceServer(client, connection, id, {
      onEvents: (events) => {
        for (const listener of this.eventListeners) listener(events);
      },
      onDone: (operation, { rows, changeSetId }) => this.wasDone(operation, rows, changeSetId),
    });
    const snapshot: typeof server.snapshot = async (onBeginning) => {
      const read = await server.snapshot(onBeginning);
      this.snapshots += 1;
      const ids = new Set(read.rows.map((row) => row.id));
      // A snapshot has no comments: those that are here stay until they are read again, of tasks that are still there.
      return { ...read, rows: [...read.rows, ...[...this.comments()].filter(({ task }) => ids.has(task.id))] };
    };
    const follow: typeof server.follow = (after, sink) =>
      server.follow(after, { next: (batch) => sink.next({ ...batch, steps: this.talks.kept(batch.steps) }), error: (...problem) => sink.error(...problem) });
    this.sync = new Sync(this.replica, { ...server, snapshot, follow }, this.storage, {
      onChange: () => {
        setWaiting(name, this.sync.waitingCount);
        this.changed();
      },
      onRefused: (operations, reasons) => this.refused(operations, reasons as readonly RefusalFragment[]),
      onEnded: (problem) => {
        this.ended = problem;
        this.changed();
      },
    }, this.tabs);
    this.replica.listen((ids) => {
      this.arranger.touch(ids);
      this.changed();
    });
    void this.sync.loaded.then(() => {
      this.recallActs();
      this.followTalks([...this.comments()].map(({ task }) => task.id));
    });
    this.presence = new PresenceRoom(connection, id, me.id, this.tabs.id);
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
    this.act([{ key, name, entityId: input.id, input, ...base }]);
    return key;
  }

  /** Changes tasks alike, at once: all of them or, if one is refused, none (of a hundred). Returns the keys. */
  submitAll(ids: readonly string[], change: Readonly<Record<string, unknown>>): readonly string[] {
    if (ids.length === 1) return [this.submit("updateTask", { ...change, id: ids[0]! })];
    const operations: Operation[] = [];
    for (let at = 0; at < ids.length; at += MOST_AT_ONCE) {
      const updates = ids.slice(at, at + MOST_AT_ONCE).map((id) => ({ ...change, id }));
      operations.push({ key: uuidv7(), name: "bulkUpdateTasks", entityId: updates[0]!.id, input: { updates } });
    }
    return this.act(operations);
  }

  /** Does the same mutation to each of several, as one act: it is undone as a whole. Returns the keys. */
  submitEach(name: string, inputs: readonly (Record<string, unknown> & { id: string })[]): readonly string[] {
    return this.act(inputs.map((input) => ({ key: uuidv7(), name, entityId: input.id, input })));
  }

  private act(operations: readonly Operation[]): readonly string[] {
    for (const { undoKey } of this.undone.flat()) this.done.delete(undoKey);
    this.undone = [];
    return this.doAll(operations);
  }

  private doAll(operations: readonly Operation[]): readonly string[] {
    const keys = operations.map(({ key }) => key);
    const [act] = keys;
    if (operations.some(({ name }) => UNDOABLE.has(name))) this.acted(keys);
    this.send(...(keys.length > 1 && act ? operations.map((operation) => ({ ...operation, act })) : operations));
    return keys;
  }

  /** A box that is ticked has to be ticked when its event ends, or the browser is told to take that back. */
  private send(...operations: readonly Operation[]): void {
    void this.sync.submit(...operations.map((operation) => this.named(operation)));
    this.showNow();
  }

  private named(operation: Operation): Operation {
    const row = this.replica.get(operation.entityId);
    const comment = row?.__typename === "Comment" ? row : undefined;
    const task = row?.__typename === "Task" ? row : this.shown.taskById.get(comment?.task.id ?? String(operation.input.taskId));
    return task ? { ...operation, about: `${comment ? "Comment on " : ""}${task.key} ${task.title}`.trim() } : operation;
  }

  /** Undoes what was submitted under these keys, the last first: at once, and queued behind what waits of it. */
  undo(keys: readonly string[]): void {
    this.acts = this.acts.filter((act) => !act.some((key) => keys.includes(key)));
    const taken: Taken[] = [];
    const undos = [...keys].reverse().flatMap((key): Operation[] => {
      const found = this.undoable(key);
      this.done.delete(key);
      if (!found) return [];
      const { operation, changeSetId } = found;
      const undoKey = uuidv7();
      taken.unshift({ operation, undoKey });
      if (operation.name !== "createTask") return [undoing(undoKey, operation, changeSetId)];
      // What was made has no change that could go back.
      return [{ key: undoKey, name: "deleteTask", entityId: operation.entityId, input: { id: operation.entityId } }];
    });
    if (taken.length > 0) this.undone = [...this.undone, taken].slice(-MOST_UNDONE);
    this.send(...undos);
  }

  /** Does again what was undone last, by these operations; what was made then is brought back instead. */
  redo(operations: readonly Operation[]): void {
    const [first] = this.undone.at(-1) ?? [];
    this.undone = this.undone.slice(0, -1);
    if (first?.operation.name === "createTask") this.bringBack(first);
    else this.doAll(operations);
  }

  /** What was made once is not made again: its deletion is undone. */
  private bringBack({ operation, undoKey }: Taken): void {
    const deletion = this.undoable(undoKey);
    this.done.delete(undoKey);
    if (!deletion) return;
    this.done.set(operation.key, { operation, changeSetId: null });
    this.acted([operation.key]);
    this.send(undoing(uuidv7(), deletion.operation, deletion.changeSetId));
  }

  /** Whether there is something that `undoLast` would undo. */
  canUndo(): boolean {
    return this.acts.some((keys) => keys.some((key) => this.undoable(key)));
  }

  /** Undoes what was done last, in this tab or before it was loaded anew while that waits. Returns what that was; null: nothing. */
  undoLast(): Undone | null {
    for (let keys = this.acts.at(-1); keys; keys = this.acts.at(-1)) {
      const first = keys.map((key) => this.undoable(key)).find(Boolean);
      this.undo(keys);
      if (first) return { operation: first.operation, count: keys.length };
    }
    return null;
  }

  /** Keeps the comments of tasks from now on, to follow what is said; before they are read. Those of others may go. */
  followTalks(taskIds: readonly string[]): void {
    const left = new Set(taskIds.flatMap((id) => [...this.talks.opened(id)]));
    if (left.size > 0) this.sync.forget([...this.comments()].filter(({ task }) => left.has(task.id)).map(({ id }) => id));
  }

  private *comments(): Generator<Comment> {
    for (const row of this.replica.confirmedRows()) if (row.__typename === "Comment") yield row;
  }

  /** Whether an undo of this change of a history waits for the server. */
  isReverting(changeId: string): boolean {
    return this.replica.operations.some(({ input }) => (input.target as { changeId?: string } | undefined)?.changeId === changeId);
  }

  private wasDone(operation: Operation, rows: readonly AnyRow[], changeSetId: string | null): void {
    const isActed = this.acts.some((keys) => keys.includes(operation.key)) || this.undone.some((taken) => taken.some(({ undoKey }) => undoKey === operation.key));
    if (isActed) this.done.set(operation.key, { operation: settled(operation, rows), changeSetId });
  }

  private acted(keys: readonly string[]): void {
    const dropped = this.acts.slice(0, Math.max(0, this.acts.length + 1 - MOST_UNDONE));
    for (const key of dropped.flat()) this.done.delete(key);
    this.acts = [...this.acts.slice(dropped.length), keys];
  }

  /** What waits or was done under a key and can be undone; nothing where it was refused, or has changed nothing. */
  private undoable(key: string): Done | undefined {
    const waiting = this.replica.operations.find((operation) => operation.key === key);
    if (waiting) return { operation: waiting, changeSetId: null };
    const done = this.done.get(key);
    return done && (done.changeSetId !== null || done.operation.name === "createTask") ? done : undefined;
  }

  /** What was changed before this page was loaded, and still waits, can be undone here. */
  private recallActs(): void {
    const waiting = this.replica.operations;
    const known = new Set([...this.acts.flat(), ...waiting.map(({ undoes }) => undoes)]);
    const earlier = actsOf(waiting.filter(({ key, name }) => UNDOABLE.has(name) && !known.has(key)));
    this.acts = [...earlier, ...this.acts].slice(-MOST_UNDONE);
  }

  /** The comments of a task that the server has said and not taken back. */
  confirmedComments(taskId: string): Comment[] {
    return [...this.comments()].filter(({ task }) => task.id === taskId);
  }

  /** A row as it is shown. */
  row(id: string): AnyRow | undefined {
    return this.replica.get(id);
  }

  /** A row as the server said it last, without what waits. */
  confirmed(id: string): AnyRow | undefined {
    return this.replica.confirmed(id);
  }

  /** The version that the server said last; undefined while the creation waits. */
  confirmedVersion(id: string): number | undefined {
    return this.replica.confirmed(id)?.version;
  }

  /** What waits for the server, in its order; the same list as before if nothing has changed. */
  get waiting(): readonly Operation[] {
    return this.replica.operations;
  }

  /** Adds or takes back the person's own reaction. */
  react(subjectId: string, emoji: string, isOn: boolean): void {
    this.send({ key: uuidv7(), name: isOn ? "addReaction" : "removeReaction", entityId: subjectId, input: { subjectId, emoji } });
  }

  /** Changes back one change of a history; the server refuses it where others went on from it. `deeds`: how that looks. */
  revert(changeId: string, taskId: string, deeds: readonly Deed[]): void {
    this.send({ key: uuidv7(), name: "revertChanges", entityId: taskId, input: { target: { changeId } }, deeds });
  }

  createTask(input: Record<string, unknown>): string {
    const id = newId("task");
    this.submit("createTask", { workspaceId: this.id, ...input, id });
    return id;
  }

  /** Follows it no more, and sends what waits; until somebody opens it anew, or leaves the account. */
  async close(): Promise<void> {
    cancelAnimationFrame(this.frame);
    this.presence.close();
    const reopened = new Promise<void>((resolve) => leaving.set(this.name, resolve));
    await this.sync.finish(Promise.race([reopened, this.connection.closed]));
    this.unlisten();
    this.storage.close();
    this.tabs.close();
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
