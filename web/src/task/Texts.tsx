/** The title and the description of a task: typed, guarded against what others type, and saved. */
import { Pencil } from "lucide-react";
import { useEffect, useState } from "react";
import type { Membership, Task } from "../data/model";
import type { WorkspaceEvent } from "../data/server";
import type { OpenWorkspace } from "../data/workspace";
import { EditedBy } from "../presence/Presence";
import { useEditorOf } from "../presence/use";
import { Button } from "../ui/controls";
import { useFocusBack } from "../ui/focus-left";
import { toast } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";
import { showConflict, useConflicts, whoElse, type Conflict } from "./conflict";
import { SAVE_KEY } from "./keys";
import { Markdown } from "./Markdown";
import { MentionArea } from "./MentionArea";
import { toKept, toTyped } from "./mentions";
import { useTyped, type TypedText } from "./typed";

interface TextProps {
  task: Task;
  version: number;
  isFixed: boolean;
  /** Called at every key, and with false when the typing ends. */
  onTyping: (isTyping: boolean) => void;
}

/** A line that is saved when one leaves it or presses Enter; Escape takes back what was typed. A reload keeps it, to be saved or not. */
export function Title({ task, version, isFixed, onTyping }: TextProps) {
  const workspace = useWorkspace();
  const typed = useTyped(task.title, version, `title.${task.id}`);
  const [isFocused, setFocused] = useState(false);
  const editor = useEditorOf(task.id, "TITLE");
  function save(): void {
    if (isFixed) return; // what was typed before it was is kept
    const title = typed.text.trim();
    if (typed.isTyping && title && title !== task.title) workspace.submit("updateTask", { id: task.id, title }, typed.base);
    end();
  }
  function end(): void {
    typed.stop();
    onTyping(false);
  }
  return (
    <div className="grid grid-cols-1 gap-1">
      <textarea aria-label="Title" rows={1} maxLength={500} readOnly={isFixed} value={isFixed ? task.title : typed.text}
        className={`-mx-3 field-sizing-content min-h-9 w-[calc(100%+1.5rem)] resize-none rounded-lg border bg-surface px-3 py-1.5 text-xl leading-snug font-semibold text-text ${editor ? "border-accent" : "border-transparent hover:border-line focus:border-line"}`}
        onFocus={() => { setFocused(true); if (!isFixed) onTyping(true); }}
        onChange={(event) => { typed.type(event.target.value.replaceAll("\n", " ")); onTyping(true); }}
        onBlur={() => { setFocused(false); save(); }}
        onKeyDown={(event) => {
          if (event.key === "Enter") { event.preventDefault(); save(); }
          if (event.key === "Escape" && !isFixed && typed.isTyping) { event.preventDefault(); end(); }
        }} />
      <EditedBy taskId={task.id} field="TITLE" what="the title" className="last:-mb-4" />
      {!isFixed && typed.isTyping && !isFocused && (
        <div role="status" className="flex items-center gap-2 rounded-lg border border-warn px-3 py-1.5 text-sm">
          <span className="grow">The title is not saved yet.</span>
          <Button onClick={save}>Save title</Button>
          <Button onClick={end}>Take back</Button>
        </div>
      )}
      {!isFixed && <Overtaken typed={typed} value={task.title} task={task} what="title" />}
      <Undecided task={task} isHere={(conflict) => !isOfDescription(conflict)} />
    </div>
  );
}

/** What somebody else has made of a text in which this person is typing. */
function Overtaken({ typed, value, task, what }: { typed: TypedText; value: string; task: Task; what: "title" | "description" }) {
  const writer = useWriter(task, what);
  const isOwn = writer?.id === useWorkspace().myId;
  if (!typed.isOvertaken) return null;
  return (
    <div role="status" className="appear grid gap-1.5 rounded-lg border border-warn px-3 py-2 text-sm">
      <p><span className="font-medium text-warn">{isOwn ? "You changed it elsewhere." : `${writer?.name ?? "Somebody"} changed it meanwhile.`}</span> The {what} is now:</p>
      <p className="max-h-28 overflow-y-auto wrap-anywhere whitespace-pre-wrap">{value || "empty"}</p>
      <div className="flex gap-2">
        <Button onPointerDown={(event) => event.preventDefault()} onClick={typed.rebase}>{isOwn ? "Go on with this" : "Go on with mine"}</Button>
        <Button onPointerDown={(event) => event.preventDefault()} onClick={typed.stop}>{isOwn ? "Take the other" : "Take theirs"}</Button>
      </div>
    </div>
  );
}

/** Who wrote what now stands in a text; null where that was not told here, as it came with all else after a time without a network. */
function useWriter(task: Task, what: "title" | "description"): { readonly id: string; readonly name: string } | null {
  const workspace = useWorkspace();
  const [last, setLast] = useState<{ readonly text: string; readonly by: NonNullable<WorkspaceEvent["actor"]> } | null>(null);
  useEffect(() => workspace.onEvents((events) => {
    for (const event of events) {
      if (event.__typename !== "TaskUpdatedEvent" || event.taskId !== task.id || !event.task || !event.actor) continue;
      if (event.changes.some(({ field }) => field === what.toUpperCase())) setLast({ text: event.task[what], by: event.actor });
    }
  }), [workspace, task.id, what]);
  return last?.text === task[what] ? last.by : null;
}

const isOfDescription = ({ reason }: Conflict): boolean => reason.conflicts.some(({ field }) => field === "DESCRIPTION");

/** A change of this task that was not saved, as somebody else had changed the same; of what `isHere`. */
function Undecided({ task, isHere }: { task: Task; isHere: (conflict: Conflict) => boolean }) {
  const conflict = useConflicts(({ all, shownKey }) => all.find((each) => each.entityId === task.id && each.key !== shownKey && isHere(each)));
  const { myId } = useWorkspace();
  if (!conflict) return null;
  const who = whoElse(conflict, myId);
  return (
    <div className="flex items-center gap-2 rounded-lg border border-warn px-3 py-1.5 text-sm">
      <span className="grow">What you wrote was not saved: {who ? `${who} wrote there, too` : "you wrote there elsewhere, too"}.</span>
      <Button onClick={() => showConflict(conflict.key)}>Choose</Button>
    </div>
  );
}

/** Says that what was saved under this key, if it was, is not only what was written here. `theirs` are in it. */
function tellMerge(workspace: OpenWorkspace, key: string, taskId: string, written: string, theirs: string): void {
  const stop = workspace.subscribe(() => {
    if (workspace.waiting.some((operation) => operation.key === key)) return;
    stop();
    const row = workspace.confirmed(taskId) as Task | undefined;
    const isRefused = useConflicts.getState().all.some((conflict) => conflict.key === key);
    if (row && !isRefused && row.description !== written) toast("The description is saved", `${theirs} in it, too.`);
  });
}

/** Markdown, written with a preview; what is not saved yet stays over a reload. */
export function Description({ task, version, isFixed, onTyping, people }: TextProps & { people: readonly Membership[] }) {
  const workspace = useWorkspace();
  const value = toTyped(task.description, people);
  const typed = useTyped(value, version, `description.${task.id}`);
  const [isPreview, setPreview] = useState(false);
  const editor = useEditorOf(task.id, "DESCRIPTION");
  const isTyping = !isFixed && typed.isTyping;
  const edit = useFocusBack(isTyping);
  const writer = useWriter(task, "description");
  useEffect(() => {
    if (!isTyping) setPreview(false);
  }, [isTyping]);
  function save(): void {
    if (typed.text !== value) {
      const description = toKept(typed.text, people);
      const key = workspace.submit("updateTask", { id: task.id, description }, typed.base);
      if (typed.isOvertaken) tellMerge(workspace, key, task.id, description, writer?.id === workspace.myId ? "What you changed elsewhere is" : `${writer?.name ?? "Somebody"}’s changes are`);
    }
    end();
  }
  function end(): void {
    typed.stop();
    onTyping(false);
  }
  return (
    <section className="grid grid-cols-1 gap-2" aria-label="Description">
      <div className="flex min-h-8 items-center justify-between gap-2">
        <h2 className="text-sm font-semibold">Description</h2>
        <EditedBy taskId={task.id} field="DESCRIPTION" what="the description" className="grow" />
        {!isFixed && !isTyping && <Button ref={edit} kind="quiet" onClick={() => { typed.type(value); onTyping(true); }}><Pencil size={14} aria-hidden />Edit<span className="sr-only"> description</span></Button>}
        {isTyping && <Button kind="quiet" onClick={() => setPreview(!isPreview)}>{isPreview ? "Write" : "Preview"}</Button>}
      </div>
      <Undecided task={task} isHere={isOfDescription} />
      {isTyping ? (
        <>
          {isPreview ? <div className="min-h-28 rounded-lg border border-line px-3 py-1.5 text-sm"><Markdown text={toKept(typed.text, people)} /></div> : (
            <MentionArea label="Description" people={people} autoFocus rows={6} maxLength={100_000} className={editor ? "ring-2 ring-accent" : ""} value={typed.text}
              onText={(text) => { typed.type(text); onTyping(true); }} onBlur={() => onTyping(false)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save(); }
                if (event.key === "Escape") { event.preventDefault(); if (typed.text === value) end(); else event.currentTarget.blur(); }
              }} />
          )}
          <Overtaken typed={typed} value={value} task={task} what="description" />
          <div className="flex items-center gap-2">
            <Button kind="primary" onClick={save}>Save description</Button>
            <Button onClick={end}>Cancel</Button>
            <span className="text-xs text-dim">Markdown.<span className="pointer-coarse:hidden"> {SAVE_KEY}</span></span>
          </div>
        </>
      ) : task.description ? <div className="text-sm"><Markdown text={task.description} /></div> : <p className="text-sm text-dim">None yet.</p>}
    </section>
  );
}
