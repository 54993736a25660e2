/** What a new task is given beside its title; it is seen to when the title is there already, so its script comes later. */
import { ChevronDown } from "lucide-react";
import type { ReactNode } from "react";
import type { Label, Model } from "../data/model";
import { Avatar, Dot, INPUT, Select } from "../ui/controls";
import { dayAlone } from "../ui/day";
import { Menu } from "../ui/menu";
import { useToday } from "../ui/time";
import { PRIORITY_NAMES } from "./arrange";
import type { Change } from "./changes";
import { Choices, type Chosen } from "./QuickMenu";
import type { QuickKind } from "./quick-keys";

interface FieldsProps {
  chosen: Chosen;
  /** With those members alone who see the task. */
  model: Pick<Model, "statuses" | "projects" | "members" | "labels" | "me">;
  onChange: (change: Change) => void;
  onLabelMade: (label: Label) => void;
}

export default function NewTaskFields({ chosen, model, onChange, onLabelMade }: FieldsProps) {
  const day = useToday();
  const choice = (label: string, kind: QuickKind, shown: ReactNode): ReactNode => (
    <div className="grid grid-cols-1 content-start gap-1">
      <span aria-hidden className="text-sm font-medium">{label}</span>
      <Menu label={label} trigger={(
        <button type="button" className={`${INPUT} flex items-center gap-2 text-left`}>
          <span className="sr-only">{label}:</span>
          <span className="flex min-w-0 grow flex-wrap gap-x-2">{shown}</span>
          <ChevronDown size={16} aria-hidden className="shrink-0" />
        </button>
      )}>
        <Choices kind={kind} chosen={chosen} model={model} whose="The new task has" onChange={onChange} onLabelMade={onLabelMade} />
      </Menu>
    </div>
  );
  const part = (id: string, picture: ReactNode, name: string): ReactNode => <span key={id} className="inline-flex max-w-full items-center gap-1.5">{picture}<span className="truncate">{name}</span></span>;
  const projects = model.projects.filter(({ archivedAt }) => !archivedAt);
  const lost = chosen.project && !projects.some(({ id }) => id === chosen.project?.id) ? chosen.project : undefined;
  const people = model.members.filter(({ user }) => chosen.assignees.some(({ id }) => id === user.id));
  const labels = model.labels.filter((label) => chosen.labels.some(({ id }) => id === label.id));
  return (
    <div className="grid grid-cols-2 gap-3">
      <Select label="Status" value={chosen.status.id} onChange={(event) => onChange({ statusId: event.target.value })}>
        {model.statuses.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
      </Select>
      <Select label="Project" value={chosen.project?.id ?? ""} aria-invalid={Boolean(lost)} onChange={(event) => onChange({ projectId: event.target.value || null })}>
        {lost && <option value={lost.id} disabled>Choose…</option>}
        {model.me?.role !== "GUEST" && <option value="">No project</option>}
        {projects.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
      </Select>
      {choice("Assignees", "assignees", chosen.assignees.length ? people.map(({ user: { id, name } }) => part(id, <Avatar id={id} name={name} size={20} />, name)) : "Nobody")}
      {choice("Priority", "priority", PRIORITY_NAMES[chosen.priority])}
      {choice("Labels", "labels", chosen.labels.length ? labels.map(({ id, name, color }) => part(id, <Dot color={color} />, name)) : "None")}
      {choice("Due date", "due", chosen.dueDate ? dayAlone(chosen.dueDate, day) : "No day")}
    </div>
  );
}
