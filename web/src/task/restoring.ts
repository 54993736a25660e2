/**
 * What a change of a history has overwritten: whether the change can be undone, and what puts one of its values back by itself.
 *
 * Invariant: judged as the server judges an undo (domain/undoing.py), on the task as it is shown. Where only the server can
 * tell, as of texts whose changes lie close together, an undo counts as refused: the value itself can be put back all the same.
 */
import type { Model, Task } from "../data/model";
import { isSame, takenBack } from "../sync/undo";
import { stepOf, type Change } from "./deeds";
import { whoSees } from "./mentions";

/** `same`: it is as before. `back`: an undo makes it that. `partly`, `kept`: an undo leaves what came since, or all. `moved`: it is refused. */
type Outcome = "same" | "back" | "partly" | "kept" | "moved";

export interface Judged {
  /** Whether an undo of the whole change would be done, and would change something. */
  readonly isUndoable: boolean;
  /** The fields whose value before is not there now, and that an undo would not bring back. */
  readonly overwritten: ReadonlySet<string>;
}

/** Says of one entry of the history of a task what of it can go back. */
export function judged(task: Task, changes: readonly Change[], model: Model): Judged {
  const outcomes = changes.map((change) => [change.field, outcomeOf(task, change, model)] as const);
  const isUndoable = outcomes.every(([, outcome]) => outcome !== "moved") && outcomes.some(([, outcome]) => outcome === "back" || outcome === "partly");
  const isLost = (outcome: Outcome): boolean => outcome !== "same" && !(outcome === "back" && isUndoable);
  return { isUndoable, overwritten: new Set(outcomes.filter(([, outcome]) => isLost(outcome)).map(([field]) => field)) };
}

function outcomeOf(task: Task, change: Change, model: Model): Outcome {
  if (change.field === "DELETED") return change.after ? "same" : "back"; // a task that is shown is not deleted
  const step = stepOf(task, change);
  if (!step) return "same"; // a key goes with its project
  const { name, before, after } = step;
  const now = task[name];
  if (isSame(now, before)) return "same";
  const back = takenBack(now, before, after);
  if (isRefs(now) && isRefs(back)) {
    const seen = back.filter((one) => isIn(now, one) || isThere(change.field, one.id, task, model));
    return isSame(seen, now) ? "kept" : isSame(seen, before) ? "back" : "partly";
  }
  if (isSame(back, before)) return !isRef(before) || isThere(change.field, before.id, task, model) ? "back" : "moved";
  return name === "description" && goTogether(String(after), String(now), String(before)) ? "partly" : "moved";
}

const WORD_BETWEEN = /[^\p{L}\p{N}][\p{L}\p{N}]+[^\p{L}\p{N}]/u;

/** Whether two texts were made of a base at places with a word between them that neither touched: then the server merges them. */
function goTogether(base: string, one: string, other: string): boolean {
  const [[start, end], [otherStart, otherEnd]] = [touched(base, one), touched(base, other)];
  return WORD_BETWEEN.test(end <= otherStart ? base.slice(end, otherStart) : base.slice(otherEnd, start));
}

/** From where to where a text was changed. */
function touched(base: string, text: string): readonly [start: number, end: number] {
  const most = Math.min(base.length, text.length);
  let start = 0;
  while (start < most && base[start] === text[start]) start += 1;
  let same = 0;
  while (same < most - start && base.at(-1 - same) === text.at(-1 - same)) same += 1;
  return [start, base.length - same];
}

/** A mutation of the task. */
export interface Restoration {
  readonly mutation: "updateTask" | "moveTask";
  readonly change: Readonly<Record<string, unknown>>;
}

/** What puts a value back that the task had before a change; null: it has it, or what it points at is not there. */
export function restorationOf(task: Task, change: Change, model: Model): Restoration | null {
  const step = stepOf(task, change);
  if (!step || isSame(task[step.name], step.before)) return null;
  const { field } = change;
  const { name, before } = step;
  if (field === "ASSIGNEES" || field === "LABELS") {
    const [now, then] = [idsOf(task[name]), idsOf(before)];
    const add = then.filter((id) => !now.includes(id) && isThere(field, id, task, model));
    const remove = now.filter((id) => !then.includes(id));
    const what = field === "LABELS" ? "LabelIds" : "AssigneeIds";
    return add.length + remove.length > 0 ? update({ ...(add.length && { [`add${what}`]: add }), ...(remove.length && { [`remove${what}`]: remove }) }) : null;
  }
  if (isRef(before) && !isThere(field, before.id, task, model)) return null;
  const id = isRef(before) ? before.id : null;
  if (field === "STATUS") return move({ statusId: id });
  if (field === "PROJECT") return id || model.me?.role !== "GUEST" ? move({ projectId: id }) : null; // a guest's tasks are in a project
  if (field === "PARENT") return update({ parentId: id });
  return field === "RANK" || field === "ARCHIVED" ? null : update({ [name]: before });
}

const update = (change: Restoration["change"]): Restoration => ({ mutation: "updateTask", change });
const move = (change: Restoration["change"]): Restoration => ({ mutation: "moveTask", change: { ...change, position: { edge: "LAST" } } });

interface Ref {
  readonly id: string;
}

const isRefs = (value: unknown): value is readonly Ref[] => Array.isArray(value);
const isRef = (value: unknown): value is Ref => typeof value === "object" && value !== null && "id" in value;
const isIn = (some: readonly Ref[], { id }: Ref): boolean => some.some((one) => one.id === id);
const idsOf = (value: unknown): readonly string[] => (isRefs(value) ? value.map(({ id }) => id) : []);

/** Whether what a field points at, or pointed at, may be pointed at now. */
function isThere(field: string, id: string, task: Task, model: Model): boolean {
  if (field === "STATUS") return model.statusById.has(id);
  if (field === "LABELS") return model.labelById.has(id);
  if (field === "PROJECT") return model.projects.some((each) => each.id === id);
  if (field === "ASSIGNEES") return whoSees(model.members, task).some(({ user }) => user.id === id);
  if (!model.taskById.has(id)) return false;
  for (let up: string | undefined = id; up; up = model.taskById.get(up)?.parent?.id) if (up === task.id) return false; // it would be below itself
  return true;
}
