/** What a new task begins with: what is filtered by, so that the filters go on to show it where that can be helped. */
import type { Model } from "../data/model";
import { dayAfter, PRIORITIES, type Filters } from "./arrange";
import type { Chosen } from "./QuickMenu";

/** `statusId`: of the column that it was asked for in, or empty. `day` is today. */
export function begun({ statuses, projects, members, labels, me }: Pick<Model, "statuses" | "projects" | "members" | "labels" | "me">, statusId: string, filters: Filters, day: string): Chosen {
  const open = projects.filter(({ archivedAt }) => !archivedAt);
  // A guest's tasks are all in one of the guest's projects.
  const project = open.find(({ id }) => id === filters.project) ?? (me?.role === "GUEST" ? open[0] : undefined);
  const status = statuses.find(({ id }) => id === (statusId || only(filters.statuses))) ?? statuses.find(({ category }) => category === "TODO") ?? statuses[0];
  const days: Record<string, string> = { today: day, week: dayAfter(day, 7) };
  return {
    status: { id: status?.id ?? "" },
    project: project ? { id: project.id } : null,
    priority: PRIORITIES.find((each) => each === only(filters.priorities)) ?? "NONE",
    dueDate: days[filters.due] ?? null,
    assignees: members.flatMap(({ user: { id } }) => (id === only(filters.assignees) ? [{ id }] : [])),
    labels: labels.flatMap(({ id }) => (id === only(filters.labels) ? [{ id }] : [])),
  };
}

const only = (chosen: readonly string[]): string | undefined => (chosen.length === 1 ? chosen[0] : undefined);
