/** Columns by status with their cards. Only cards in sight are in the page, however many there are. */
import { measureElement, useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { Plus } from "lucide-react";
import { memo, useCallback, useEffect, useMemo, useRef, type RefObject } from "react";
import type { Model, Status, Task } from "../data/model";
import { announce } from "../ui/announce";
import { Button, Dot } from "../ui/controls";
import { useWorkspace } from "../workspace/context";
import { placeAt, type Columns } from "./arrange";
import { Card, CardText, heightOf, learnHeight, partsOf } from "./Card";
import { pressed, useDrag } from "./drag";
import { useFollowing } from "./focus";
import type { CameFrom, Starts } from "./glide";
import { useGradually } from "./gradually";
import { useSteady } from "./steady";

interface BoardProps {
  model: Model;
  /** Today. */
  day: string;
  columns: Columns;
  mayWrite: boolean;
  opened: Task | undefined;
  onOpen: (task: Task) => void;
  onNew: (statusId: string) => void;
}

export function Board({ model, day, columns, mayWrite, opened, onOpen, onNew }: BoardProps) {
  const workspace = useWorkspace();
  const board = useRef<HTMLDivElement>(null);
  const ghost = useRef<HTMLDivElement>(null);
  const shown = useRef(columns);
  useEffect(() => void (shown.current = columns), [columns]);
  useEffect(() => {
    const element = board.current;
    if (!element || !mayWrite) return;
    const press = (event: PointerEvent): void =>
      pressed(event, (id) => workspace.model().taskById.get(id), () => ghost.current, (task, target) => {
        const position = placeAt(shown.current.get(target.statusId) ?? [], target.index, task);
        if (position) workspace.submit("moveTask", { id: task.id, statusId: target.statusId, position });
        announce(`${task.title} is now in ${workspace.model().statusById.get(target.statusId)?.name}.`);
      });
    element.addEventListener("pointerdown", press);
    return () => element.removeEventListener("pointerdown", press);
  }, [workspace, mayWrite]);
  const dragged = useDrag((state) => state.task);
  const latest = useRef(onOpen);
  useEffect(() => void (latest.current = onOpen), [onOpen]);
  const open = useCallback((task: Task) => latest.current(task), []);
  const places = useRef<Places>(new Map());

  const { labelById, nameById, statusById, subtasksOf } = model;
  const parentKeys = useParentKeys(model);
  const lookups = { day, labelById, nameById, statusById, subtasksOf, parentKeys };

  return (
    <div ref={board} data-board className="flex min-h-0 grow gap-3 overflow-x-auto p-3">
      {model.statuses.map((status) => (
        <Column key={status.id} status={status} tasks={columns.get(status.id) ?? NONE} {...lookups} draggedId={idIn(status, dragged)} openId={idIn(status, opened)} places={places.current} onOpen={open} onNew={mayWrite ? onNew : undefined} />
      ))}
      {dragged && (
        <div ref={ghost} aria-hidden className="pointer-events-none fixed top-0 left-0 z-50 grid gap-1.5 rounded-xl border border-accent bg-surface p-2.5 opacity-80 shadow-2xl">
          <CardText task={dragged} day={day} labelById={labelById} nameById={nameById} parentKey={keyIn(parentKeys, dragged)} {...partsOf(model, dragged.id)} />
        </div>
      )}
    </div>
  );
}

const NONE: readonly Task[] = [];

/** The keys of tasks that have parts, by id: the same object until one of them is another, as columns are drawn by it. */
function useParentKeys({ tasks, taskById, subtasksOf }: Model): ReadonlyMap<string, string> {
  const before = useRef<ReadonlyMap<string, string>>(undefined);
  const keys = useMemo(() => {
    const now = new Map([...subtasksOf.keys()].map((id) => [id, taskById.get(id)?.key ?? ""]));
    const was = before.current;
    return was?.size === now.size && [...now].every(([id, key]) => was.get(id) === key) ? was : now;
  }, [tasks, taskById, subtasksOf]);
  useEffect(() => void (before.current = keys), [keys]);
  return keys;
}

const keyIn = (keys: ReadonlyMap<string, string>, { parent }: Task): string | undefined => (parent ? keys.get(parent.id) : undefined);

const idIn = (status: Status, task: Task | null | undefined): string | undefined => (task?.status.id === status.id ? task.id : undefined);

/** Where the cards of each column were in the frame before. */
type Places = Map<RefObject<HTMLElement | null>, Starts>;

/** Where in the window a card was in the frame before. It makes the browser lay out the page. */
function placeIn(places: Places, id: string): ReturnType<CameFrom> {
  for (const [cards, starts] of places) {
    const start = starts.get(id);
    const box = start === undefined ? undefined : cards.current?.getBoundingClientRect();
    if (start !== undefined && box) return { left: box.left, top: box.top + start };
  }
  return undefined;
}

interface ColumnProps extends Pick<Model, "labelById" | "nameById" | "statusById" | "subtasksOf"> {
  status: Status;
  day: string;
  tasks: readonly Task[];
  draggedId: string | undefined;
  openId: string | undefined;
  parentKeys: ReadonlyMap<string, string>;
  places: Places;
  onOpen: (task: Task) => void;
  onNew: ((statusId: string) => void) | undefined;
}

/** Drawn anew only when one of its own tasks changes, or what is said of them. */
const Column = memo(function Column({ status, day, tasks, labelById, nameById, statusById, subtasksOf, parentKeys, draggedId, openId, places, onOpen, onNew }: ColumnProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: tasks.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => heightOf(tasks[index]!),
    measureElement: (card: HTMLDivElement, entry: ResizeObserverEntry | undefined, among: Virtualizer<HTMLDivElement, HTMLDivElement>) => {
      const height = measureElement(card, entry, among);
      learnHeight(tasks[among.indexFromElement(card)], height);
      return height;
    },
    getItemKey: useCallback((index: number) => tasks[index]!.id, [tasks]),
    gap: 8,
    overscan: 4,
  });
  const cards = useRef<HTMLDivElement>(null);
  const items = virtual.getVirtualItems();
  const drawn = useGradually(items, virtual.range);
  const starts = new Map(items.map(({ key, start }) => [String(key), start]));
  const isKept = useSteady(scroller, cards, { starts, order: tasks, isScrolling: virtual.isScrolling, cameFrom: (id) => placeIn(places, id) });
  // After all columns of a frame have asked where their cards were.
  useEffect(() => {
    places.set(cards, starts);
    return () => void places.delete(cards);
  });
  // As the virtualizer does by itself, except where a card is kept in its place already: to scroll for both would be too far.
  virtual.shouldAdjustScrollPositionOnItemSizeChange = ({ key, start, end }, _, { itemSizeCache, scrollDirection, scrollOffset }) =>
    !isKept() && (itemSizeCache.has(key) ? end <= (scrollOffset ?? 0) && scrollDirection !== "backward" : start < (scrollOffset ?? 0));
  useFollowing(scroller, () => tasks.map(({ id }) => id), (index) => virtual.scrollToIndex(index));
  const targetTop = useDrag(({ target }) => (target?.statusId === status.id ? target.top : null));
  return (
    <section data-column={status.id} aria-label={status.name} className="flex w-72 shrink-0 flex-col rounded-2xl bg-raised">
      <header className="flex items-center gap-2 px-3 pt-2.5 pb-1.5">
        <Dot color={status.color} />
        <h2 className="text-sm font-semibold">{status.name}</h2>
        <span className="text-sm text-dim">{tasks.length}</span>
        {onNew && <Button kind="quiet" className="ml-auto" aria-label={`New task in ${status.name}`} onClick={() => onNew(status.id)}><Plus size={16} aria-hidden /></Button>}
      </header>
      <div ref={scroller} data-cards className="relative min-h-16 grow overflow-y-auto p-2 contain-strict" tabIndex={-1}>
        <div ref={cards} className="relative" style={{ height: virtual.getTotalSize() }}>
          {drawn.map((item) => {
            const task = tasks[item.index]!;
            const { parts, done } = partsOf({ statusById, subtasksOf }, task.id);
            return (
              <div key={item.key} ref={virtual.measureElement} data-index={item.index} data-row={item.key} className="absolute left-0 w-full hover:z-1" style={{ top: item.start }}>
                <Card task={task} day={day} labelById={labelById} nameById={nameById} parentKey={keyIn(parentKeys, task)} parts={parts} done={done} isOpen={task.id === openId} isDragged={task.id === draggedId} onOpen={onOpen} />
              </div>
            );
          })}
        </div>
        {targetTop !== null && <div aria-hidden className="pointer-events-none absolute inset-x-0.5 z-2 h-1 -translate-y-1/2 rounded-full bg-accent" style={{ top: targetTop }} />}
      </div>
    </section>
  );
});
