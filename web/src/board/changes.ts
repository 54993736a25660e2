/** What is done to tasks from the board, a task or a menu: it is said, and several tasks are one change that can be taken back. */
import type { Task } from "../data/model";
import type { OpenWorkspace } from "../data/workspace";
import { announce } from "../ui/announce";
import { toast } from "../ui/toasts";
import { targetsOf } from "./selection";
import { sentenceOf } from "./spoken";

/** What is chosen anew, as the input of a mutation says it. */
export type Change = Partial<Readonly<{
  statusId: string;
  priority: string;
  dueDate: string | null;
  projectId: string | null;
  addAssigneeIds: readonly string[];
  removeAssigneeIds: readonly string[];
  addLabelIds: readonly string[];
  removeLabelIds: readonly string[];
}>>;

/** Whether a task becomes another by a change. */
export function isNews(task: Task, change: Change): boolean {
  const has = (refs: readonly { id: string }[]) => (sought: string): boolean => refs.some(({ id }) => id === sought);
  const [assigned, labelled] = [has(task.assignees), has(task.labels)];
  const { statusId, priority, dueDate, projectId, addAssigneeIds = [], removeAssigneeIds = [], addLabelIds = [], removeLabelIds = [] } = change;
  return (statusId !== undefined && statusId !== task.status.id) || (priority !== undefined && priority !== task.priority)
    || (dueDate !== undefined && dueDate !== task.dueDate) || (projectId !== undefined && projectId !== (task.project?.id ?? null))
    || !addAssigneeIds.every(assigned) || removeAssigneeIds.some(assigned) || !addLabelIds.every(labelled) || removeLabelIds.some(labelled);
}

/** Changes tasks alike, of several those that are not so yet; it is said, of several where all see it, and can be taken back there. */
export function changeAll(workspace: OpenWorkspace, tasks: readonly Task[], change: Change): void {
  const changed = tasks.length > 1 ? tasks.filter((task) => isNews(task, change)) : tasks;
  if (!changed.length) return;
  const keys = workspace.submitAll(changed.map(({ id }) => id), change);
  if (tasks.length > 1) toast(`${whichWere(changed)} changed`, undefined, { label: "Undo", run: () => workspace.undo(keys), undoes: keys });
  else tell(workspace, tasks, change);
}

/** Assigns a task to oneself, or no more, and what is selected with it. */
export function takeOrGiveBack(workspace: OpenWorkspace, task: Task): void {
  const isMine = task.assignees.some(({ id }) => id === workspace.myId);
  changeAll(workspace, targetsOf(task, workspace.model()), { [isMine ? "removeAssigneeIds" : "addAssigneeIds"]: [workspace.myId] });
}

/** Says a change of one task; of several it is not read out one by one. */
export function tell(workspace: OpenWorkspace, tasks: readonly Task[], change: Change): void {
  const [task] = tasks;
  if (task && tasks.length === 1) announce(sentenceOf(task, change, workspace.model(), workspace.myId));
}

const whichWere = (tasks: readonly Task[]): string => (tasks.length > 1 ? `${tasks.length} tasks were` : `“${tasks[0]?.title}” was`);

/** Archives tasks, or takes them out where they are archived, as one; it is said, and can be taken back there. */
export function archiveAll(workspace: OpenWorkspace, tasks: readonly Task[]): void {
  const [first] = tasks;
  if (!first) return;
  const isArchived = first.archivedAt !== null;
  const keys = workspace.submitEach(isArchived ? "restoreTask" : "archiveTask", tasks.map(({ id }) => ({ id })));
  toast(`${whichWere(tasks)} ${isArchived ? "taken out of the archive" : "archived"}`, undefined, { label: "Undo", run: () => workspace.undo(keys), undoes: keys });
}

/** Moves a task to the end of another column, and says so. */
export function moveTo(workspace: OpenWorkspace, task: Task, statusId: string): void {
  if (task.status.id === statusId) return;
  workspace.submit("moveTask", { id: task.id, statusId, position: { edge: "LAST" } });
  tell(workspace, [task], { statusId });
}
