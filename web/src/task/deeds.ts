/** How a change of a history would look taken back, as far as it can be told from the task. */
import type { Task } from "../data/model";
import type { Deed } from "../sync/undo";

export interface Change {
  readonly field: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

const VALUES: Readonly<Record<string, keyof Task>> = {
  TITLE: "title", DESCRIPTION: "description", PRIORITY: "priority", START_DATE: "startDate", DUE_DATE: "dueDate", ESTIMATE: "estimate", RANK: "rank",
};
const REFS: Readonly<Record<string, keyof Task>> = { STATUS: "status", PROJECT: "project", PARENT: "parent" };
const SETS: Readonly<Record<string, keyof Task>> = { ASSIGNEES: "assignees", LABELS: "labels" };

/** A change of one field, as the task has it. */
interface Step {
  readonly name: keyof Task;
  readonly before: unknown;
  readonly after: unknown;
}

/** What a change did to the task; null: the task does not show it. */
export function stepOf(task: Task, { field, before, after }: Change): Step | null {
  if (VALUES[field]) return { name: VALUES[field], before: before ?? null, after: after ?? null };
  if (REFS[field]) return { name: REFS[field], before: ref(before), after: ref(after) };
  if (SETS[field]) return { name: SETS[field], before: refs(before), after: refs(after) };
  return field === "ARCHIVED" ? { name: "archivedAt", before: moment(before, task.archivedAt), after: moment(after, task.archivedAt) } : null;
}

/** What these changes did to the task; without what it does not show. */
export function deedsOf(task: Task, changes: readonly Change[]): readonly Deed[] {
  const steps = changes.flatMap((change) => stepOf(task, change) ?? []);
  return [{ id: task.id, fields: Object.fromEntries(steps.map(({ name, before, after }) => [name, [before, after]])) }];
}

const ref = (id: unknown): { id: string } | null => (typeof id === "string" ? { id } : null);
const refs = (ids: unknown): readonly { id: string }[] => (Array.isArray(ids) ? (ids as readonly string[]).map((id) => ({ id })) : []);

/** The same moment can be written in several ways. */
const moment = (at: unknown, now: string | null): string | null => (typeof at !== "string" ? null : now && Date.parse(at) === Date.parse(now) ? now : at);
