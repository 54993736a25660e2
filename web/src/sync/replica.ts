/**
 * A copy of what the server has said, with what this client has asked for and not yet heard back about on top.
 *
 * What to show = the server's rows + the waiting operations, replayed in order. So a change shows at once, somebody else's
 * change is never hidden by an old guess of ours, and dropping a refused operation is the whole rollback.
 *
 * Invariants: a row is replaced only by one with a higher version, because answers and events arrive in any order. The
 * cursor moves only after its batch was applied, so a crash in between leads to applying it again, which changes nothing.
 */

import { aimed, deedOf, type Deed } from "./undo";

/** Anything the server versions. Rows are values: a change makes a new one. */
export interface Row {
  readonly id: string;
  readonly version: number;
}

/** A mutation that waits for its answer. `key` is its clientMutationId: sending it twice has one effect. */
export interface Operation {
  readonly key: string;
  /** The mutation, like `updateTask`. */
  readonly name: string;
  /** What it changes (the first of several), so that what depends on a refused creation can go with it. */
  readonly entityId: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** The version it was made from, where a concurrent change is to be a conflict; the sender adds it to the input. */
  readonly baseVersion?: number;
  /** What it did to rows when it was made, so that it can be undone; of an undo, what that takes back. */
  readonly deeds?: readonly Deed[];
  /** Of an undo: the key of the operation that it undoes, while that waits itself. */
  readonly undoes?: string;
  /** Of what was done to several as one: the key of the first, so that all are undone as one, also after a reload. */
  readonly act?: string;
  /** What it changes, as the person knew it: said where that is gone by the time it is refused. */
  readonly about?: string;
  /** Where several programs share a storage: the one that sends it. */
  readonly by?: string;
}

/** Rows as operations see them while they are replayed. */
export interface Draft<R extends Row> {
  get(id: string): R | undefined;
  all(): Iterable<R>;
  put(row: R): void;
  drop(id: string): void;
}

/** What each mutation will do, by its name, as far as the client can tell. It must be pure, and tolerate missing rows. */
export type Effects<R extends Row> = Readonly<Record<string, (draft: Draft<R>, operation: Operation) => void>>;

/** What one batch of events means for rows. `put` rows are from the events, `fresh` ones were read with the batch. */
export interface Changes<R extends Row> {
  readonly cursor: string;
  readonly steps: readonly Step<R>[];
}

/**
 * `put`: keep it if it is newer. `create`: as `put`, and it may come back after it was gone. `fresh`: it was read when the
 * batch was made, so at the same version it is at least as new. `drop`: it is gone.
 */
export type Step<R extends Row> =
  | { readonly kind: "put" | "create" | "fresh"; readonly row: R }
  | { readonly kind: "drop"; readonly id: string };

/** Called after every change with the ids of the rows that may look different now. */
export type Listener = (changed: ReadonlySet<string>) => void;

const MOST_GONE = 10_000; // no answer is so long on its way that more than these have gone meanwhile

export class Replica<R extends Row> {
  /** Up to where the server's rows are complete; null before the first snapshot. */
  cursor: string | null = null;

  private readonly effects: Effects<R>;
  private readonly server = new Map<string, R>();
  /** Ids that the server said are gone, the last ones: an answer that was on its way must not bring them back. */
  private readonly gone = new Set<string>();
  private waiting: readonly Operation[] = [];
  /** What the waiting operations make of rows; null where they drop one. */
  private overlay = new Map<string, R | null>();
  private readonly listeners = new Set<Listener>();

  constructor(effects: Effects<R>) {
    this.effects = effects;
  }

  /** The row to show. */
  get(id: string): R | undefined {
    const over = this.overlay.get(id);
    return over === undefined ? this.server.get(id) : (over ?? undefined);
  }

  /** All rows to show, in no order. */
  *all(): Generator<R> {
    yield* layered(this.server, this.overlay);
  }

  /** The row as the server said it last, without what waits. */
  confirmed(id: string): R | undefined {
    return this.server.get(id);
  }

  /** All rows as the server said them last. */
  confirmedRows(): Iterable<R> {
    return this.server.values();
  }

  /** The operations that wait, in the order they will be sent. */
  get operations(): readonly Operation[] {
    return this.waiting;
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Takes a whole snapshot: what is not in it is gone. Waiting operations stay on top. */
  reset(rows: Iterable<R>, cursor: string): void {
    const changed = new Set(this.server.keys());
    this.server.clear();
    this.gone.clear();
    for (const row of rows) {
      this.server.set(row.id, row);
      changed.add(row.id);
    }
    this.cursor = cursor;
    this.replay(changed);
  }

  /** Takes the beginning of a snapshot whose rest is still on its way, so that there is something to show. */
  preview(rows: Iterable<R>): void {
    const changed = new Set<string>();
    for (const row of rows) if (this.keep(row)) changed.add(row.id);
    this.replay(changed);
  }

  /** Applies one batch, whole, and then moves the cursor. Returns the ids of the rows that it touched. */
  apply(changes: Changes<R>): ReadonlySet<string> {
    const changed = new Set<string>();
    for (const step of changes.steps) {
      if (step.kind === "drop") {
        if (this.lose(step.id)) changed.add(step.id);
      } else {
        if (step.kind === "create") this.gone.delete(step.row.id);
        if (this.keep(step.row, step.kind === "fresh")) changed.add(step.row.id);
      }
    }
    this.cursor = changes.cursor;
    this.replay(changed);
    return changed;
  }

  /** Lets rows go that are not gone, but not needed here any more: they may come again. Returns the ids of those that were here. */
  forget(ids: Iterable<string>): ReadonlySet<string> {
    const changed = new Set([...ids].filter((id) => this.server.delete(id)));
    this.replay(new Set(changed));
    return changed;
  }

  /**
   * Puts operations on top, which change rows of their own each. Returns them as they wait: with what they do to rows, unless
   * they say that themselves.
   */
  submit(...operations: readonly Operation[]): readonly Operation[] {
    const before = operations.map((operation) => (operation.deeds ? [] : idsOf(operation)).map((id) => [id, this.get(id)] as const));
    const earlier = this.waiting;
    this.waiting = [...earlier, ...operations];
    this.replay(new Set());
    const submitted = operations.map((operation, at) => {
      const deeds = before[at]!.flatMap(([id, row]) => deedOf(row, this.get(id)) ?? []);
      return deeds.length ? { ...operation, deeds } : operation;
    });
    this.waiting = [...earlier, ...submitted];
    return submitted;
  }

  /** What was to be sent `by` somebody waits now as these say; what is not among them has been answered. */
  takeOver(by: string, operations: readonly Operation[]): void {
    this.waiting = [...this.waiting.filter((each) => each.by !== by), ...operations].sort((a, b) => (a.key < b.key ? -1 : 1));
    this.replay(new Set());
  }

  /**
   * An operation was done: its answer takes its place. Returns the ids of the rows that the answer touched. An undo that waits
   * behind it is of its `changeSetId` now; without one there is nothing to undo, so it goes.
   */
  confirm(key: string, answer: { rows?: readonly R[]; dropped?: readonly string[]; changeSetId?: string | null }): ReadonlySet<string> {
    const done = this.waiting.find((operation) => operation.key === key);
    const { changeSetId, rows = [] } = answer;
    this.waiting = this.waiting.flatMap((operation) => {
      if (operation.key === key) return [];
      if (!done || operation.undoes !== key) return [operation];
      return changeSetId ? [aimed(operation, done, changeSetId, rows)] : [];
    });
    const changed = new Set<string>();
    for (const row of answer.rows ?? []) {
      if (done) this.rebase(done, row);
      if (this.keep(row)) changed.add(row.id);
    }
    for (const id of answer.dropped ?? []) {
      if (this.lose(id)) changed.add(id);
    }
    this.replay(changed);
    return changed;
  }

  /**
   * An operation was refused: it goes, and what it showed goes back. Its undo goes with it, and a refused creation takes along
   * what waits for the thing it should have made. Returns the operations that went.
   */
  refuse(key: string, rows: readonly R[] = []): readonly Operation[] {
    const refused = this.waiting.find((operation) => operation.key === key);
    if (!refused) return [];
    const isCreation = !this.server.has(refused.entityId) && refused.name.startsWith("create");
    const went = this.waiting.filter(
      (operation) => operation.key === key || operation.undoes === key || (isCreation && operation.entityId === refused.entityId),
    );
    this.waiting = this.waiting.filter((operation) => !went.includes(operation));
    const changed = new Set<string>();
    for (const row of rows) if (this.keep(row)) changed.add(row.id);
    this.replay(changed);
    return went;
  }

  private lose(id: string): boolean {
    this.gone.delete(id);
    this.gone.add(id);
    const [oldest] = this.gone;
    if (oldest !== undefined && this.gone.size > MOST_GONE) this.gone.delete(oldest);
    return this.server.delete(id);
  }

  private keep(row: R, orSame = false): boolean {
    if (this.gone.has(row.id)) return false;
    const kept = this.server.get(row.id);
    if (kept && (orSame ? kept.version > row.version : kept.version >= row.version)) return false;
    this.server.set(row.id, row);
    return true;
  }

  /** What we wrote ourselves is no conflict for what we wrote after it: those operations now build on our own answer. */
  private rebase(done: Operation, answer: R): void {
    const ourFields = new Set(fieldsFor(done, answer.id));
    this.waiting = this.waiting.map((operation) => {
      const base = operation.baseVersion;
      if (base === undefined || operation.entityId !== answer.id || answer.version <= base) return operation;
      const isNextVersion = answer.version === base + 1;
      const isSameField = Object.keys(operation.input).some((name) => name !== "id" && ourFields.has(name));
      return isNextVersion || isSameField ? { ...operation, baseVersion: answer.version } : operation;
    });
  }

  private replay(changed: Set<string>): void {
    for (const id of this.overlay.keys()) changed.add(id);
    const overlay = new Map<string, R | null>();
    const draft: Draft<R> = {
      get: (id) => {
        const over = overlay.get(id);
        return over === undefined ? this.server.get(id) : (over ?? undefined);
      },
      all: () => layered(this.server, overlay),
      put: (row) => void overlay.set(row.id, row),
      drop: (id) => void overlay.set(id, null),
    };
    // What waits and is undone is left out together with its undo: exactly what it would have shown is not shown.
    const undone = new Set(this.waiting.map(({ undoes }) => undoes));
    for (const operation of this.waiting) {
      if (!undone.has(operation.key) && operation.undoes === undefined) this.effects[operation.name]?.(draft, operation);
    }
    this.overlay = overlay;
    for (const id of overlay.keys()) changed.add(id);
    for (const listener of this.listeners) listener(changed);
  }
}

/** The rows that an operation changes. */
function idsOf({ entityId, input }: Operation): readonly string[] {
  return Array.isArray(input.updates) ? (input.updates as readonly { readonly id: string }[]).map(({ id }) => id) : [entityId];
}

/** What an operation says of one row: of several it may say it as `updates`. */
function fieldsFor({ input }: Operation, id: string): readonly string[] {
  if (!Array.isArray(input.updates)) return Object.keys(input);
  return Object.keys((input.updates as readonly { readonly id: string }[]).find((update) => update.id === id) ?? {});
}

function* layered<R>(server: ReadonlyMap<string, R>, overlay: ReadonlyMap<string, R | null>): Generator<R> {
  for (const [id, row] of server) if (!overlay.has(id)) yield row;
  for (const row of overlay.values()) if (row !== null) yield row;
}
