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
  readonly taskById: ReadonlyMap<string, Task>;
  readonly statuses: readonly Status[];
  readonly statusById: ReadonlyMap<string, Status>;
  readonly projects: readonly Project[];
  readonly labels: readonly Label[];
  readonly labelById: ReadonlyMap<string, Label>;
  readonly members: readonly Membership[];
  /** Of tasks that were opened, or are talked about now; oldest first. */
  readonly commentsOf: ReadonlyMap<string, readonly Comment[]>;
  readonly subtasksOf: ReadonlyMap<string, readonly Task[]>;
  readonly me: Membership | undefined;
}

export const byPlace = (a: { rank: string; id: string }, b: { rank: string; id: string }): number =>
  compareRanks(a.rank, b.rank) || compareRanks(a.id, b.id);

const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name);

export function arrange(rows: Iterable<AnyRow>, myId: string): Model {
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
  tasks.sort(byPlace);
  statuses.sort(byPlace);
  projects.sort(byName);
  labels.sort(byName);
  members.sort((a, b) => byName(a.user, b.user));
  comments.sort((a, b) => compareRanks(a.createdAt, b.createdAt) || compareRanks(a.id, b.id));
  return {
    workspace,
    tasks,
    taskById: byId(tasks),
    statuses,
    statusById: byId(statuses),
    projects,
    labels,
    labelById: byId(labels),
    members,
    commentsOf: grouped(comments, ({ task }) => task.id),
    subtasksOf: grouped(tasks, ({ parent }) => parent?.id),
    me: members.find((member) => member.user.id === myId),
  };
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

/** What the person may do here, by what everybody is told of their membership. */
export const may = (model: Model, permission: Permission): boolean => model.me?.permissions.includes(permission) ?? false;
