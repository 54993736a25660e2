/**
 * One task beside the board: every field, each saved by itself, with what people say and what they changed.
 *
 * Invariant: a field that somebody is typing in is never overwritten. It is sent with the version that the typing began
 * from, so what somebody else wrote meanwhile comes back as a conflict and not as a loss.
 */
import { ChevronDown, ChevronUp, Link2, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useQuery } from "urql";
import { Link } from "wouter";
import { isLate, PRIORITY_NAMES } from "../board/arrange";
import { archiveAll, moveTo } from "../board/changes";
import { focusCard } from "../board/focus";
import { TaskChoices } from "../board/QuickMenu";
import type { QuickKind } from "../board/quick-keys";
import { isTyping } from "../board/typing";
import { may, mayRestore, type Model, type Task } from "../data/model";
import { TaskByKeyDocument, type ActivityMode, type ChangedField } from "../gql/graphql";
import { Viewers } from "../presence/Presence";
import { useTelling } from "../presence/use";
import { Avatar, Button, Dot, Empty, INPUT, Loading } from "../ui/controls";
import { dayAlone, dayOf, dayWithin } from "../ui/day";
import { useDraft, useDraftsWith } from "../ui/drafts";
import { Menu } from "../ui/menu";
import { useToday } from "../ui/time";
import { toast } from "../ui/toasts";
import { useModel, useWorkspace } from "../workspace/context";
import { Comments } from "./Comments";
import { FollowMenu, useExtras, useTaskReactions } from "./Follow";
import { History } from "./History";
import { isOfComments, Leftovers, watchFields } from "./Leftovers";
import { whoSees } from "./mentions";
import { AddReaction, Reactions } from "./Reactions";
import { Description, Title } from "./Texts";

interface PanelProps {
  task: Task | undefined;
  /** What the address names, also where no task is called so. */
  taskKey: string;
  slug: string;
  order: readonly Task[];
  onClose: () => void;
  onOpen: (task: Task) => void;
}

/** The tasks that were open here, by the address: what they were and what was typed there is found where one of them has gone. */
const opened = new Map<string, Task>();

/** Who has taken away a task that was open, by its id. */
const removers = new Map<string, string>();

export default function TaskPanel({ task, taskKey, slug, order, onClose, onOpen }: PanelProps) {
  const workspace = useWorkspace();
  const model = useModel();
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    // Whose field has gone together with the task goes on in what is left of it.
    if (!document.activeElement?.closest("[data-holds-keys]")) panel.current?.focus();
    return watchFields();
  }, []);
  useEffect(() => void (task && opened.set(`${slug}/${taskKey}`, task)), [task, slug, taskKey]);
  useEffect(() => workspace.onEvents((events) => {
    for (const event of events) {
      if (event.__typename !== "TaskRemovedEvent" || event.taskId !== task?.id || !event.actor) continue;
      removers.set(event.taskId, event.actor.id === workspace.myId ? "You" : event.actor.name);
    }
  }), [workspace, task?.id]);
  const latest = useRef(onClose);
  useEffect(() => void (latest.current = onClose), [onClose]);
  useEffect(() => {
    // What had the focus may be gone, as a button is that has done its work: Escape closes the panel all the same.
    const keyed = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented && event.target === document.body && !isTyping(event)) latest.current();
    };
    addEventListener("keydown", keyed);
    return () => removeEventListener("keydown", keyed);
  }, []);
  const at = task ? order.findIndex(({ id }) => id === task.id) : -1;
  const [previous, next] = [order[at - 1], at < 0 ? undefined : order[at + 1]];
  return (
    <aside ref={panel} data-panel tabIndex={-1} aria-label={task ? `Task ${task.key}` : "Task"}
      className="group/panel fixed inset-0 z-40 flex flex-col overflow-y-auto border-l border-line bg-surface outline-hidden md:left-auto md:w-[28rem] md:shrink-0 md:max-[68.75rem]:absolute md:max-[68.75rem]:shadow-2xl min-[68.75rem]:static"
      onKeyDown={(event) => event.key === "Escape" && !event.defaultPrevented && onClose()}>
      {/* A frame around all of the panel would be cut off below this header: it tells the keyboard's place by itself. */}
      <header className="sticky top-0 z-20 flex items-center gap-0.5 border-b border-line bg-surface px-3 py-1.5 group-focus-visible/panel:border-accent group-focus-visible/panel:shadow-[inset_0_-2px_0_var(--accent)]">
        <span className="mr-2 truncate text-sm font-medium text-dim">{(task ?? opened.get(`${slug}/${taskKey}`))?.key}</span>
        {task && <Viewers taskId={task.id} size={22} />}
        <span className="grow" />
        {task && <Tools task={task} />}
        <Button kind="quiet" aria-label="Previous task" disabled={!previous} onClick={() => previous && onOpen(previous)}><ChevronUp size={18} aria-hidden /></Button>
        <Button kind="quiet" aria-label="Next task" disabled={!next} onClick={() => next && onOpen(next)}><ChevronDown size={18} aria-hidden /></Button>
        <Button kind="quiet" aria-label="Close task" onClick={onClose}><X size={18} aria-hidden /></Button>
      </header>
      {task ? <Details task={task} model={model} neighbour={next ?? previous} onClose={onClose} onOpen={onOpen} /> : <Missing taskKey={taskKey} slug={slug} model={model} onOpen={onOpen} />}
    </aside>
  );
}

/** A task that is not called so: perhaps it was, before it went to another project, or it will be as soon as we have caught up. */
function Missing({ taskKey, slug, model, onOpen }: Pick<PanelProps, "taskKey" | "slug" | "onOpen"> & { model: Model }) {
  const [{ data, fetching }] = useQuery({ query: TaskByKeyDocument, variables: { slug, key: taskKey } });
  const named = data?.task;
  const task = named ? model.taskById.get(named.id) : undefined;
  useEffect(() => {
    // What was stored may be older than the address: its key would take the place of the newer one.
    if (task && named && task.version >= named.version) onOpen(task);
  }, [task, named]);
  const last = opened.get(`${slug}/${taskKey}`);
  const remover = last && removers.get(last.id);
  // To a guest a task that goes to a project of others is as good as deleted.
  const orMoved = model.me?.role === "GUEST" ? ", or moved it to where you may not see it" : "";
  const id = last?.id ?? taskKey;
  const drafts = useDraftsWith((part) => part === id);
  return (
    <div className="grid gap-4 p-4">
      {fetching || task ? <Loading what={taskKey} /> : (
        <Empty title={last ? `“${last.title}” is not here any more.` : "This task is not here."}>
          <p>{remover ? `${remover} deleted it${orMoved}.` : "It was deleted, or it is where you may not see it."}</p>
          {mayRestore(model) && <p><Link className="text-accent underline" href={`/w/${slug}/deleted`}>Deleted tasks</Link> can be restored for 30 days.</p>}
        </Empty>
      )}
      <Leftovers names={drafts} holdsKeys />
    </div>
  );
}

function Tools({ task }: { task: Task }) {
  const [extras] = useExtras(task);
  return (
    <>
      <FollowMenu task={task} extras={extras} />
      <Button kind="quiet" aria-label="Copy the link" title="Copy the link" onClick={() => void navigator.clipboard.writeText(location.href).then(() => toast("The link was copied"))}><Link2 size={17} aria-hidden /></Button>
    </>
  );
}

const IDLE_MS = 5_000; // who has not typed for so long is only looking

/** Tells others what this person does here, and gives what says so. */
function useDoing(task: Task, isThere: boolean): (mode: ActivityMode, field?: ChangedField) => (isOn: boolean) => void {
  const [doing, setDoing] = useState<{ mode: ActivityMode; field?: ChangedField }>({ mode: "VIEWING" });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useTelling(isThere ? { taskId: task.id, ...doing } : null);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (mode, field) => (isOn) => {
    clearTimeout(timer.current);
    setDoing(isOn ? { mode, ...(field ? { field } : {}) } : { mode: "VIEWING" });
    if (isOn) timer.current = setTimeout(() => setDoing({ mode: "VIEWING" }), IDLE_MS);
  };
}

interface DetailsProps {
  task: Task;
  model: Model;
  /** What the keys go on from where this task goes. */
  neighbour: Task | undefined;
  onClose: () => void;
  onOpen: (task: Task) => void;
}

function Details({ task, model, neighbour, onClose, onOpen }: DetailsProps) {
  const workspace = useWorkspace();
  const version = workspace.confirmedVersion(task.id);
  const doing = useDoing(task, version !== undefined);
  const people = useMemo(() => whoSees(model.members, task), [model.members, task]);
  const mayWrite = may(model, "TASK_WRITE");
  const parent = task.parent ? model.taskById.get(task.parent.id) : undefined;
  const mayComment = may(model, "COMMENT_WRITE");
  const texts = { task, version: version ?? 0, isFixed: !mayWrite };
  // Of what may not be written any more.
  const drafts = useDraftsWith((part) => part === task.id).filter((name) => !(isOfComments(name) ? mayComment : mayWrite));

  function remove(): void {
    const parts = model.subtasksOf.get(task.id)?.length ?? 0;
    const key = workspace.submit("deleteTask", { id: task.id });
    leave();
    toast(`“${task.title}” was deleted`, parts > 0 ? `${parts === 1 ? "1 subtask stays" : `${parts} subtasks stay`}.` : undefined, { label: "Undo", run: () => workspace.undo([key]), undoes: [key] });
  }
  function archive(): void {
    archiveAll(workspace, [task]);
    leave();
  }
  function leave(): void {
    onClose();
    if (neighbour) focusCard(neighbour.id);
    else document.querySelector<HTMLElement>("[aria-keyshortcuts=c]")?.focus(); // of no task: where the next one is made
  }

  return (
    <div className="grid grid-cols-1 gap-4 p-4">
      {task.archivedAt !== null && (
        <div className="flex flex-wrap items-center gap-2 rounded-lg bg-soft px-3 py-2 text-sm">
          <p className="grow">In the archive since {dayWithin(dayOf(task.archivedAt))}.</p>
          {mayWrite && <Button onClick={() => workspace.submit("restoreTask", { id: task.id })}>Take it out</Button>}
        </div>
      )}
      {parent && <p className="-mt-2 -mb-4"><Button kind="quiet" className="-ml-3 max-w-full text-dim" onClick={() => onOpen(parent)}><span className="truncate">Part of {parent.key} {parent.title}</span></Button></p>}
      <Title {...texts} onTyping={doing("EDITING", "TITLE")} />
      <Fields task={task} model={model} mayWrite={mayWrite} />
      <Description {...texts} people={people} onTyping={doing("EDITING", "DESCRIPTION")} />
      <TaskReactions task={task} isFixed={!mayComment} />
      <Subtasks task={task} model={model} mayWrite={mayWrite} onOpen={onOpen} />
      <Leftovers names={drafts} />
      <Talk task={task} model={model} onWriting={doing("COMMENTING")} />
      <div className="flex gap-2 border-t border-line pt-4">
        {mayWrite && task.archivedAt === null && <Button onClick={archive}>Archive</Button>}
        {may(model, "TASK_DELETE") && <Button kind="danger" onClick={remove}>Delete task</Button>}
      </div>
    </div>
  );
}

function Fields({ task, model, mayWrite }: { task: Task; model: Model; mayWrite: boolean }) {
  const workspace = useWorkspace();
  const update = (change: Record<string, unknown>): void => void workspace.submit("updateTask", { id: task.id, ...change });
  const day = useToday();
  const status = model.statusById.get(task.status.id);
  const project = model.projects.find(({ id }) => id === task.project?.id);
  return (
    <dl className="grid grid-cols-[5.5rem_minmax(0,1fr)] items-center gap-y-0.5 text-sm">
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
      <Choice name="Project" kind="project" task={task} model={model} mayWrite={mayWrite}>{project ? <><Dot color={project.color} />{project.name}</> : "None"}</Choice>
      <dt className="text-dim">Start</dt><dd><Day label="Start date" value={task.startDate} isFixed={!mayWrite} onChange={(startDate) => update({ startDate })} /></dd>
      <dt className="text-dim">Due</dt><dd data-field="due" className="scroll-mt-12"><Day label="Due date" value={task.dueDate} isLate={isLate(task, day)} isFixed={!mayWrite} onChange={(dueDate) => update({ dueDate })} /></dd>
    </dl>
  );
}

/** A day in words, until the person goes there to change it: the browser's own field writes it in numbers. */
function Day({ label, value, isLate = false, isFixed, onChange }: { label: string; value: string | null; isLate?: boolean; isFixed: boolean; onChange: (day: string | null) => void }) {
  const now = useToday();
  return (
    <div className="relative">
      <input type="date" aria-label={label} value={value ?? ""} disabled={isFixed} onChange={(event) => onChange(event.target.value || null)}
        className="peer min-h-8 w-full rounded-lg border border-transparent bg-surface px-3 not-focus:text-transparent hover:border-line focus:border-line pointer-coarse:min-h-11" />
      <span aria-hidden className={`pointer-events-none absolute inset-y-0 left-3.25 flex items-center peer-focus:hidden forced-colors:hidden ${value ? (isLate ? "text-bad" : "") : "text-dim"}`}>{value ? dayAlone(value, now) : "None"}{isLate && " (late)"}</span>
    </div>
  );
}

function Choice({ name, kind, task, model, mayWrite, children }: { name: string; kind: QuickKind; task: Task; model: Model; mayWrite: boolean; children: ReactNode }) {
  const shown = <span className="flex flex-wrap items-center gap-2">{children}</span>;
  return (
    <>
      <dt className="text-dim">{name}</dt>
      <dd data-field={kind} className="scroll-mt-12">{mayWrite ? <Menu label={name} trigger={<Button kind="quiet" className="w-full justify-start text-left"><span className="sr-only">{name}:</span>{shown}</Button>}><TaskChoices kind={kind} task={task} model={model} /></Menu> : <span className="flex min-h-8 items-center px-3">{shown}</span>}</dd>
    </>
  );
}

function TaskReactions({ task, isFixed }: { task: Task; isFixed: boolean }) {
  const [extras] = useExtras(task);
  const { reactions, react } = useTaskReactions(task, extras);
  const [isChoosing, setChoosing] = useState(false);
  return (
    <div className="-my-2 flex flex-wrap items-center gap-1">
      {!isFixed && <AddReaction className="-ml-1.5" isChoosing={isChoosing} onToggle={() => setChoosing(!isChoosing)} />}
      <Reactions reactions={reactions} isFixed={isFixed} isChoosing={isChoosing} onChosen={() => setChoosing(false)} onReact={react} />
    </div>
  );
}

function Subtasks({ task, model, mayWrite, onOpen }: { task: Task; model: Model; mayWrite: boolean; onOpen: (task: Task) => void }) {
  const workspace = useWorkspace();
  const subtasks = model.subtasksOf.get(task.id) ?? [];
  const { statuses } = model;
  const [done, open] = [statuses.find(({ category }) => category === "DONE"), statuses.find(({ category }) => category === "TODO") ?? statuses.find(({ category }) => category !== "DONE")];
  const isDone = (each: Task): boolean => model.statusById.get(each.status.id)?.category === "DONE";
  const [title, setTitle] = useDraft(`subtask.${task.id}`);
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (title.trim()) workspace.createTask({ title: title.trim(), parentId: task.id });
    setTitle("");
  }
  return (
    <section className="grid grid-cols-1 gap-1.5" aria-label="Subtasks">
      <h2 className="text-sm font-semibold">Subtasks {subtasks.length > 0 && <span className="ml-1 font-normal text-dim">{subtasks.filter(isDone).length} of {subtasks.length} done</span>}</h2>
      <ul className="grid grid-cols-1">
        {subtasks.map((each) => (
          <li key={each.id} className="flex items-center">
            {mayWrite && done && open && (
              <label className="flex min-h-8 shrink-0 items-center justify-center pl-1 pointer-coarse:min-h-11 pointer-coarse:min-w-11">
                <input type="checkbox" className="size-4" aria-label={`Done: ${each.title}`} checked={isDone(each)} onChange={() => moveTo(workspace, each, (isDone(each) ? open : done).id)} />
              </label>
            )}
            <Button kind="quiet" className="min-w-0 grow justify-start" onClick={() => onOpen(each)}><Dot color={model.statusById.get(each.status.id)?.color ?? "gray"} /><span className={`truncate ${isDone(each) ? "text-dim line-through" : ""}`}>{each.title}</span></Button>
          </li>
        ))}
      </ul>
      {mayWrite && (
        <form className="flex gap-2" onSubmit={submit}>
          <input value={title} onChange={(event) => setTitle(event.target.value)} aria-label="New subtask" placeholder="New subtask" maxLength={500} className={INPUT} autoComplete="off" />
          <Button type="submit">Add</Button>
        </form>
      )}
    </section>
  );
}

/** What people say, or what they changed. */
function Talk({ task, model, onWriting }: { task: Task; model: Model; onWriting: (isWriting: boolean) => void }) {
  const [isHistory, setHistory] = useState(false);
  const count = model.commentsOf.get(task.id)?.length ?? 0;
  return (
    <section aria-label="Comments and history" className="grid grid-cols-1 gap-3 border-t border-line pt-4">
      <div role="group" aria-label="Show" className="flex gap-1">
        <Button kind={isHistory ? "quiet" : "plain"} aria-pressed={!isHistory} onClick={() => setHistory(false)}>Comments {count > 0 && <span className="font-normal text-dim">{count}</span>}</Button>
        <Button kind={isHistory ? "plain" : "quiet"} aria-pressed={isHistory} onClick={() => setHistory(true)}>History</Button>
      </div>
      {isHistory ? <History task={task} model={model} /> : <Comments task={task} model={model} onWriting={onWriting} />}
    </section>
  );
}
