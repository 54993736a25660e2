/**
 * The rows of a workspace, arranged for looking things up: what pages read.
 *
 * Invariant: a model is a value of one moment; the same row is the same object in the next one unless it changed.
 */
import type { CommentRowFragment, LabelRowFragment, MembershipRowFragment, Permission, ProjectRowFragment, StatusRowFragment, TaskRowFragment, WorkspaceRowFragment } from "../gql/graphql";
import { compareRanks } from "../sync/rank";

export type Task = TaskRowFragment;
export type Status = StatusRowFragment;
export type Project = ProjectRowFragment;
export type Comment = CommentRowFragment;
export type Label = LabelRowFragment;
export type Membership = MembershipRowFragment;
export type WorkspaceRow = WorkspaceRowFragment;
export type AnyRow = Task | Status | Project | Label | Membership | Comment | WorkspaceRow;

export interface Model {
  readonly workspace: WorkspaceRow | undefined;
  readonly tasks: readonly Task[];
  /** As they are now, also in an older model: a copy for each moment would cost more than all the rest. */
  readonly taskById: ReadonlyMap<string, Task>;
  readonly statuses: readonly Status[];
  readonly statusById: ReadonlyMap<string, Status>;
  readonly projects: readonly Project[];
  readonly labels: readonly Label[];
  readonly labelById: ReadonlyMap<string, Label>;
  readonly members: readonly Membership[];
  /** Members' names by the person's id: what waits for the server names nobody. */
  readonly nameById: ReadonlyMap<string, string>;
  /** Of tasks that were opened last; oldest first. */
  readonly commentsOf: ReadonlyMap<string, readonly Comment[]>;
  readonly subtasksOf: ReadonlyMap<string, readonly Task[]>;
  readonly me: Membership | undefined;
}

export const byPlace = (a: { rank: string; id: string }, b: { rank: string; id: string }): number =>
  compareRanks(a.rank, b.rank) || compareRanks(a.id, b.id);

const byTime = (a: Comment, b: Comment): number => compareRanks(a.createdAt, b.createdAt) || compareRanks(a.id, b.id);

const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name);

/** All rows arranged anew; parts that are the same as in the model `before` are the very same objects. */
export function arrange(rows: Iterable<AnyRow>, myId: string, before?: Model): Model {
  const tasks: Task[] = [];
  const statuses: Status[] = [];
  const projects: Project[] = [];
  const labels: Label[] = [];
  const members: Membership[] = [];
  const comments: Comment[] = [];
  let workspace: WorkspaceRow | undefined;
  for (const row of rows) {
    if (row.__typename === "Task") tasks.push(row);
    else if (row.__typename === "Status") statuses.push(row);
    else if (row.__typename === "Project") projects.push(row);
    else if (row.__typename === "Label") labels.push(row);
    else if (row.__typename === "Membership") members.push(row);
    else if (row.__typename === "Comment") comments.push(row);
    else workspace = row;
  }
  const keptStatuses = kept(before?.statuses, statuses.sort(byPlace));
  const keptLabels = kept(before?.labels, labels.sort(byName));
  const keptMembers = kept(before?.members, members.sort((a, b) => byName(a.user, b.user)));
  const keptTasks = kept(before?.tasks, tasks.sort(byPlace));
  return {
    workspace,
    ...(keptTasks === before?.tasks ? { tasks: keptTasks, subtasksOf: before.subtasksOf } : ofTasks(keptTasks)),
    taskById: byId(tasks),
    statuses: keptStatuses,
    statusById: keptStatuses === before?.statuses ? before.statusById : byId(keptStatuses),
    projects: kept(before?.projects, projects.sort(byName)),
    labels: keptLabels,
    labelById: keptLabels === before?.labels ? before.labelById : byId(keptLabels),
    members: keptMembers,
    nameById: before && keptMembers === before.members ? before.nameById : new Map(keptMembers.map(({ user }) => [user.id, user.name])),
    commentsOf: grouped(comments.sort(byTime), ({ task }) => task.id),
    me: keptMembers.find((member) => member.user.id === myId),
  };
}

const ofTasks = (tasks: readonly Task[]) => ({ tasks, subtasksOf: grouped(tasks, ({ parent }) => parent?.id) });

const isSame = <R>(before: readonly R[] | undefined, now: readonly R[]): before is readonly R[] =>
  before?.length === now.length && now.every((row, at) => row === before[at]);

/** The list as it was if it has the same rows, so that what is drawn of it is not drawn again. */
export const kept = <R>(before: readonly R[] | undefined, now: readonly R[]): readonly R[] => (isSame(before, now) ? before : now);

const MANY = 500; // so many changed rows are arranged sooner all together than each for itself

/**
 * Keeps a model up to date while rows change: a changed task or comment is put into its place, and nothing else is touched.
 *
 * Invariant: `update` gives what `arrange` would, of all rows.
 */
export class Arranger {
  private model: Model;
  private readonly shown = new Map<string, Task>();
  private readonly said = new Map<string, Comment>();
  /** Rows of other kinds: they change seldom, and then all is arranged. */
  private readonly others = new Set<string>();
  private readonly changed = new Set<string>();

  constructor(private readonly rows: { get(id: string): AnyRow | undefined; all(): Iterable<AnyRow> }, private readonly myId: string) {
    this.model = this.arrangeAll();
  }

  /** These rows may be different now. */
  touch(ids: Iterable<string>): void {
    for (const id of ids) this.changed.add(id);
  }

  /** The model of this moment; the same one as before if nothing has changed. */
  update(): Model {
    if (this.changed.size === 0) return this.model;
    const isFew = this.changed.size < MANY && [...this.changed].every((id) => this.isAlone(id));
    this.model = isFew ? this.arrangeChanged() : this.arrangeAll(this.model);
    this.changed.clear();
    return this.model;
  }

  /** Whether a row can be put into its place by itself. */
  private isAlone(id: string): boolean {
    const row = this.rows.get(id);
    return row ? row.__typename === "Task" || row.__typename === "Comment" : !this.others.has(id);
  }

  private arrangeAll(before?: Model): Model {
    const model = arrange(this.rows.all(), this.myId, before);
    for (const known of [this.shown, this.said, this.others]) known.clear();
    for (const task of model.tasks) this.shown.set(task.id, task);
    for (const comments of model.commentsOf.values()) for (const comment of comments) this.said.set(comment.id, comment);
    const { statuses, projects, labels, members, workspace } = model;
    for (const { id } of [...statuses, ...projects, ...labels, ...members, ...(workspace ? [workspace] : [])]) this.others.add(id);
    return { ...model, taskById: this.shown };
  }

  private arrangeChanged(): Model {
    const tasks = [...this.model.tasks];
    const commentsOf = new Map(this.model.commentsOf);
    let [areTasks, areParts, areComments] = [false, false, false]; // whether some of these have changed
    for (const id of this.changed) {
      const row = this.rows.get(id);
      const [was, now] = [this.shown.get(id), row?.__typename === "Task" ? row : undefined];
      if (was !== now) {
        areTasks = true;
        areParts ||= was?.parent != null || now?.parent != null;
        if (was && now && byPlace(was, now) === 0) tasks[placeOf(tasks, was, byPlace)] = now;
        else {
          if (was) tasks.splice(placeOf(tasks, was, byPlace), 1);
          if (now) tasks.splice(placeOf(tasks, now, byPlace), 0, now);
        }
        put(this.shown, id, now);
      }
      const [before, after] = [this.said.get(id), row?.__typename === "Comment" ? row : undefined];
      if (before !== after) {
        areComments = true;
        if (before) put(commentsOf, before.task.id, without(commentsOf.get(before.task.id)!, before));
        if (after) put(commentsOf, after.task.id, withOne(commentsOf.get(after.task.id), after));
        put(this.said, id, after);
      }
    }
    if (!areTasks && !areComments) return this.model;
    return { ...this.model, ...(areParts ? ofTasks(tasks) : areTasks ? { tasks } : {}), ...(areComments ? { commentsOf } : {}) };
  }
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** Undefined: there is none left. */
function without(comments: readonly Comment[], comment: Comment): readonly Comment[] | undefined {
  const left = comments.filter((each) => each !== comment);
  return left.length ? left : undefined;
}

function withOne(comments: readonly Comment[] = [], comment: Comment): readonly Comment[] {
  return comments.toSpliced(placeOf(comments, comment, byTime), 0, comment);
}

/** Where a row is among rows that are in order, or where it goes. */
function placeOf<R>(rows: readonly R[], row: R, order: (a: R, b: R) => number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(rows[middle]!, row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const byId = <R extends { id: string }>(rows: readonly R[]): ReadonlyMap<string, R> => new Map(rows.map((row) => [row.id, row]));

function grouped<R>(rows: readonly R[], keyOf: (row: R) => string | undefined): Map<string, R[]> {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

/** Whether the person finds deleted tasks, to restore them: all that they see, or as a guest those that they made. */
export const mayRestore = (model: Model): boolean => may(model, "TASK_DELETE") || model.me?.role === "GUEST";

/** What the person may do here, by what everybody is told of their membership. */
export const may = (model: Pick<Model, "me">, permission: Permission): boolean => model.me?.permissions.includes(permission) ?? false;
