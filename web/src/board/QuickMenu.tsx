/** The menu that a key opens on the task in focus: who, where, how urgent, which labels, until when. */
import { create } from "zustand";
import type { Model, Task } from "../data/model";
import type { OpenWorkspace } from "../data/workspace";
import { Avatar, Dot } from "../ui/controls";
import { AnyOf, Menu, OneOf } from "../ui/menu";
import { useWorkspace } from "../workspace/context";
import { targetsOf } from "./selection";
import { dayAfter, PRIORITIES, PRIORITY_NAMES, today } from "./arrange";

export type QuickKind = "assignees" | "status" | "priority" | "labels" | "due";

export const useQuick = create<{ kind: QuickKind; taskId: string | null; x: number; y: number }>(() => ({ kind: "status", taskId: null, x: 0, y: 0 }));

export function QuickMenu({ model }: { model: Model }) {
  const { kind, taskId, x, y } = useQuick();
  const task = taskId ? model.taskById.get(taskId) : undefined;
  if (!task) return null;
  const close = (): void => {
    useQuick.setState({ taskId: null });
    setTimeout(() => document.querySelector<HTMLElement>(`[data-task="${task.id}"]`)?.focus(), 0);
  };
  return (
    <Menu label={`${kind} of ${task.title}`} open onOpenChange={(isOpen) => !isOpen && close()} trigger={<span aria-hidden className="fixed size-px" style={{ left: x, top: y }} />}>
      <TaskChoices kind={kind} task={task} targets={targetsOf(task, model)} model={model} />
    </Menu>
  );
}

interface TaskChoicesProps {
  kind: QuickKind;
  task: Task;
  model: Model;
  /** What is changed; omitted: the task alone. */
  targets?: readonly Task[];
}

/** The choices for a field of a task, or of several; each takes effect at once. */
export function TaskChoices({ kind, task, model, targets = [task] }: TaskChoicesProps) {
  const workspace = useWorkspace();
  const update = (change: Record<string, unknown>): void => targets.forEach(({ id }) => workspace.submit("updateTask", { id, ...change }));
  const ofAll = (idsOf: (task: Task) => readonly { id: string }[]): string[] =>
    idsOf(task).map(({ id }) => id).filter((id) => targets.every((each) => idsOf(each).some((one) => one.id === id)));
  if (kind === "status") {
    return <OneOf choices={model.statuses.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }))} value={task.status.id} onChoose={(statusId) => targets.forEach((each) => moveTo(workspace, each, statusId))} />;
  }
  if (kind === "priority") {
    return <OneOf choices={PRIORITIES.map((id) => ({ id, label: PRIORITY_NAMES[id]! }))} value={task.priority} onChoose={(priority) => update({ priority })} />;
  }
  if (kind === "due") {
    const days = [["Today", 0], ["Tomorrow", 1], ["In a week", 7], ["In two weeks", 14]] as const;
    const choices = days.map(([label, after]) => ({ id: dayAfter(today(), after), label }));
    return <OneOf choices={[...choices, { id: "", label: "No day" }]} value={task.dueDate ?? ""} onChoose={(day) => update({ dueDate: day || null })} />;
  }
  if (kind === "assignees") {
    const choices = model.members.map(({ user }) => ({ id: user.id, label: user.name, icon: <Avatar id={user.id} name={user.name} size={20} /> }));
    return <AnyOf choices={choices} values={ofAll(({ assignees }) => assignees)} onToggle={(id, isOn) => update(isOn ? { addAssigneeIds: [id] } : { removeAssigneeIds: [id] })} />;
  }
  const choices = model.labels.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }));
  return <AnyOf choices={choices} values={ofAll(({ labels }) => labels)} onToggle={(id, isOn) => update(isOn ? { addLabelIds: [id] } : { removeLabelIds: [id] })} />;
}

/** To the end of another column. */
export function moveTo(workspace: OpenWorkspace, task: Task, statusId: string): void {
  if (task.status.id !== statusId) workspace.submit("moveTask", { id: task.id, statusId, position: { edge: "LAST" } });
}
