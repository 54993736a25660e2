/** How a change of a history would look taken back, as far as it can be told from the task. */
import type { Task } from "../data/model";
import type { Deed } from "../sync/undo";

interface Change {
  readonly field: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

const VALUES: Readonly<Record<string, string>> = {
  TITLE: "title", DESCRIPTION: "description", PRIORITY: "priority", START_DATE: "startDate", DUE_DATE: "dueDate", ESTIMATE: "estimate", RANK: "rank",
};
const REFS: Readonly<Record<string, string>> = { STATUS: "status", PROJECT: "project", PARENT: "parent" };
const SETS: Readonly<Record<string, string>> = { ASSIGNEES: "assignees", LABELS: "labels" };

/** What these changes did to the task; without what it does not show. */
export function deedsOf(task: Task, changes: readonly Change[]): readonly Deed[] {
  const fields: Record<string, readonly [unknown, unknown]> = {};
  for (const { field, before, after } of changes) {
    if (VALUES[field]) fields[VALUES[field]] = [before, after];
    else if (REFS[field]) fields[REFS[field]] = [ref(before), ref(after)];
    else if (SETS[field]) fields[SETS[field]] = [refs(before), refs(after)];
    // The same moment can be written in several ways; what matters is whether there is one.
    else if (field === "ARCHIVED") fields.archivedAt = [before ?? null, after ? task.archivedAt : null];
  }
  return [{ id: task.id, fields }];
}

const ref = (id: unknown): { id: string } | null => (typeof id === "string" ? { id } : null);
const refs = (ids: unknown): readonly { id: string }[] => (Array.isArray(ids) ? (ids as readonly string[]).map((id) => ({ id })) : []);
