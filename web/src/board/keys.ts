/**
 * The keys of the board and the list.
 *
 * Invariants: a key does something only when nobody is typing and no dialog or menu is open. It is meant for the card that has
 * the focus; where none has, for the task that is open. It acts on what the keys before it have made, also where that was not
 * drawn yet: people press them faster than frames come.
 */
import { useEffect, useLayoutEffect, useRef } from "react";
import { flushSync } from "react-dom";
import { fetchLater, whenThere } from "../app/later";
import { may, type Task } from "../data/model";
import type { OpenWorkspace } from "../data/workspace";
import { announce } from "../ui/announce";
import { dropUndoOf, toast } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";
import { placeAt, type Columns } from "./arrange";
import { elementOf, focusCard, follow, taskIdAt, watchFocus } from "./focus";
import { takeOrGiveBack } from "./changes";
import { openQuick, openQuickInPanel } from "./quick";
import { QUICK_KEYS } from "./quick-keys";
import { clearSelection, toggleSelected, useSelection } from "./selection";
import { placeOf } from "./spoken";
import { isTyping } from "./typing";

const QUICK = new Map(QUICK_KEYS.map(({ key, kind }) => [key.toLowerCase(), kind]));

const fetchWords = (): Promise<typeof import("./undone")> => import("./undone");

interface Shown {
  readonly columns: Columns;
  /** All that is shown, one after the other. */
  readonly order: readonly Task[];
  /** The task in the panel. */
  readonly opened: Task | undefined;
  /** Whether tasks stand where people have put them, so that moving one up or down can be seen. */
  readonly isByHand: boolean;
  readonly onOpen: (task: Task) => void;
}

export function useBoardKeys(shown: Shown): void {
  const workspace = useWorkspace();
  const latest = useRef(shown);
  useLayoutEffect(() => void (latest.current = shown));
  useEffect(() => fetchLater(fetchWords), []);
  useLayoutEffect(() => {
    function keyed(event: KeyboardEvent): void {
      if (isUndo(event) && !isTyping(event)) {
        event.preventDefault();
        return event.shiftKey ? void redoLast(workspace) : undoLast(workspace);
      }
      if (isTyping(event) || event.metaKey || event.ctrlKey || event.defaultPrevented) return;
      const id = taskIdAt(event.target);
      drawNow(workspace);
      const { columns, onOpen, order, opened } = latest.current;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const task = taskIn(columns, id);
      const beside = id === null && !event.altKey ? opened : undefined;
      const atHand = task ?? beside;
      const quick = QUICK.get(key);
      const isFieldKey = quick !== undefined || key === "i";
      const isChange = task ? (event.altKey ? event.key.startsWith("Arrow") : isFieldKey || key === "x") : beside !== undefined && isFieldKey;
      if (isChange && !may(workspace.model(), "TASK_WRITE")) toast("You may look at tasks here, and not change them");
      else if (event.altKey && task && event.key.startsWith("Arrow")) move(task, event.key, columns);
      else if (beside && (key === "j" || key === "k")) openNext(order, beside, key === "j" ? 1 : -1, onOpen);
      else if (key === "j" || (key === "ArrowDown" && task)) step(id, 1);
      else if (key === "k" || (key === "ArrowUp" && task)) step(id, -1);
      else if ((key === "ArrowRight" || key === "ArrowLeft") && task) aside(task, columns, key === "ArrowRight" ? 1 : -1);
      else if (task && quick) openQuick(quick, task.id, elementOf(task.id));
      else if (beside && quick) openQuickInPanel(quick, beside.id);
      else if (task && key === "Enter" && event.target === document.body) onOpen(task);
      else if (task && key === "x") toggleSelected(task.id);
      else if (key === "Escape" && useSelection.getState().ids.size > 0 && !isInPanel(event)) clearSelection();
      else if (atHand && key === "i") takeOrGiveBack(workspace, atHand);
      else return;
      event.preventDefault();
    }

    function move(task: Task, arrow: string, columns: Columns): void {
      const ids = [...columns.keys()];
      const column = columns.get(task.status.id) ?? [];
      const index = column.findIndex(({ id }) => id === task.id);
      const isAside = arrow === "ArrowLeft" || arrow === "ArrowRight";
      if (!isAside && !latest.current.isByHand) return toast("Tasks are moved up and down where the list is sorted by hand, by status");
      const statusId = isAside ? ids[ids.indexOf(task.status.id) + (arrow === "ArrowRight" ? 1 : -1)] : task.status.id;
      if (!statusId) return;
      const position = placeAt(columns.get(statusId) ?? [], isAside ? 0 : index + (arrow === "ArrowDown" ? 1 : -1), task);
      if (!position || (!isAside && arrow === "ArrowUp" && index === 0)) return;
      workspace.submit("moveTask", { id: task.id, statusId, position });
      follow(task.id, () => drawNow(workspace));
      announce(placeOf(task, latest.current.columns, workspace.model()));
    }

    const taskIn = (columns: Columns, id: string | null): Task | undefined => {
      const task = id === null ? undefined : workspace.model().taskById.get(id);
      return task && columns.get(task.status.id)?.some((shown) => shown.id === id) ? task : undefined;
    };
    const unwatch = watchFocus();
    addEventListener("keydown", keyed);
    return () => {
      unwatch();
      removeEventListener("keydown", keyed);
    };
  }, [workspace]);
}

const drawNow = (workspace: OpenWorkspace): void => flushSync(() => workspace.showNow());

/** Undoes what was done last, shows where, and says what that was. */
export function undoLast(workspace: OpenWorkspace): void {
  const undone = workspace.undoLast();
  if (!undone) return toast("There is nothing to undo");
  dropUndoOf(undone.operation.key);
  follow(undone.operation.entityId, () => drawNow(workspace));
  void whenThere(fetchWords).then(({ undoneWords }) => toast(undoneWords(undone, workspace.model())));
}

/** Does again what was undone last, and says what that was. */
async function redoLast(workspace: OpenWorkspace): Promise<void> {
  const { redone, redoneWords } = await whenThere(fetchWords);
  const done = redone(workspace);
  if (done) follow(done.operation.entityId, () => drawNow(workspace));
  toast(done ? redoneWords(done, workspace.model()) : "There is nothing to do again");
}

/** With Shift: a redo. */
const isUndo = (event: KeyboardEvent): boolean => (event.metaKey || event.ctrlKey) && !event.altKey && event.key.toLowerCase() === "z";

const isInPanel = (event: KeyboardEvent): boolean => event.target instanceof Element && event.target.closest("aside") !== null;

const cards = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>("[data-task]")];

/** Shows the next task in the panel, as its own arrows do. */
function openNext(order: readonly Task[], from: Task, by: number, onOpen: (task: Task) => void): void {
  const at = order.findIndex(({ id }) => id === from.id);
  const next = at < 0 ? undefined : order[at + by];
  if (next) onOpen(next);
}

function step(fromId: string | null, by: number): void {
  const all = cards();
  const at = all.findIndex(({ dataset }) => dataset.task === fromId);
  const next = all[at < 0 ? 0 : at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function aside(task: Task, columns: Columns, by: number): void {
  const ids = [...columns.keys()];
  const index = columns.get(task.status.id)?.findIndex(({ id }) => id === task.id) ?? 0;
  for (let at = ids.indexOf(task.status.id) + by; ids[at]; at += by) {
    const column = columns.get(ids[at]!)!;
    const next = column[Math.min(index, column.length - 1)];
    if (next) return focusCard(next.id);
  }
}
