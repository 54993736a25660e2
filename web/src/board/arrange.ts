/**
 * Which tasks a board shows and in which columns: filters as they stand in the address.
 *
 * Invariant: pure; the address alone says what is filtered, so that a link shows another person the same.
 */
import { kept, type Status, type Task } from "../data/model";

export const PRIORITIES = ["URGENT", "HIGH", "MEDIUM", "LOW", "NONE"] as const;
export const PRIORITY_NAMES: Record<string, string> = { URGENT: "Urgent", HIGH: "High", MEDIUM: "Medium", LOW: "Low", NONE: "No priority" };

export const PRIORITY_LOOKS: Record<string, string> = { URGENT: "text-bad", HIGH: "text-warn", MEDIUM: "text-accent", LOW: "text-dim", NONE: "text-dim" };

/** Whether a task should have been done before `day`. */
export const isLate = ({ dueDate, completedAt }: Pick<Task, "dueDate" | "completedAt">, day: string): boolean => dueDate !== null && completedAt === null && dueDate < day;

export const NOBODY = "nobody";

export interface Filters {
  readonly assignees: readonly string[];
  readonly statuses: readonly string[];
  readonly priorities: readonly string[];
  readonly labels: readonly string[];
  readonly project: string;
  readonly due: string;
  readonly text: string;
  /** Not empty: what is in the archive, and nothing else. */
  readonly archived: string;
}

const SETS = { assignees: "assignee", statuses: "status", priorities: "priority", labels: "label" } as const;
const WORDS = { project: "project", due: "due", text: "q", archived: "archived" } as const;

export function filtersOf(address: URLSearchParams): Filters {
  const set = (name: string): string[] => address.get(name)?.split(",").filter(Boolean) ?? [];
  return {
    assignees: set(SETS.assignees),
    statuses: set(SETS.statuses),
    priorities: set(SETS.priorities),
    labels: set(SETS.labels),
    project: address.get(WORDS.project) ?? "",
    due: address.get(WORDS.due) ?? "",
    text: address.get(WORDS.text) ?? "",
    archived: address.get(WORDS.archived) ?? "",
  };
}

/** The address with these filters; what is not a filter stays. */
export function withFilters(address: URLSearchParams, change: Partial<Filters>): URLSearchParams {
  let next = address;
  for (const [key, value] of Object.entries(change) as [keyof Filters, string | readonly string[]][])
    next = withWord(next, { ...SETS, ...WORDS }[key], typeof value === "string" ? value : value.join(","));
  return next;
}

/** The address with this word by this name, or without any. */
export function withWord(address: URLSearchParams, name: string, word: string): URLSearchParams {
  const next = new URLSearchParams(address);
  if (word) next.set(name, word);
  else next.delete(name);
  return next;
}

export const NO_FILTERS: Filters = { assignees: [], statuses: [], priorities: [], labels: [], project: "", due: "", text: "", archived: "" };

export const isFiltered = (filters: Filters): boolean => Object.values(filters).some((value) => value.length > 0);

export interface Shown {
  /** In their order. */
  readonly tasks: readonly Task[];
  /** How many each person has of the tasks that all filters but that of assignees let through, by id, and nobody by `NOBODY`. */
  readonly countOf: ReadonlyMap<string, number>;
}

/** The tasks to show, and whose they are, in one pass. `today` is a day like 2026-05-01. */
export function shownTasks(all: readonly Task[], filters: Filters, today: string): Shown {
  const words = filters.text.toLowerCase();
  const countOf = new Map<string, number>();
  const count = (id: string): unknown => countOf.set(id, (countOf.get(id) ?? 0) + 1);
  const tasks = all.filter((task) => {
    if ((task.archivedAt !== null) !== Boolean(filters.archived)) return false;
    if (filters.project && (task.project?.id ?? NOBODY) !== filters.project) return false;
    if (filters.statuses.length && !filters.statuses.includes(task.status.id)) return false;
    if (filters.priorities.length && !filters.priorities.includes(task.priority)) return false;
    if (filters.labels.length && !task.labels.some(({ id }) => filters.labels.includes(id))) return false;
    if (filters.due && !isDue(task, filters.due, today)) return false;
    if (words && !textOf(task).includes(words)) return false;
    if (!task.assignees.length) count(NOBODY);
    for (const { id } of task.assignees) count(id);
    return !filters.assignees.length || isFor(task, filters.assignees);
  });
  return { tasks, countOf };
}

/** What filters look for words in; a changed task is another object, so this is right as long as there is the task. */
const texts = new WeakMap<Task, string>();

function textOf(task: Task): string {
  let text = texts.get(task);
  if (text === undefined) texts.set(task, (text = `${task.key} ${task.title} ${task.description}`.toLowerCase()));
  return text;
}

const isFor = (task: Task, who: readonly string[]): boolean =>
  task.assignees.length === 0 ? who.includes(NOBODY) : task.assignees.some(({ id }) => who.includes(id));

function isDue(task: Task, due: string, today: string): boolean {
  if (due === "none") return task.dueDate === null;
  if (task.dueDate === null) return false;
  if (due === "overdue") return task.dueDate < today && task.completedAt === null;
  return task.dueDate >= today && task.dueDate <= dayAfter(today, due === "today" ? 0 : 7);
}

export function dayAfter(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** Today, or the day of another moment, where the person is. */
export function today(now = new Date()): string {
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}-${String(now.getDate()).padStart(2, "0")}`;
}

export type Columns = ReadonlyMap<string, readonly Task[]>;

/** The tasks of each status, also of those that have none; columns that are as they were `before` are the same arrays. */
export function columnsOf(statuses: readonly Status[], tasks: readonly Task[], before?: Columns): Columns {
  const columns = new Map<string, Task[]>(statuses.map(({ id }) => [id, []]));
  for (const task of tasks) columns.get(task.status.id)?.push(task);
  return new Map([...columns].map(([id, column]) => [id, kept(before?.get(id), column)]));
}

/**
 * Where a task goes that is put at an index of a column, said by its neighbours: an anchor must be of the same project, so
 * it is the nearest one that is. Null: it is there already.
 */
export function placeAt(column: readonly Task[], index: number, task: Task): { after?: string; before?: string; edge?: string } | null {
  const others = column.filter(({ id }) => id !== task.id);
  const at = Math.max(0, Math.min(index, others.length));
  const own = column.findIndex(({ id }) => id === task.id);
  if (own === at) return null;
  const isSame = (other: Task): boolean => other.project?.id === task.project?.id;
  const above = others.slice(0, at).findLast(isSame);
  if (above) return { after: above.id };
  const below = others.slice(at).find(isSame);
  return below ? { before: below.id } : { edge: "FIRST" };
}
