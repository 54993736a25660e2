/**
 * One task beside the board: every field, each saved by itself.
 *
 * Invariant: a field that somebody is typing in is never overwritten. It is sent with the version that the typing began
 * from, so what somebody else wrote meanwhile comes back as a conflict and not as a loss.
 */
import { ChevronDown, ChevronUp, X } from "lucide-react";
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { PRIORITY_NAMES } from "../board/arrange";
import { TaskChoices, type QuickKind } from "../board/QuickMenu";
import { may, type Model, type Task } from "../data/model";
import { Avatar, Button, Dot, Empty, INPUT } from "../ui/controls";
import { Menu } from "../ui/menu";
import { toast } from "../ui/toasts";
import { useModel, useWorkspace } from "../workspace/context";
import { ConflictDialog } from "./ConflictDialog";
import { History } from "./History";
import { Markdown } from "./Markdown";

interface PanelProps {
  task: Task | undefined;
  slug: string;
  order: readonly Task[];
  onClose: () => void;
  onOpen: (task: Task) => void;
}

export default function TaskPanel({ task, order, onClose, onOpen }: PanelProps) {
  const model = useModel();
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.focus(), []);
  const at = task ? order.findIndex(({ id }) => id === task.id) : -1;
  const [previous, next] = [order[at - 1], at < 0 ? undefined : order[at + 1]];
  return (
    <aside ref={panel} tabIndex={-1} aria-label={task ? `Task ${task.key}` : "Task"}
      className="fixed inset-0 z-40 flex flex-col overflow-y-auto border-l border-line bg-surface outline-none md:static md:w-[26rem] md:shrink-0"
      onKeyDown={(event) => event.key === "Escape" && !event.defaultPrevented && onClose()}>
      <header className="sticky top-0 flex items-center gap-1 border-b border-line bg-surface px-3 py-2">
        <span className="grow text-sm text-dim">{task?.key}</span>
        <Button kind="quiet" aria-label="Previous task" disabled={!previous} onClick={() => previous && onOpen(previous)}><ChevronUp size={18} aria-hidden /></Button>
        <Button kind="quiet" aria-label="Next task" disabled={!next} onClick={() => next && onOpen(next)}><ChevronDown size={18} aria-hidden /></Button>
        <Button kind="quiet" aria-label="Close task" onClick={onClose}><X size={18} aria-hidden /></Button>
      </header>
      {task ? <Details task={task} model={model} onClose={onClose} onOpen={onOpen} /> : <Empty title="This task is not here."><p>It was deleted, or it is where you may not see it.</p></Empty>}
      <ConflictDialog />
    </aside>
  );
}

function Details({ task, model, onClose, onOpen }: { task: Task; model: Model; onClose: () => void; onOpen: (task: Task) => void }) {
  const workspace = useWorkspace();
  const mayWrite = may(model, "TASK_WRITE");
  const update = (change: Record<string, unknown>): void => workspace.submit("updateTask", { id: task.id, ...change });
  const status = model.statusById.get(task.status.id);
  const project = model.projects.find(({ id }) => id === task.project?.id);
  const subtasks = model.subtasksOf.get(task.id) ?? [];

  function remove(): void {
    workspace.submit("deleteTask", { id: task.id });
    onClose();
    toast(`“${task.title}” was deleted`, undefined, { label: "Undo", run: () => workspace.submit("restoreTask", { id: task.id }) });
  }

  return (
    <div className="grid gap-4 p-4">
      <TextField label="Title" value={task.title} version={version(workspace, task)} isFixed={!mayWrite} onSave={(title, base) => title.trim() && workspace.submit("updateTask", { id: task.id, title: title.trim() }, base)} />
      <dl className="grid grid-cols-[6rem_1fr] items-center gap-y-1.5 text-sm">
        <Choice name="Status" kind="status" task={task} model={model} mayWrite={mayWrite}>{status && <><Dot color={status.color} />{status.name}</>}</Choice>
        <Choice name="Priority" kind="priority" task={task} model={model} mayWrite={mayWrite}>{PRIORITY_NAMES[task.priority]}</Choice>
        <Choice name="Assignees" kind="assignees" task={task} model={model} mayWrite={mayWrite}>
          {task.assignees.map(({ id }) => { const name = model.members.find(({ user }) => user.id === id)?.user.name ?? "Somebody"; return <span key={id} className="inline-flex items-center gap-1"><Avatar id={id} name={name} size={20} />{name}</span>; })}
          {task.assignees.length === 0 && "Nobody"}
        </Choice>
        <Choice name="Labels" kind="labels" task={task} model={model} mayWrite={mayWrite}>
          {task.labels.map(({ id }) => { const label = model.labelById.get(id); return label && <span key={id} className="inline-flex items-center gap-1"><Dot color={label.color} />{label.name}</span>; })}
          {task.labels.length === 0 && "None"}
        </Choice>
        <dt className="text-dim">Project</dt><dd className="px-3">{project?.name ?? "None"}</dd>
        <dt className="text-dim">Start</dt><dd><input type="date" aria-label="Start date" className={INPUT} value={task.startDate ?? ""} disabled={!mayWrite} onChange={(event) => update({ startDate: event.target.value || null })} /></dd>
        <dt className="text-dim">Due</dt><dd><input type="date" aria-label="Due date" className={INPUT} value={task.dueDate ?? ""} disabled={!mayWrite} onChange={(event) => update({ dueDate: event.target.value || null })} /></dd>
      </dl>
      <Description task={task} version={version(workspace, task)} isFixed={!mayWrite} onSave={(description, base) => workspace.submit("updateTask", { id: task.id, description }, base)} />
      <section className="grid gap-2">
        <h2 className="text-sm font-semibold">Subtasks</h2>
        <ul className="grid gap-1">
          {subtasks.map((each) => (
            <li key={each.id}><Button kind="quiet" className="w-full justify-start" onClick={() => onOpen(each)}><Dot color={model.statusById.get(each.status.id)?.color ?? "gray"} /><span className="truncate">{each.title}</span></Button></li>
          ))}
        </ul>
        {mayWrite && <NewSubtask onCreate={(title) => workspace.createTask({ title, parentId: task.id })} />}
      </section>
      <details className="rounded-xl border border-line p-3">
        <summary className="cursor-pointer text-sm font-semibold">History</summary>
        <div className="pt-2"><History task={task} model={model} /></div>
      </details>
      {may(model, "TASK_DELETE") && <div><Button kind="danger" onClick={remove}>Delete task</Button></div>}
    </div>
  );
}

const version = (workspace: ReturnType<typeof useWorkspace>, task: Task): number => workspace.confirmedVersion(task.id) ?? 0;

function Choice({ name, kind, task, model, mayWrite, children }: { name: string; kind: QuickKind; task: Task; model: Model; mayWrite: boolean; children: ReactNode }) {
  const shown = <span className="flex flex-wrap items-center gap-2">{children}</span>;
  return (
    <>
      <dt className="text-dim">{name}</dt>
      <dd>{mayWrite ? <Menu label={name} trigger={<Button kind="quiet" className="w-full justify-start text-left"><span className="sr-only">{name}:</span>{shown}</Button>}><TaskChoices kind={kind} task={task} model={model} /></Menu> : <span className="px-3">{shown}</span>}</dd>
    </>
  );
}

/** A line that is saved when one leaves it or presses Enter; Escape takes back what was typed. */
function TextField({ label, value, version, isFixed, onSave }: { label: string; value: string; version: number; isFixed: boolean; onSave: (text: string, base: number) => void }) {
  const [typed, setTyped] = useState<{ text: string; base: number } | null>(null);
  function save(): void {
    if (typed && typed.text !== value) onSave(typed.text, typed.base);
    setTyped(null);
  }
  return (
    <textarea aria-label={label} rows={2} maxLength={500} readOnly={isFixed} className={`${INPUT} field-sizing-content resize-none text-lg font-semibold`} value={typed?.text ?? value}
      onChange={(event) => setTyped((now) => ({ text: event.target.value.replaceAll("\n", " "), base: now?.base ?? version }))}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.key === "Enter") { event.preventDefault(); save(); }
        if (event.key === "Escape" && typed) { event.preventDefault(); setTyped(null); }
      }} />
  );
}

function Description({ task, version, isFixed, onSave }: { task: Task; version: number; isFixed: boolean; onSave: (text: string, base: number) => void }) {
  const [typed, setTyped] = useState<{ text: string; base: number } | null>(null);
  return (
    <section className="grid gap-2">
      <div className="flex items-center justify-between">
        <h2 className="text-sm font-semibold">Description</h2>
        {!isFixed && !typed && <Button kind="quiet" onClick={() => setTyped({ text: task.description, base: version })}>Edit description</Button>}
      </div>
      {typed ? (
        <>
          <textarea aria-label="Description" autoFocus rows={8} maxLength={100_000} className={INPUT} value={typed.text} onChange={(event) => setTyped({ ...typed, text: event.target.value })} onKeyDown={(event) => event.key === "Escape" && event.preventDefault()} />
          <div className="flex gap-2">
            <Button kind="primary" onClick={() => { if (typed.text !== task.description) onSave(typed.text, typed.base); setTyped(null); }}>Save description</Button>
            <Button onClick={() => setTyped(null)}>Cancel</Button>
          </div>
        </>
      ) : task.description ? <Markdown text={task.description} /> : <p className="text-sm text-dim">None yet.</p>}
    </section>
  );
}

function NewSubtask({ onCreate }: { onCreate: (title: string) => void }) {
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const title = String(new FormData(event.currentTarget).get("title")).trim();
    if (title) onCreate(title);
    event.currentTarget.reset();
  }
  return (
    <form className="flex gap-2" onSubmit={submit}>
      <input name="title" aria-label="New subtask" placeholder="New subtask" maxLength={500} className={INPUT} autoComplete="off" />
      <Button type="submit">Add</Button>
    </form>
  );
}
