/**
 * What mutations of tasks will do, as far as a client can tell before the server answers.
 *
 * Invariant: every effect is pure and tolerates rows that are not there, since it is replayed on whatever the server has
 * said in the meantime. What only the server knows (keys, ranks) is a guess, and replaced by its answer.
 */
import { timeOf } from "./ids";
import { between, compareRanks } from "./rank";
import type { Draft, Effects, Operation, Row } from "./replica";

interface Ref {
  readonly id: string;
}

/** What these effects need of a task; rows of other kinds may lie in the same replica. */
export interface TaskRow extends Row {
  readonly __typename: "Task";
  readonly key: string;
  readonly title: string;
  readonly description: string;
  readonly priority: string;
  readonly startDate: string | null;
  readonly dueDate: string | null;
  readonly estimate: number | null;
  readonly rank: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
  readonly archivedAt: string | null;
  readonly project: Ref | null;
  readonly status: Ref;
  readonly assignees: readonly Ref[];
  readonly labels: readonly Ref[];
  readonly parent: Ref | null;
  readonly createdBy: Ref;
}

export interface StatusRow extends Row {
  readonly __typename: "Status";
  readonly category: string;
  readonly rank: string;
}

type Input = Readonly<Record<string, unknown>>;
type AnyRow = Row & { readonly __typename: string };

const SCALARS = ["title", "description", "priority", "startDate", "dueDate", "estimate"] as const;

/** Effects on tasks for a replica of rows `R`; `me` is who creates. `template` adds what else the rows have. */
export function taskEffects<R extends AnyRow>(me: string, template: (task: TaskRow) => R): Effects<R> {
  const change = (draft: Draft<R>, id: unknown, patch: (task: TaskRow) => Partial<TaskRow>): void => {
    const task = taskOf(draft, id);
    if (task) draft.put({ ...task, ...patch(task) } as unknown as R);
  };
  return {
    createTask(draft, { input }) {
      if (draft.get(String(input.id))) return; // its event came before its answer
      const statusId = (input.statusId as string | undefined) ?? firstStatus(draft);
      const now = timeOf(String(input.clientMutationId ?? input.id));
      const project = ref(input.projectId) ?? taskOf(draft, input.parentId)?.project ?? null;
      draft.put(
        template({
          __typename: "Task",
          id: String(input.id),
          version: 0,
          key: "",
          title: String(input.title).trim(),
          description: String(input.description ?? ""),
          priority: String(input.priority ?? "NONE"),
          startDate: (input.startDate as string | undefined) ?? null,
          dueDate: (input.dueDate as string | undefined) ?? null,
          estimate: (input.estimate as number | undefined) ?? null,
          rank: placed(draft, project, statusId, (input.position as Input | undefined) ?? { edge: "LAST" }, ""),
          createdAt: now,
          updatedAt: now,
          completedAt: null,
          archivedAt: null,
          project,
          status: { id: statusId },
          assignees: refs(input.assigneeIds),
          labels: refs(input.labelIds),
          parent: ref(input.parentId),
          createdBy: { id: me },
        }),
      );
    },
    updateTask(draft, { input }) {
      change(draft, input.id, (task) => updated(task, input));
    },
    bulkUpdateTasks(draft, { input }) {
      for (const update of (input.updates as readonly Input[] | undefined) ?? []) change(draft, update.id, (task) => updated(task, update));
    },
    moveTask(draft, { input }) {
      change(draft, input.id, (task) => {
        const project = input.projectId === undefined ? task.project : ref(input.projectId);
        const statusId = (input.statusId as string | undefined) ?? task.status.id;
        const position = input.position as Input | undefined;
        const rank = position ? placed(draft, project, statusId, position, task.id) : task.rank;
        return { project, status: { id: statusId }, rank };
      });
    },
    archiveTask(draft, operation) {
      change(draft, operation.input.id, () => ({ archivedAt: timeOf(operation.key) }));
    },
    restoreTask(draft, { input }) {
      change(draft, input.id, () => ({ archivedAt: null }));
    },
    deleteTask(draft, { input }) {
      draft.drop(String(input.id));
    },
  };
}

/** What an update changes of a task. */
export function updated(task: Pick<TaskRow, "assignees" | "labels">, input: Input): Partial<TaskRow> {
  const patch: Record<string, unknown> = {};
  for (const name of SCALARS) if (input[name] !== undefined) patch[name] = input[name] ?? cleared(name);
  if (input.statusId !== undefined) patch.status = { id: input.statusId };
  if (input.parentId !== undefined) patch.parent = ref(input.parentId);
  patch.assignees = changed(task.assignees, input.addAssigneeIds, input.removeAssigneeIds);
  patch.labels = changed(task.labels, input.addLabelIds, input.removeLabelIds);
  return patch;
}

/** The input as it is sent: with its key, and with the version it was made from. */
export const inputOf = ({ key, input, baseVersion }: Operation): Record<string, unknown> => ({
  ...input,
  clientMutationId: key,
  ...(baseVersion === undefined ? {} : { baseVersion }),
});

function taskOf<R extends AnyRow>(draft: Draft<R>, id: unknown): TaskRow | undefined {
  const row = draft.get(String(id));
  return row?.__typename === "Task" ? (row as unknown as TaskRow) : undefined;
}

function firstStatus<R extends AnyRow>(draft: Draft<R>): string {
  let first: StatusRow | undefined;
  for (const row of draft.all()) {
    if (row.__typename !== "Status") continue;
    const status = row as unknown as StatusRow;
    if (status.category === "TODO" && (!first || compareRanks(status.rank, first.rank) < 0)) first = status;
  }
  return first?.id ?? "";
}

/** A rank at a place in the list of a project and a status; behind all others if the anchor is not there. */
function placed<R extends AnyRow>(draft: Draft<R>, project: Ref | null, statusId: string, position: Input, self: string): string {
  const anchorId = (position.before ?? position.after) as string | undefined;
  const anchor = anchorId === undefined ? undefined : taskOf(draft, anchorId)?.rank;
  let below: string | null = null; // the highest rank before the anchor, or of all
  let above: string | null = null; // the lowest rank after the anchor, or of all
  let lowest: string | null = null;
  for (const row of draft.all()) {
    if (row.__typename !== "Task" || row.id === self) continue;
    const task = row as unknown as TaskRow;
    if (task.status.id !== statusId || (task.project?.id ?? null) !== (project?.id ?? null)) continue;
    const { rank } = task;
    if (lowest === null || rank < lowest) lowest = rank;
    const isBelow = anchor === undefined || rank < anchor;
    if (isBelow && (below === null || rank > below)) below = rank;
    if (anchor !== undefined && rank > anchor && (above === null || rank < above)) above = rank;
  }
  if (position.edge === "FIRST") return between(null, lowest);
  if (anchor === undefined) return between(below, null);
  return position.before === undefined ? between(anchor, above) : between(below, anchor);
}

const ref = (id: unknown): Ref | null => (typeof id === "string" ? { id } : null);
const refs = (ids: unknown): Ref[] => ((ids as readonly string[] | undefined) ?? []).map((id) => ({ id }));
const cleared = (name: (typeof SCALARS)[number]): unknown =>
  name === "description" ? "" : name === "priority" ? "NONE" : null;

function changed(now: readonly Ref[], add: unknown, remove: unknown): readonly Ref[] {
  if (add === undefined && remove === undefined) return now;
  const added = new Set((add as readonly string[] | undefined) ?? []);
  const removed = new Set((remove as readonly string[] | undefined) ?? []);
  const kept = now.filter((each) => !removed.has(each.id) || added.has(each.id));
  return [...kept, ...refs([...added]).filter((each) => !kept.some((other) => other.id === each.id))];
}
