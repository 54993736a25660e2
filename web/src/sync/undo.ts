/**
 * Undo before the server has said anything: what an operation did to rows, and how that is taken back on top of what is there
 * now. It is queued like every other change, also behind the operation that it undoes.
 *
 * Invariant: only what the operation itself has made of a row goes back; a field that is something else by now stays, and the
 * server says what becomes of it.
 */
import type { Draft, Effects, Operation, Row } from "./replica";

/** What was done to one row: of each field what it was and what it became, or the whole row where it was taken away. */
export interface Deed {
  readonly id: string;
  readonly fields?: Readonly<Record<string, readonly [before: unknown, after: unknown]>>;
  readonly row?: Row;
}

/** What only the server says, or what follows from the other fields. */
const FOLLOWS = new Set(["version", "key", "updatedAt", "completedAt", "editedAt", "commentCount", "reactions"]);
/** They are merged by the server, so that what it answers is not only ours. */
const MERGED = new Set(["description", "body"]);

/** What was done to a row; null if nothing that can be taken back. */
export function deedOf(before: Row | undefined, after: Row | undefined): Deed | null {
  if (!before) return null; // what was made is undone by deleting it
  if (!after) return { id: before.id, row: before };
  const was = before as unknown as Readonly<Record<string, unknown>>;
  const fields: Record<string, readonly [unknown, unknown]> = {};
  for (const [name, value] of Object.entries(after)) {
    if (!FOLLOWS.has(name) && !isSame(was[name], value)) fields[name] = [was[name], value];
  }
  return Object.keys(fields).length ? { id: before.id, fields } : null;
}

/** The operation with what the server has made of its guesses, like where a card came to stand. */
export function settled<O extends Operation>(operation: O, rows: readonly Row[]): O {
  if (!operation.deeds) return operation;
  const deeds = operation.deeds.map((deed) => {
    const row = rows.find(({ id }) => id === deed.id) as unknown as Readonly<Record<string, unknown>> | undefined;
    if (!row || !deed.fields) return deed;
    const fields = Object.entries(deed.fields).map(([name, [before, after]]) => [name, [before, MERGED.has(name) || Array.isArray(after) ? after : row[name]]]);
    return { ...deed, fields: Object.fromEntries(fields) as NonNullable<Deed["fields"]> };
  });
  return { ...operation, deeds };
}

/**
 * The operation that undoes another one. `changeSetId` is from the answer to that; null while it waits: then it is named by its
 * key, until its answer is here.
 */
export function undoing(key: string, done: Operation, changeSetId: string | null): Operation {
  const { entityId, deeds } = done;
  const aim = changeSetId === null ? { input: {}, undoes: done.key } : { input: { target: { changeSetId } } };
  return { key, name: "revertChanges", entityId, ...aim, ...(deeds ? { deeds } : {}) };
}

/** An undo whose operation was done, aimed at what that has changed. */
export function aimed(undo: Operation, done: Operation, changeSetId: string, rows: readonly Row[]): Operation {
  return undoing(undo.key, settled(done, rows), changeSetId);
}

/** The keys of operations that wait, of each act together, in their order. */
export function actsOf(waiting: readonly Operation[]): readonly (readonly string[])[] {
  const acts = new Map<string, string[]>();
  for (const { key, act = key } of waiting) acts.set(act, [...(acts.get(act) ?? []), key]);
  return [...acts.values()];
}

/** How an undo looks, by the deeds it takes back. */
export function undoEffects<R extends Row>(): Effects<R> {
  return {
    revertChanges(draft, { deeds }) {
      for (const deed of deeds ?? []) takeBack(draft, deed);
    },
  };
}

function takeBack<R extends Row>(draft: Draft<R>, { id, fields, row }: Deed): void {
  const now = draft.get(id) as (R & Record<string, unknown>) | undefined;
  if (row && !now) draft.put(row as R);
  if (!now || !fields) return;
  const back: Record<string, unknown> = {};
  for (const [name, [before, after]] of Object.entries(fields)) back[name] = takenBack(now[name], before, after);
  draft.put({ ...now, ...back });
}

/** What a value becomes when a change of it is taken back; what it is where it has moved on. */
export function takenBack(now: unknown, before: unknown, after: unknown): unknown {
  if (isRefs(before) && isRefs(after) && isRefs(now)) return without(now, before, after);
  return isSame(now, after) ? before : now;
}

interface Ref {
  readonly id: string;
}

/** A set without who was added, and with who was removed. */
function without(now: readonly Ref[], before: readonly Ref[], after: readonly Ref[]): readonly Ref[] {
  const has = (some: readonly Ref[], { id }: Ref): boolean => some.some((each) => each.id === id);
  const kept = now.filter((each) => has(before, each) || !has(after, each));
  return [...kept, ...before.filter((each) => !has(after, each) && !has(kept, each))];
}

const isRefs = (value: unknown): value is readonly Ref[] => Array.isArray(value);

/** Whether two values of a row are the same; what points at rows, by their ids, and sets in whatever order. */
export function isSame(a: unknown, b: unknown): boolean {
  if (isRefs(a) && isRefs(b)) return a.length === b.length && a.every(({ id }) => b.some((each) => each.id === id));
  if (typeof a === "object" && typeof b === "object" && a !== null && b !== null) return (a as Ref).id === (b as Ref).id;
  return a === b;
}
