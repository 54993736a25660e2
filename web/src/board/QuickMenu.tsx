/** The menu that a key opens on the task in focus: who, where, how urgent, which labels, until when. */
import { useLayoutEffect } from "react";
import { useAct } from "../data/act";
import { may, type Label, type Model, type Task } from "../data/model";
import { Avatar, Dot } from "../ui/controls";
import { AnyOf, Menu, OneOf, Typed } from "../ui/menu";
import { isSame } from "../sync/undo";
import { toast } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";
import { dayAfter, PRIORITIES, PRIORITY_NAMES, today } from "./arrange";
import { changeAll, isNews, moveTo, tell, type Change } from "./changes";
import { elementOf, focusCard, holdCard } from "./focus";
import { useQuick } from "./quick";
import { QUICK_KEYS, type QuickKind } from "./quick-keys";
import { targetsOf } from "./selection";

export default function QuickMenu({ model }: { model: Model }) {
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
  const many = targets.length > 1 ? `${targets.length} tasks` : "";
  return (
    <Menu label={`${kind} of ${many || task.title}`} byKey={{ heading: `${name}: ${many || task.key || task.title}`, side }} open onOpenChange={(isOpen) => !isOpen && close()}
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
  const ofAll = (partsOf: (task: Task) => readonly Ref[]): readonly Ref[] =>
    partsOf(task).filter(({ id }) => targets.every((each) => partsOf(each).some((one) => one.id === id)));
  function change(to: Change): void {
    if (to.statusId && targets.length === 1) moveTo(workspace, task, to.statusId);
    else if (to.projectId === undefined) changeAll(workspace, targets, to);
    else {
      const move = { ...to, position: { edge: "LAST" } };
      for (const each of targets.filter((one) => isNews(one, to))) workspace.submit("moveTask", { id: each.id, ...move });
      tell(workspace, targets, move);
    }
  }
  const common = <Value,>(valueOf: (task: Task) => Value): Value | undefined => {
    const value = valueOf(task);
    return targets.every((each) => isSame(valueOf(each), value)) ? value : undefined;
  };
  const chosen = { status: common(({ status }) => status), priority: common(({ priority }) => priority), dueDate: common(({ dueDate }) => dueDate), project: common(({ project }) => project), assignees: ofAll(({ assignees }) => assignees), labels: ofAll(({ labels }) => labels) };
  return <Choices kind={kind} chosen={chosen} model={model} whose={targets.length > 1 ? `${targets.length} tasks have` : `${task.title} has`} onChange={change} />;
}

interface Ref {
  readonly id: string;
}

/** What is chosen for a task. */
export interface Chosen {
  readonly status: Ref;
  readonly priority: string;
  readonly dueDate: string | null;
  readonly project: Ref | null;
  readonly assignees: readonly Ref[];
  readonly labels: readonly Ref[];
}

interface ChoicesProps {
  kind: QuickKind;
  /** Undefined: what several do not have in common. */
  chosen: Pick<Chosen, "assignees" | "labels"> & { readonly [Field in "status" | "priority" | "dueDate" | "project"]: Chosen[Field] | undefined };
  model: Pick<Model, "statuses" | "projects" | "members" | "labels" | "me">;
  /** Who gets a label that is made here, like “2 tasks have”. */
  whose: string;
  onChange: (change: Change) => void;
  /** Before it is chosen; the model may hear of it later. */
  onLabelMade?: (label: Label) => void;
}

/** The choices for a field, in a menu. */
export function Choices({ kind, chosen, model, whose, onChange, onLabelMade }: ChoicesProps) {
  const workspace = useWorkspace();
  const act = useAct();
  if (kind === "status") {
    return <OneOf choices={model.statuses.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }))} value={chosen.status?.id} onChoose={(statusId) => onChange({ statusId })} />;
  }
  if (kind === "priority") {
    return <OneOf choices={PRIORITIES.map((id) => ({ id, label: PRIORITY_NAMES[id]! }))} value={chosen.priority} onChoose={(priority) => onChange({ priority })} />;
  }
  if (kind === "due") {
    const days = [["Today", 0], ["Tomorrow", 1], ["In a week", 7], ["In two weeks", 14]] as const;
    const choices = days.map(([label, after]) => ({ id: dayAfter(today(), after), label }));
    const choose = (day: string): void => onChange({ dueDate: day || null });
    return (
      <>
        <OneOf choices={[...choices, { id: "", label: "No day" }]} value={idOf(chosen.dueDate)} onChoose={choose} />
        <Typed ask="Another day…" label="Another day" type="date" value={chosen.dueDate ?? ""} offer={() => "Take this day"} onTake={choose} />
      </>
    );
  }
  if (kind === "project") {
    const open = model.projects.filter(({ id, archivedAt }) => !archivedAt || id === chosen.project?.id);
    const choices = open.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }));
    return <OneOf choices={[...choices, { id: "", label: "No project" }]} value={idOf(chosen.project && chosen.project.id)} onChoose={(id) => onChange({ projectId: id || null })} />;
  }
  if (kind === "assignees") {
    const choices = model.members.map(({ user }) => ({ id: user.id, label: user.name, icon: <Avatar id={user.id} name={user.name} size={20} /> }));
    return <AnyOf choices={choices} values={chosen.assignees.map(({ id }) => id)} onToggle={(id, isOn) => onChange(isOn ? { addAssigneeIds: [id] } : { removeAssigneeIds: [id] })} />;
  }
  const put = ({ id }: Label): void => onChange({ addLabelIds: [id] });
  const made = (label: Label): void => {
    onLabelMade?.(label);
    put(label);
  };
  const addLabel = (name: string): void => {
    const known = labelNamed(workspace.model(), name) ?? labelNamed(model, name);
    if (known) put(known);
    else void import("./new-label").then(({ createLabel }) => createLabel(act, workspace, name, whose, made), () => toast(`The label “${name}” was not created`, "There is no connection."));
  };
  const choices = model.labels.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }));
  return (
    <>
      <AnyOf choices={choices} values={chosen.labels.map(({ id }) => id)} none="There are no labels yet." onToggle={(id, isOn) => onChange(isOn ? { addLabelIds: [id] } : { removeLabelIds: [id] })} />
      {may(model, "PROJECT_ADMIN") && <Typed ask="New label…" label="Name of the new label" type="text" value="" maxLength={100} offer={(name) => `${labelNamed(model, name) ? "Add" : "Create label"} “${name}”`} onTake={addLabel} />}
    </>
  );
}

/** By which a choice is known; that of none is empty, and nothing is chosen where several differ. */
const idOf = (value: string | null | undefined): string | undefined => (value === null ? "" : value);

const labelNamed = (model: Pick<Model, "labels">, name: string): Label | undefined => model.labels.find((label) => label.name.toLowerCase() === name.toLowerCase());
