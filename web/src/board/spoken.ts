/**
 * What one has done to a task, in words, for those who do not see it.
 *
 * Invariant: pure. Names stand for ids; what is not known any more is said without its name.
 */
import type { Model, Task } from "../data/model";
import { dayWithin } from "../ui/day";
import { PRIORITY_NAMES, today, type Columns } from "./arrange";

type Names = Pick<Model, "statusById" | "labelById" | "nameById" | "projects">;

/** A sentence of a change of one task, as it is sent; empty where there is nothing to say. */
export function sentenceOf({ title }: Task, change: Readonly<Record<string, unknown>>, names: Names, myId: string, now = today()): string {
  const [field, value] = Object.entries(change)[0] ?? [];
  const id = String(Array.isArray(value) ? value[0] : value);
  const person = id === myId ? "you" : (names.nameById.get(id) ?? "somebody");
  const label = `the label ${names.labelById.get(id)?.name ?? ""}`.trimEnd();
  switch (field) {
    case "statusId":
      return `${title} is now in ${names.statusById.get(id)?.name ?? "another status"}.`;
    case "projectId":
      return value ? `${title} is now in the project ${names.projects.find((project) => project.id === id)?.name ?? ""}.` : `${title} is in no project now.`;
    case "priority":
      return `The priority of ${title} is now: ${PRIORITY_NAMES[id] ?? id}.`;
    case "dueDate":
      return value ? `${title} is due ${dayWithin(id, now)}.` : `${title} is due on no day.`;
    case "addAssigneeIds":
      return `${title} is assigned to ${person}.`;
    case "removeAssigneeIds":
      return `${title} is not assigned to ${person} any more.`;
    case "addLabelIds":
      return `${title} has ${label}.`;
    case "removeLabelIds":
      return `${title} does not have ${label} any more.`;
    default:
      return "";
  }
}

/** Where a task stands now, like “X is now in To do, 2 of 7.” */
export function placeOf({ id, title }: Task, columns: Columns, names: Names): string {
  for (const [statusId, column] of columns) {
    const at = column.findIndex((task) => task.id === id);
    if (at >= 0) return `${title} is now in ${names.statusById.get(statusId)?.name ?? "another status"}, ${at + 1} of ${column.length}.`;
  }
  return "";
}
