/**
 * How the list is grouped and sorted, as it stands in the address.
 *
 * Invariants: pure; every task is in one group, so that it is one row; tasks that are alike stay as people have put them.
 */
import { kept, type Model, type Task } from "../data/model";
import { NOBODY, PRIORITIES, PRIORITY_NAMES } from "./arrange";

export const GROUPINGS = { "": "Status", assignee: "Assignees", priority: "Priority", project: "Project", none: "Nothing" } as const;
export const SORTINGS = { "": "By hand", priority: "Priority", due: "Due day", updated: "Last changed", created: "Newest", title: "Title" } as const;

export type Grouping = keyof typeof GROUPINGS;
export type Sorting = keyof typeof SORTINGS;

/** What gives the groups their names. */
type Names = Pick<Model, "statuses" | "projects" | "nameById">;

export interface Group {
  readonly id: string;
  /** Empty: all tasks, without a heading. */
  readonly name: string;
  readonly color?: string;
  readonly tasks: readonly Task[];
}

export const groupingOf = (address: URLSearchParams): Grouping => known(GROUPINGS, address.get("group"));
export const sortingOf = (address: URLSearchParams): Sorting => known(SORTINGS, address.get("sort"));

const known = <K extends string>(names: Record<K, string>, given: string | null): K => (given !== null && Object.hasOwn(names, given) ? given : "") as K;

const URGENCY = new Map<string, number>(PRIORITIES.map((priority, at) => [priority, at]));
const LAST = "\uffff"; // behind every day
const urgency = (task: Task): number => URGENCY.get(task.priority) ?? PRIORITIES.length;

const COMPARE: Record<Exclude<Sorting, "">, (a: Task, b: Task) => number> = {
  priority: (a, b) => urgency(a) - urgency(b),
  due: (a, b) => compare(a.dueDate ?? LAST, b.dueDate ?? LAST),
  updated: (a, b) => compare(b.updatedAt, a.updatedAt),
  created: (a, b) => compare(b.createdAt, a.createdAt),
  title: (a, b) => a.title.localeCompare(b.title),
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The groups that have tasks, in their order; one that is as it was `before` is the same object. */
export function groupsOf(names: Names, tasks: readonly Task[], by: Grouping, sort: Sorting, before: readonly Group[] = []): readonly Group[] {
  const sorted = sort ? [...tasks].sort(COMPARE[sort]) : tasks;
  const last = new Map(before.map((group) => [group.id, group]));
  const groups = filled(names, sorted, by).map((group): Group => {
    const was = last.get(group.id);
    if (!was) return group;
    const same = kept(was.tasks, group.tasks);
    return same === was.tasks && was.name === group.name && was.color === group.color ? was : { ...group, tasks: same };
  });
  return kept(before, groups);
}

type Heading = Omit<Group, "tasks">;

/** Headings that are known come in their order, after those of people. */
function filled(names: Names, tasks: readonly Task[], by: Grouping): readonly Group[] {
  const known = headings(names, by);
  const place = new Map(known.map(({ id }, at) => [id, at]));
  const groups = new Map(known.map((heading): [string, Heading & { tasks: Task[] }] => [heading.id, { ...heading, tasks: [] }]));
  for (const task of tasks) {
    const id = idIn(by, task);
    const group = groups.get(id);
    if (group) group.tasks.push(task);
    else groups.set(id, { id, name: by === "assignee" ? namesOf(names, task) : "", tasks: [task] });
  }
  return [...groups.values()]
    .filter(({ tasks }) => tasks.length > 0)
    .sort((a, b) => (place.get(a.id) ?? -1) - (place.get(b.id) ?? -1) || a.name.localeCompare(b.name));
}

function headings(names: Names, by: Grouping): readonly Heading[] {
  switch (by) {
    case "assignee":
      return [{ id: NOBODY, name: "Unassigned" }];
    case "priority":
      return PRIORITIES.map((id) => ({ id, name: PRIORITY_NAMES[id]! }));
    case "project":
      return [...names.projects.map(({ id, name, color }) => ({ id, name, color })), { id: NOBODY, name: "No project" }];
    case "none":
      return [];
    default:
      return names.statuses.map(({ id, name, color }) => ({ id, name, color }));
  }
}

function idIn(by: Grouping, task: Task): string {
  switch (by) {
    case "assignee":
      return task.assignees.map(({ id }) => id).sort().join(" ") || NOBODY;
    case "priority":
      return task.priority;
    case "project":
      return task.project?.id ?? NOBODY;
    case "none":
      return "";
    default:
      return task.status.id;
  }
}

const namesOf = (names: Names, task: Task): string =>
  task.assignees.map(({ id, name }) => names.nameById.get(id) || name || "?").sort((a, b) => a.localeCompare(b)).join(", ");
