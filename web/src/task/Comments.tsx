/** What people say about a task: threads with answers, written, changed, resolved and reacted to in place. */
import { ArrowDown, Check, CornerUpLeft, Ellipsis, Pencil, RotateCcw, Trash2 } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState, type FormEvent } from "react";
import { useLocationProperty } from "wouter/use-browser-location";
import { useIsCutOff } from "../data/connection";
import { may, type Comment, type Membership, type Model, type Task } from "../data/model";
import { CommentedBy } from "../presence/Presence";
import { newId } from "../sync/ids";
import { Avatar, Button } from "../ui/controls";
import { useDraft, useDraftsWith } from "../ui/drafts";
import { Menu, MenuItem } from "../ui/menu";
import { useFocusBack } from "../ui/focus-left";
import { plainOf } from "../ui/plain";
import { Ago } from "../ui/time";
import { toast } from "../ui/toasts";
import { useModel, useWorkspace } from "../workspace/context";
import { useTyped, type TypedText } from "./typed";
import { useComments, type Thread } from "./use-comments";
import { Leftovers } from "./Leftovers";
import { Markdown } from "./Markdown";
import { MentionArea } from "./MentionArea";
import { toKept, toTyped, whoSees } from "./mentions";
import { AddReaction, Reactions } from "./Reactions";
import { SEND_KEY } from "./keys";

interface CommentsProps {
  task: Task;
  model: Model;
  /** Called while something is being written, and when that ends. */
  onWriting: (isWriting: boolean) => void;
}

export function Comments({ task, model, onWriting }: CommentsProps) {
  const { comments, threads, isLoading, isMissing } = useComments(task);
  const people = useMemo(() => whoSees(model.members, task), [model.members, task]);
  const mayWrite = may(model, "COMMENT_WRITE");
  const list = useRef<HTMLOListElement>(null);
  const unseen = useUnseen(comments, list, isLoading);
  const named = useNamed();
  const isNamedThere = comments.some(({ id }) => id === named);
  // Not before all is read: what comes above it would move it away.
  useEffect(() => {
    if (isNamedThere && !isLoading && list.current) placeOf(list.current, named)?.scrollIntoView({ block: "center" });
  }, [named, isNamedThere, isLoading]);
  const isThere = (id: string | undefined): boolean => threads.some((thread) => thread.id === id) || comments.some((comment) => comment.id === id);
  const drafts = useDraftsWith((part) => part === task.id).filter((name) => /^(answer|edit)\./.test(name) && !isThere(name.split(".")[2]));
  return (
    <div className="grid grid-cols-1 gap-3">
      {isLoading && comments.length === 0 && <p role="status" className="text-sm text-dim">Loading comments…</p>}
      {isMissing && <p className="text-sm text-warn">The server cannot be reached, so comments may be missing here.</p>}
      {!isLoading && !isMissing && comments.length === 0 && <p className="text-sm text-dim">Nobody has said anything yet.</p>}
      <ol ref={list} aria-label="Comments" className="grid grid-cols-1 gap-3">
        {threads.map((thread) => <li key={thread.id}><ThreadView thread={thread} task={task} people={people} mayWrite={mayWrite} onWriting={onWriting} /></li>)}
      </ol>
      {mayWrite && !isLoading && !isMissing && <Leftovers names={drafts} />}
      {unseen.length > 0 && (
        <button type="button" className="appear sticky bottom-3 mx-auto inline-flex min-h-8 items-center gap-1.5 rounded-full bg-accent px-3 text-sm font-medium text-accent-text shadow-lg pointer-coarse:min-h-11"
          onClick={() => list.current && placeOf(list.current, unseen[0]!)?.scrollIntoView({ block: "center", behavior: "smooth" })}>
          <ArrowDown size={15} aria-hidden />{unseen.length} new
        </button>
      )}
      <CommentedBy taskId={task.id} />
      {mayWrite && <Composer label="Write a comment" draft={`comment.${task.id}`} task={task} people={people} onWriting={onWriting} button="Comment" />}
    </div>
  );
}

function ThreadView({ thread: { id, first, answers }, task, people, mayWrite, onWriting }: { thread: Thread; task: Task; people: readonly Membership[]; mayWrite: boolean; onWriting: (isWriting: boolean) => void }) {
  const workspace = useWorkspace();
  const { nameById } = useModel();
  const [isOpen, setOpen] = useState(false);
  const draft = `answer.${task.id}.${id}`;
  const [kept] = useDraft(draft);
  const [answering, setAnswering] = useState<"asked" | "kept" | null>(null);
  const [editing, setEditing] = useState(0);
  const named = useNamed();
  const isNamed = id === named || answers.some((each) => each.id === named);
  const isResolved = Boolean(first?.resolvedAt);
  const wasClosedHere = useRef(false); // and the button that did it has gone with the focus
  // Somebody else may resolve it while this person writes in it.
  const isBusy = answering !== null || editing > 0;
  useEffect(() => setOpen(isBusy || isNamed), [isResolved, isNamed]);
  useEffect(() => {
    if (kept) setAnswering((before) => before ?? "kept");
  }, [kept]);
  const onEditing = useCallback((by: number) => setEditing((count) => count + by), []);
  const answer = mayWrite && first && first.version > 0 ? () => { setOpen(true); setAnswering("asked"); } : undefined;
  if (isResolved && !isOpen && !isBusy) {
    return (
      <div data-comments={[id, ...answers.map((each) => each.id)].join(" ")} className="flex items-center gap-2 rounded-xl border border-line px-3 py-1.5 text-sm text-dim">
        <Check size={15} aria-hidden className="text-good" /><span className="min-w-0 grow truncate">Resolved: {first && plainOf(first.body, (id) => nameById.get(id))}</span>
        <Button kind="quiet" className="shrink-0" ref={(show) => {
          if (show && wasClosedHere.current && document.activeElement === document.body) show.focus();
          wasClosedHere.current = false;
        }} onClick={() => setOpen(true)}>Show {answers.length + 1}</Button>
      </div>
    );
  }
  return (
    <div className="rounded-xl border border-line">
      {first ? (
        <CommentView comment={first} people={people} mayWrite={mayWrite} onEditing={onEditing} onAnswer={answer} isAnswering={answering !== null} onHide={isResolved && !isBusy ? () => { wasClosedHere.current = true; setOpen(false); } : undefined}
          onResolve={mayWrite ? () => { wasClosedHere.current = !isResolved; setOpen(false); workspace.submit("updateComment", { id, resolved: !isResolved }); } : undefined} />
      ) : <p className="px-3 pt-2 text-sm text-dim">The first comment was deleted.</p>}
      {answers.map((each) => <div key={each.id} className="border-t border-line pl-4"><CommentView comment={each} people={people} mayWrite={mayWrite} onEditing={onEditing} /></div>)}
      {mayWrite && answering && (
        <div className="border-t border-line p-3">
          <Composer label="Answer" draft={draft} parentId={id} task={task} people={people} onWriting={onWriting} button="Answer" isFocused={answering === "asked"} onDone={() => setAnswering(null)} />
        </div>
      )}
    </div>
  );
}

/** What gets the focus of a comment that goes: one beside it, or else the field for the next one. */
function besideComment(part: HTMLElement): HTMLElement | null | undefined {
  const section = part.closest("section");
  const all = [...(section?.querySelectorAll<HTMLElement>("article") ?? [])];
  const at = all.findIndex((each) => each.contains(part));
  return (all[at + 1] ?? all[at - 1])?.querySelector("button") ?? section?.querySelector<HTMLElement>("textarea");
}

interface CommentViewProps {
  comment: Comment;
  people: readonly Membership[];
  mayWrite: boolean;
  /** Called with 1 when it begins to be edited, and with -1 when that ends. */
  onEditing: (by: number) => void;
  onAnswer?: (() => void) | undefined;
  isAnswering?: boolean;
  onResolve?: (() => void) | undefined;
  onHide?: (() => void) | undefined;
}

const ICON = "px-1.5 text-dim";

function CommentView({ comment, people, mayWrite, onEditing, onAnswer, isAnswering = false, onResolve, onHide }: CommentViewProps) {
  const workspace = useWorkspace();
  const typed = useTyped(toTyped(comment.body, people), comment.version, `edit.${comment.task.id}.${comment.id}`);
  const [isAsked, setAsked] = useState(false); // to edit it, just now
  useEffect(() => {
    if (!typed.isTyping) return;
    onEditing(1);
    return () => onEditing(-1);
  }, [typed.isTyping, onEditing]);
  const [isReacting, setReacting] = useState(false);
  const isNamed = useNamed() === comment.id;
  const answerButton = useFocusBack(isAnswering);
  const moreButton = useFocusBack(typed.isTyping);
  const isMine = comment.author.id === workspace.myId;
  const isSent = comment.version > 0;
  const isCutOff = useIsCutOff();
  const name = people.find(({ user }) => user.id === comment.author.id)?.user.name ?? comment.author.name;
  function remove(): void {
    if (moreButton.current) besideComment(moreButton.current)?.focus();
    const key = workspace.submit("deleteComment", { id: comment.id });
    toast("Your comment was deleted", undefined, { label: "Undo", run: () => workspace.undo([key]), undoes: [key] });
  }
  return (
    <article data-comments={comment.id} aria-current={isNamed || undefined} aria-label={`Comment by ${name}`} className={`group appear grid gap-1.5 px-3 py-2.5 ${isNamed ? "rounded-xl bg-soft" : ""} ${isSent ? "" : "opacity-70"}`}>
      {/* On touch screens, where buttons are large, they go below a name that leaves them no room. */}
      <header className="flex min-h-7 items-center gap-x-2 text-sm pointer-coarse:flex-wrap">
        <span className="flex min-w-0 items-center gap-2">
          <Avatar id={comment.author.id} name={name} size={22} />
          <span className="truncate font-medium">{name}</span>
          {isSent ? <Ago at={comment.createdAt} className="shrink-0 text-xs text-dim" /> : <span className="shrink-0 text-xs text-dim">{isCutOff ? "Not sent yet" : "Sending…"}</span>}
          {comment.editedAt && <span className="shrink-0 text-xs text-dim" title={new Date(comment.editedAt).toLocaleString()}>edited</span>}
        </span>
        {isSent && (
          <span className="ml-auto flex shrink-0 opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100">
            {mayWrite && <AddReaction isChoosing={isReacting} onToggle={() => setReacting(!isReacting)} />}
            {onAnswer && <Button ref={answerButton} kind="quiet" className={ICON} aria-label="Answer" title="Answer" onClick={onAnswer}><CornerUpLeft size={15} aria-hidden /></Button>}
            {onResolve && <Button kind="quiet" className={ICON} aria-label={comment.resolvedAt ? "Reopen" : "Resolve"} title={comment.resolvedAt ? "Reopen" : "Resolve"} onClick={onResolve}>{comment.resolvedAt ? <RotateCcw size={15} aria-hidden /> : <Check size={15} aria-hidden />}</Button>}
            {isMine && mayWrite && (
              <Menu label="Comment" trigger={<Button ref={moreButton} kind="quiet" className={ICON} aria-label="More for this comment"><Ellipsis size={15} aria-hidden /></Button>}>
                <MenuItem onSelect={() => { setAsked(true); typed.type(typed.text); }}><Pencil size={15} aria-hidden />Edit</MenuItem>
                <MenuItem onSelect={remove}><Trash2 size={15} aria-hidden />Delete</MenuItem>
              </Menu>
            )}
          </span>
        )}
      </header>
      {mayWrite && typed.isTyping ? <Editor comment={comment} people={people} typed={typed} isFocused={isAsked} /> : <div className="text-sm"><Markdown text={comment.body} /></div>}
      {isSent && <Reactions reactions={comment.reactions} isFixed={!mayWrite} isChoosing={isReacting} onChosen={() => setReacting(false)} onReact={(emoji, isOn) => workspace.react(comment.id, emoji, isOn)} />}
      {onHide && <div><Button kind="quiet" onClick={onHide}>Hide</Button></div>}
    </article>
  );
}

interface ComposerProps {
  label: string;
  button: string;
  draft: string;
  task: Task;
  people: readonly Membership[];
  parentId?: string;
  isFocused?: boolean;
  onWriting: (isWriting: boolean) => void;
  onDone?: () => void;
}

/** Writes a new comment. What was typed stays until it is sent. */
function Composer({ label, button, draft, task, people, parentId, isFocused = false, onWriting, onDone }: ComposerProps) {
  const workspace = useWorkspace();
  const [text, setText] = useDraft(draft);
  function send(event?: FormEvent): void {
    event?.preventDefault();
    const body = toKept(text.trim(), people);
    if (!body) return;
    workspace.submit("createComment", { id: newId("comment"), taskId: task.id, body, ...(parentId ? { parentId } : {}) });
    setText("");
    onWriting(false);
    onDone?.();
  }
  return (
    <form className="grid grid-cols-1 gap-2" onSubmit={send}>
      <MentionArea label={label} placeholder={`${label}… @ mentions somebody`} value={text} people={people} rows={2} maxLength={20_000} autoFocus={isFocused}
        onText={(next) => { setText(next); onWriting(next !== ""); }} onBlur={() => onWriting(false)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
          if (event.key === "Escape") { event.preventDefault(); if (onDone) onDone(); else event.currentTarget.blur(); }
        }} />
      <div className="flex items-center gap-2">
        <Button kind="primary" type="submit" disabled={!text.trim()}>{button}</Button>
        {onDone && <Button onClick={onDone}>Cancel</Button>}
        <span className="text-xs text-dim pointer-coarse:hidden">{SEND_KEY}</span>
      </div>
    </form>
  );
}

function Editor({ comment, people, typed, isFocused }: { comment: Comment; people: readonly Membership[]; typed: TypedText; isFocused: boolean }) {
  const workspace = useWorkspace();
  function save(event?: FormEvent): void {
    event?.preventDefault();
    const body = toKept(typed.text.trim(), people);
    if (body && body !== comment.body) workspace.submit("updateComment", { id: comment.id, body });
    typed.stop();
  }
  return (
    <form className="grid grid-cols-1 gap-2" onSubmit={save}>
      <MentionArea label="Edit the comment" value={typed.text} people={people} rows={2} maxLength={20_000} autoFocus={isFocused} onText={typed.type}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save(); }
          if (event.key === "Escape") { event.preventDefault(); typed.stop(); }
        }} />
      <div className="flex gap-2"><Button kind="primary" type="submit">Save</Button><Button onClick={typed.stop}>Cancel</Button></div>
    </form>
  );
}

/** The comment that the address leads to, as a notification does. */
const useNamed = (): string => useLocationProperty(() => location.hash.slice(1));

/** Where a comment is shown, or the line in place of its thread. */
const placeOf = (list: Element, id: string): Element | null => list.querySelector(`[data-comments~="${id}"]`);

/** Comments of others that came while this is open and were not in sight yet, the oldest first. */
function useUnseen(comments: readonly Comment[], list: React.RefObject<HTMLOListElement | null>, isLoading: boolean): readonly string[] {
  const { myId } = useWorkspace();
  const [seen, setSeen] = useState<ReadonlySet<string> | null>(null);
  useEffect(() => {
    if (seen === null && !isLoading) setSeen(new Set(comments.map(({ id }) => id)));
  }, [seen, isLoading, comments]);
  const unseen = useMemo(
    () => (seen ? comments.filter(({ id, author, version }) => author.id !== myId && version > 0 && !seen.has(id)).map(({ id }) => id) : []),
    [comments, seen, myId],
  );
  useEffect(() => {
    if (unseen.length === 0 || !list.current) return;
    const observer = new IntersectionObserver((entries) => {
      const shown = entries.filter(({ isIntersecting }) => isIntersecting).flatMap(({ target }) => (target as HTMLElement).dataset.comments!.split(" "));
      if (shown.length) setSeen((before) => new Set([...(before ?? []), ...shown]));
    });
    for (const id of unseen) {
      const element = placeOf(list.current, id);
      if (element) observer.observe(element);
    }
    return () => observer.disconnect();
  }, [unseen, list]);
  return unseen;
}
