/** The menu that a key opens on the task in focus: who, where, how urgent, which labels, until when. */
import { useLayoutEffect } from "react";
import { create } from "zustand";
import { useAct } from "../data/act";
import { may, type Label, type Model, type Task } from "../data/model";
import type { OpenWorkspace } from "../data/workspace";
import { announce } from "../ui/announce";
import { Avatar, Dot } from "../ui/controls";
import { AnyOf, Menu, OneOf, Typed } from "../ui/menu";
import { toast } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";
import { elementOf, focusCard, holdCard } from "./focus";
import { targetsOf } from "./selection";
import { sentenceOf } from "./spoken";
import { QUICK_KEYS, type QuickKind } from "./quick-keys";
import { dayAfter, PRIORITIES, PRIORITY_NAMES, today } from "./arrange";

interface Quick {
  readonly kind: QuickKind;
  readonly taskId: string | null;
  /** What it is opened on, in pixels of the window. */
  readonly box: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  readonly side: "right" | "bottom";
  /** What is given the focus after it; null: the card. */
  readonly from: HTMLElement | null;
}

const useQuick = create<Quick>(() => ({ kind: "status", taskId: null, box: { left: 0, top: 0, width: 1, height: 1 }, side: "bottom", from: null }));

const ROOM = 240; // in pixels, beside what a menu is opened on; with less it comes below

/** Opens it beside an element, and covers nothing of that. */
export function openQuick(kind: QuickKind, taskId: string, beside: Element | null, from: HTMLElement | null = null): void {
  const { left, top, width, height, right } = beside?.getBoundingClientRect() ?? new DOMRect(16, 16, 1, 1);
  useQuick.setState({ kind, taskId, box: { left, top, width, height }, side: innerWidth - right < ROOM ? "bottom" : "right", from });
}

/** Opens it on the task in the panel, at the field that it is about. */
export function openQuickInPanel(kind: QuickKind, taskId: string): void {
  const panel = document.querySelector<HTMLElement>("aside");
  const field = panel?.querySelector(`[data-field="${kind}"]`);
  field?.scrollIntoView({ block: "nearest" });
  openQuick(kind, taskId, field ?? panel, panel?.contains(document.activeElement) ? (document.activeElement as HTMLElement) : panel);
}

export function QuickMenu({ model }: { model: Model }) {
  const { kind, taskId, box, side, from } = useQuick();
  const task = taskId ? model.taskById.get(taskId) : undefined;
  // The menu has the focus meanwhile: the card goes on to show that it is the one.
  useLayoutEffect(() => {
    const card = taskId ? elementOf(taskId) : null;
    card?.toggleAttribute("data-at-hand", true);
    return () => void card?.toggleAttribute("data-at-hand", false);
  }, [taskId]);
  if (!task) return null;
  const targets = targetsOf(task, model);
  const close = (): void => {
    useQuick.setState({ taskId: null });
    if (!from) holdCard(task.id);
    // After the menu, which gives the focus back to where nothing is; not where a key has opened the next one, which would close again.
    setTimeout(() => {
      if (useQuick.getState().taskId) return;
      if (from) from.focus();
      else focusCard(task.id);
    }, 0);
  };
  const name = QUICK_KEYS.find((each) => each.kind === kind)?.name;
  return (
    <Menu label={`${kind} of ${task.title}`} byKey={{ heading: `${name}: ${targets.length > 1 ? `${targets.length} tasks` : task.key || task.title}`, side }} open onOpenChange={(isOpen) => !isOpen && close()}
      trigger={<span aria-hidden className="pointer-events-none fixed" style={box} />}>
      <TaskChoices kind={kind} task={task} targets={targets} model={model} />
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
  const act = useAct();
  const update = (change: Record<string, unknown>): void => changeAll(workspace, targets, change);
  const ofAll = (idsOf: (task: Task) => readonly { id: string }[]): string[] =>
    idsOf(task).map(({ id }) => id).filter((id) => targets.every((each) => idsOf(each).some((one) => one.id === id)));
  if (kind === "status") {
    return <OneOf choices={model.statuses.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }))} value={task.status.id} onChoose={(statusId) => (targets.length > 1 ? update({ statusId }) : moveTo(workspace, task, statusId))} />;
  }
  if (kind === "priority") {
    return <OneOf choices={PRIORITIES.map((id) => ({ id, label: PRIORITY_NAMES[id]! }))} value={task.priority} onChoose={(priority) => update({ priority })} />;
  }
  if (kind === "due") {
    const days = [["Today", 0], ["Tomorrow", 1], ["In a week", 7], ["In two weeks", 14]] as const;
    const choices = days.map(([label, after]) => ({ id: dayAfter(today(), after), label }));
    const choose = (day: string): void => update({ dueDate: day || null });
    return (
      <>
        <OneOf choices={[...choices, { id: "", label: "No day" }]} value={task.dueDate ?? ""} onChoose={choose} />
        <Typed ask="Another day…" label="Another day" type="date" value={task.dueDate ?? ""} offer={() => "Take this day"} onTake={choose} />
      </>
    );
  }
  if (kind === "project") {
    const open = model.projects.filter(({ id, archivedAt }) => !archivedAt || id === task.project?.id);
    const choices = open.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }));
    const toProject = (id: string): void => {
      const change = { projectId: id || null, position: { edge: "LAST" } };
      for (const each of targets) workspace.submit("moveTask", { id: each.id, ...change });
      tell(workspace, targets, change);
    };
    return <OneOf choices={[...choices, { id: "", label: "No project" }]} value={task.project?.id ?? ""} onChoose={toProject} />;
  }
  if (kind === "assignees") {
    const choices = model.members.map(({ user }) => ({ id: user.id, label: user.name, icon: <Avatar id={user.id} name={user.name} size={20} /> }));
    return <AnyOf choices={choices} values={ofAll(({ assignees }) => assignees)} onToggle={(id, isOn) => update(isOn ? { addAssigneeIds: [id] } : { removeAssigneeIds: [id] })} />;
  }
  const addLabel = (name: string): void => {
    const known = labelNamed(workspace.model(), name);
    if (known) update({ addLabelIds: [known.id] });
    else void import("./new-label").then(({ createLabel }) => createLabel(act, workspace, targets, name), () => toast(`The label “${name}” was not created`, "There is no connection."));
  };
  const choices = model.labels.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }));
  return (
    <>
      <AnyOf choices={choices} values={ofAll(({ labels }) => labels)} none="There are no labels yet." onToggle={(id, isOn) => update(isOn ? { addLabelIds: [id] } : { removeLabelIds: [id] })} />
      {may(model, "PROJECT_ADMIN") && <Typed ask="New label…" label="Name of the new label" type="text" value="" maxLength={100} offer={(name) => `${labelNamed(model, name) ? "Add" : "Create label"} “${name}”`} onTake={addLabel} />}
    </>
  );
}

const labelNamed = (model: Model, name: string): Label | undefined => model.labels.find((label) => label.name.toLowerCase() === name.toLowerCase());

/** Changes tasks alike; it is said, of several where all see it, and can be taken back there. */
export function changeAll(workspace: OpenWorkspace, tasks: readonly Task[], change: Record<string, unknown>): void {
  const keys = workspace.submitAll(tasks.map(({ id }) => id), change);
  if (tasks.length > 1) toast(`${tasks.length} tasks were changed`, undefined, { label: "Undo", run: () => workspace.undo(keys), undoes: keys });
  else tell(workspace, tasks, change);
}

/** Assigns a task to oneself, or no more, and what is selected with it. */
export function takeOrGiveBack(workspace: OpenWorkspace, task: Task): void {
  const isMine = task.assignees.some(({ id }) => id === workspace.myId);
  changeAll(workspace, targetsOf(task, workspace.model()), { [isMine ? "removeAssigneeIds" : "addAssigneeIds"]: [workspace.myId] });
}

/** Says a change of one task; of several it is not read out one by one. */
function tell(workspace: OpenWorkspace, tasks: readonly Task[], change: Record<string, unknown>): void {
  const [task] = tasks;
  if (task && tasks.length === 1) announce(sentenceOf(task, change, workspace.model(), workspace.myId));
}

/** Archives tasks, or takes them out where they are archived, as one; it is said, and can be taken back there. */
export function archiveAll(workspace: OpenWorkspace, tasks: readonly Task[]): void {
  const [first] = tasks;
  if (!first) return;
  const isArchived = first.archivedAt !== null;
  const keys = workspace.submitEach(isArchived ? "restoreTask" : "archiveTask", tasks.map(({ id }) => ({ id })));
  const said = tasks.length > 1 ? `${tasks.length} tasks were` : `“${first.title}” was`;
  toast(`${said} ${isArchived ? "taken out of the archive" : "archived"}`, undefined, { label: "Undo", run: () => workspace.undo(keys), undoes: keys });
}

/** Moves a task to the end of another column, and says so. */
export function moveTo(workspace: OpenWorkspace, task: Task, statusId: string): void {
  if (task.status.id === statusId) return;
  workspace.submit("moveTask", { id: task.id, statusId, position: { edge: "LAST" } });
  tell(workspace, [task], { statusId });
}
