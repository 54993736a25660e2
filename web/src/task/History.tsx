/** What was changed, the newest first, also what was overwritten. Asked for when it is opened, and again when the task changes. */
import { ArrowRight, RotateCcw, Undo2 } from "lucide-react";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from "react";
import { useClient } from "urql";
import { useAgain } from "../data/again";
import { TaskHistoryDocument, type TaskHistoryQuery } from "../gql/graphql";
import { may, type Model, type Task } from "../data/model";
import { Avatar, Button, textOf } from "../ui/controls";
import { useFocusLeft } from "../ui/focus-left";
import { Ago, useToday } from "../ui/time";
import { toast } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";
import { deedsOf } from "./deeds";
import { judged, restorationOf } from "./restoring";
import { excerpt, wordDiff } from "./word-diff";
import { FIELD_NAMES, named, said } from "./words";

type Entry = NonNullable<TaskHistoryQuery["task"]>["history"]["nodes"][number];

const TEXTS = new Set(["TITLE", "DESCRIPTION"]);

interface Shown {
  readonly entries: readonly Entry[];
  /** Where what is earlier begins; null: it is all here. */
  readonly end: string | null;
}

/** Where a task stands among others is no news: without it there may be nothing left of an entry. */
const isTold = ({ changes }: Entry): boolean => changes.some(({ field }) => field !== "RANK");

function useHistory(task: Task): Shown & { isRead: boolean; problem: string | null; readEarlier: () => void } {
  const client = useClient();
  const shown = useRef<Shown>({ entries: [], end: null });
  const [state, setState] = useState<Shown | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  async function read(from: string | null): Promise<void> {
    for (let after = from, isFound = false; !isFound; ) {
      const { data, error } = await client.query(TaskHistoryDocument, { id: task.id, after }, { requestPolicy: "network-only" }).toPromise();
      const page = data?.task?.history;
      setProblem(page ? null : error ? textOf(error) : "This task is not here.");
      const { entries: known, end } = shown.current;
      if (!page || (after && after !== end)) return; // it was read anew meanwhile
      const pageEnd = page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null;
      const isNew = ({ id }: Entry): boolean => !known.some((entry) => entry.id === id);
      if (after) shown.current = { entries: [...known, ...page.nodes], end: pageEnd };
      // What is earlier stays where the newest page reaches to it; otherwise there is more between them than a page.
      else if (page.nodes.some((entry) => !isNew(entry))) shown.current = { entries: [...page.nodes.filter(isNew), ...known], end };
      else shown.current = { entries: page.nodes, end: pageEnd };
      setState(shown.current);
      after = shown.current.end;
      isFound = after === null || (from ? page.nodes : shown.current.entries).some(isTold);
    }
  }
  useEffect(() => void read(null), [client, task.id, task.version]);
  useAgain(problem !== null, () => void read(null));
  return { ...(state ?? shown.current), isRead: state !== null, problem, readEarlier: () => void read(shown.current.end) };
}

export function History({ task, model }: { task: Task; model: Model }) {
  const mayWrite = may(model, "TASK_WRITE");
  const { entries, end, isRead, problem, readEarlier } = useHistory(task);
  if (!isRead) return problem ? <p className="text-sm text-dim">{problem}</p> : <p role="status" className="text-sm text-dim">Loading history…</p>;
  return (
    <>
      <ol aria-label="History" className="grid grid-cols-1 gap-3 text-sm">
        {entries.filter(isTold).map((entry) => <EntryLine key={entry.id} entry={entry} task={task} model={model} mayWrite={mayWrite} />)}
        {end === null && <li><Line who={task.createdBy} at={task.createdAt}><p className="text-dim">made this task</p></Line></li>}
      </ol>
      {end !== null && <div><Button onClick={readEarlier}>Show earlier</Button></div>}
      {problem && <p role="alert" className="text-sm text-bad">{problem}</p>}
    </>
  );
}

function EntryLine({ entry, task, model, mayWrite }: { entry: Entry; task: Task; model: Model; mayWrite: boolean }) {
  const workspace = useWorkspace();
  const { id, actor, at, changes } = entry;
  const { isUndoable, overwritten } = judged(task, changes, model);
  const mayUndo = mayWrite && isUndoable && (may(model, "TASK_DELETE") || changes.every(({ field }) => field !== "DELETED"));
  function restoreOf(change: Entry["changes"][number]): (() => void) | undefined {
    const restoration = mayWrite && overwritten.has(change.field) ? restorationOf(task, change, model) : null;
    if (!restoration) return undefined;
    return () => {
      // What somebody else writes into a text meanwhile is a conflict, as with one that is typed.
      const key = workspace.submit(restoration.mutation, { id: task.id, ...restoration.change }, TEXTS.has(change.field) ? workspace.confirmedVersion(task.id) : undefined);
      toast(`Restored: ${named(change.before, model, change.field)}`, undefined, { label: "Undo", run: () => workspace.undo([key]), undoes: [key] });
    };
  }
  return (
    <li tabIndex={-1}>
      <Line who={actor} at={at} undo={<UndoChange id={id} who={actor.name} isOffered={mayUndo} onUndo={() => workspace.revert(id, task.id, deedsOf(task, changes))} />}>
        {changes.filter(({ field }) => field !== "RANK").map((change) => <ChangeLine key={change.field} {...change} model={model} onRestore={restoreOf(change)} />)}
      </Line>
    </li>
  );
}

const entryOf = (button: HTMLElement): HTMLElement | null => button.closest("li");

/** An undo that waits for the server is not asked for twice. */
function UndoChange({ id, isOffered, ...rest }: { id: string; who: string; isOffered: boolean; onUndo: () => void }) {
  const workspace = useWorkspace();
  const isUndoing = useSyncExternalStore(workspace.subscribe, () => workspace.isReverting(id));
  return isOffered || isUndoing ? <UndoButton isUndoing={isUndoing} {...rest} /> : null;
}

function UndoButton({ who, isUndoing, onUndo }: { who: string; isUndoing: boolean; onUndo: () => void }) {
  return (
    <Button ref={useFocusLeft(entryOf)} kind="quiet" className="ml-auto text-dim" {...(isUndoing ? {} : { "aria-label": `Undo this change by ${who}`, title: "Undo this change" })} aria-disabled={isUndoing} onClick={() => !isUndoing && onUndo()}>
      <Undo2 size={15} aria-hidden />{isUndoing ? "Undone, not saved yet" : "Undo"}
    </Button>
  );
}

function RestoreButton({ what, onRestore }: { what: string; onRestore: () => void }) {
  return (
    <Button ref={useFocusLeft(entryOf)} kind="quiet" className="shrink-0" aria-label={`Restore ${what}`} title={`Restore ${what}`} onClick={onRestore}>
      <RotateCcw size={13} aria-hidden />Restore
    </Button>
  );
}

interface LineProps {
  who: { id: string; name: string };
  at: string;
  undo?: ReactNode;
  children: ReactNode;
}

function Line({ who, at, undo, children }: LineProps) {
  return (
    <div className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-2">
      {/* As high as the line beside it, also where that has a button. */}
      <span className="flex h-8 items-center pointer-coarse:h-11"><Avatar id={who.id} name={who.name} size={22} /></span>
      <div className="grid min-w-0 gap-1">
        <p className="flex min-h-8 flex-wrap items-center gap-x-2 pointer-coarse:min-h-11"><span className="font-medium">{who.name}</span><Ago at={at} className="text-xs text-dim" />
          {undo}
        </p>
        {children}
      </div>
    </div>
  );
}

function ChangeLine({ field, before, after, model, onRestore }: Entry["changes"][number] & { model: Model; onRestore: (() => void) | undefined }) {
  useToday(); // what is said of days
  const name = FIELD_NAMES[field] ?? field.toLowerCase();
  if (field === "ARCHIVED") return <p className="text-dim">{after ? "archived it" : "took it out of the archive"}</p>;
  if (field === "DELETED") return <p className="text-dim">{after ? "deleted it" : "restored it"}</p>;
  const restore = onRestore && <RestoreButton what={named(before, model, field)} onRestore={onRestore} />;
  if (!TEXTS.has(field)) {
    return (
      <div className="flex flex-wrap items-center gap-x-1.5 wrap-anywhere text-dim">
        {name}: <span>{said(before, model, field)}</span>{restore}<ArrowRight size={13} aria-label="to" /><span className="text-text">{said(after, model, field)}</span>
      </div>
    );
  }
  return (
    <details className="text-dim">
      <summary className="cursor-pointer">changed the {name}</summary>
      <TextChange before={isNothing(before) ? "" : said(before, model, field)} after={isNothing(after) ? "" : said(after, model, field)} restore={restore} />
    </details>
  );
}

const isNothing = (text: unknown): boolean => text === null || text === undefined || text === "";
const TEXT = "max-h-60 overflow-y-auto rounded-lg border-l-2 bg-raised px-2 py-1";

function TextChange({ before, after, restore }: { before: string; after: string; restore: ReactNode }) {
  const { pieces, isWhole } = useMemo(() => excerpt(wordDiff(before, after)), [before, after]); // up to a million comparisons
  return (
    <div className="mt-1 grid grid-cols-1 gap-1 wrap-anywhere whitespace-pre-wrap">
      <div className="flex items-start gap-1">
        <p className={`grow border-line ${TEXT}`}>
          {pieces.map(({ kind, text }, at) => kind === "same" ? <span key={at}>{text}</span>
            : kind === "removed" ? <del key={at} className="text-bad"><span className="sr-only">removed: </span>{text}</del>
            : <ins key={at} className="text-good"><span className="sr-only">added: </span>{text}</ins>)}
        </p>
        {restore}
      </div>
      {!isWhole && (
        <details>
          <summary className="cursor-pointer">The whole texts</summary>
          <div className="mt-1 grid grid-cols-1 gap-1">
            <p className={`border-bad ${TEXT}`}><span className="sr-only">Before: </span>{before}</p>
            <p className={`border-good text-text ${TEXT}`}><span className="sr-only">After: </span>{after}</p>
          </div>
        </details>
      )}
    </div>
  );
}
