/** The tasks of a workspace as a board or a list, filtered as the address says, with the open task beside them. */
import { Suspense, useCallback, useEffect, useMemo, useRef, useState, type MouseEvent } from "react";
import { flushSync } from "react-dom";
import { useLocation, useSearchParams } from "wouter";
import { fetchLater, Later, lazily } from "../app/later";
import { may, mayRestore, type Model, type Task } from "../data/model";
import { Button, Empty } from "../ui/controls";
import { forget, useAsked } from "../find/asked";
import { announceShown } from "../ui/announce";
import { fetchMenus } from "../ui/menu";
import { useToday } from "../ui/time";
import { useIsWhole, useModel } from "../workspace/context";
import { columnsOf, filtersOf, isFiltered, NO_FILTERS, shownTasks, withFilters, withWord, type Columns, type Filters } from "./arrange";
import { Board } from "./Board";
import { FilterBar, focusFilters, tasksOf } from "./FilterBar";
import { focusCard, follow } from "./focus";
import { groupingOf, groupsOf, sortingOf, type Group, type Grouping, type Sorting } from "./groups";
import { fetchNewTaskFields, NewTask } from "./NewTask";
import { useBoardKeys } from "./keys";
import { useQuick } from "./quick";
import { clearSelection, selectTo, toggleSelected, useSelection } from "./selection";

const fetchTaskPanel = () => import("../task/TaskPanel");
const fetchList = () => import("./List");
const fetchQuickMenu = () => import("./QuickMenu");
const fetchSelectionBar = () => import("./SelectionBar");
const List = lazily(fetchList);
const QuickMenu = lazily(fetchQuickMenu);
const SelectionBar = lazily(fetchSelectionBar);
const TaskPanel = lazily(fetchTaskPanel);

export function BoardPage({ slug, view, taskKey }: { slug: string; view: "board" | "list"; taskKey: string | undefined }) {
  const model = useModel();
  const isWhole = useIsWhole();
  const [address, setAddress] = useSearchParams();
  const [, go] = useLocation();
  const [newIn, setNewIn] = useState<string | null>(null);
  const filters = useMemo(() => filtersOf(address), [address]);
  const day = useToday();
  const { tasks, countOf } = useMemo(() => shownTasks(model.tasks, filters, day), [model.tasks, filters, day]);
  useSaying(filters, tasks.length);
  const columns = useColumns(model, tasks);
  const [grouping, sorting] = view === "list" ? [groupingOf(address), sortingOf(address)] : ([undefined, undefined] as const);
  const groups = useGroups(model, tasks, grouping, sorting);
  const inOrder = useMemo(() => (groups ? groups.flatMap((group) => group.tasks) : ([] as Task[]).concat(...columns.values())), [columns, groups]);
  const mayWrite = may(model, "TASK_WRITE");
  const query = address.size ? `?${address}` : "";
  const open = (task: Task): void => go(`/w/${slug}/${view}/${task.key || task.id}${query}`);
  const close = (): void => {
    const shown = opened?.id;
    go(`/w/${slug}/${view}${query}`);
    if (shown) focusCard(shown);
  };
  const opened = useOpened(model, taskKey);
  useEffect(() => {
    if (opened?.key && opened.key !== taskKey) go(`/w/${slug}/${view}/${opened.key}${query}`, { replace: true });
  }, [opened?.key, taskKey]);
  const filter = useCallback((change: Partial<Filters>) => setAddress((now) => withFilters(now, change), { replace: true }), [setAddress]);
  const clear = useCallback(() => filter(NO_FILTERS), [filter]);
  const clearHere = useCallback(() => {
    focusFilters(); // the button goes, and the focus would with it
    clear();
  }, [clear]);
  const show = useCallback((id: string) => {
    follow(id, () => flushSync(clear));
    focusCard(id);
  }, [clear]);
  const arrange = useCallback((name: "group" | "sort", value: string) => setAddress((now) => withWord(now, name, value), { replace: true }), [setAddress]);
  const toDeleted = useCallback(() => go(`/w/${slug}/deleted`), [go, slug]);
  const addNew = useCallback(() => setNewIn(""), []);
  const closeNew = useCallback(() => setNewIn(null), []);
  const isNewAsked = useAsked((state) => state.isNewTask);
  useEffect(() => {
    if (!isNewAsked) return;
    if (mayWrite) setNewIn("");
    else forget();
  }, [isNewAsked, mayWrite]);
  useEffect(() => fetchLater(fetchMenus, fetchQuickMenu, fetchNewTaskFields, fetchList, fetchTaskPanel, fetchSelectionBar), []);
  const isArchive = Boolean(filters.archived);
  useEffect(() => clearSelection, [isArchive]);
  const hasSelected = useSelection(({ ids }) => ids.size > 0);
  const isQuickAsked = useQuick(({ taskId }) => taskId !== null);
  function pressed(event: MouseEvent): void {
    const id = (event.target as Element).closest<HTMLElement>("[data-task]")?.dataset.task;
    if (!id || !mayWrite || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
    event.stopPropagation();
    if (event.shiftKey) selectTo(id, inOrder);
    else toggleSelected(id);
  }
  useBoardKeys({ columns, order: inOrder, opened, isByHand: !grouping && !sorting, onOpen: open });

  return (
    <div className="relative flex min-h-0 grow">
      {/* Where the panel lies over the board, what it covers can be scrolled out below it. */}
      <div className={`relative flex min-w-0 grow flex-col ${taskKey ? "md:max-[68.75rem]:*:data-board:scroll-pr-[29rem] md:max-[68.75rem]:*:data-board:pr-[29rem]" : ""}`} onClickCapture={pressed}>
        <FilterBar {...partsOf(model)} count={tasks.length} countOf={countOf} isWhole={isWhole} filters={filters} onChange={filter} onClear={clearHere} onNew={mayWrite ? addNew : undefined} onDeleted={mayRestore(model) ? toDeleted : undefined} grouping={grouping} sorting={sorting} onArrange={arrange} />
        {tasks.length === 0 && isWhole && isFiltered(filters) && (
          <Empty title={!isArchive ? "No task matches these filters." : isFiltered({ ...filters, archived: "" }) ? "No archived task matches these filters." : "Nothing is archived."}>
            <Button onClick={clearHere}>{isArchive ? "Back to the current tasks" : "Clear the filters"}</Button>
          </Empty>
        )}
        {tasks.length === 0 && !isFiltered(filters) && (
          <p className="px-4 pt-4 text-dim">No task yet. {mayWrite ? <>Create the first one with +<span className="pointer-coarse:hidden"> or C</span>.</> : "Whoever may write here creates the first one."}</p>
        )}
        {groups ? (
          <Later what="the list"><List model={model} day={day} groups={groups} isByStatus={!grouping} openId={opened?.id} onOpen={open} /></Later>
        ) : (
          <Board model={model} day={day} columns={columns} mayWrite={mayWrite} opened={opened} onOpen={open} onNew={setNewIn} />
        )}
        {mayWrite && hasSelected && <Suspense fallback={null}><SelectionBar model={model} isArchive={isArchive} /></Suspense>}
      </div>
      {taskKey && (opened || isWhole) && (
        <Suspense fallback={null}>
          <TaskPanel key={opened?.id ?? taskKey} task={opened} taskKey={taskKey} slug={slug} onClose={close} onOpen={open} order={inOrder} />
        </Suspense>
      )}
      {newIn !== null && <NewTask {...partsOf(model)} statusId={newIn} filters={filters} onShow={show} onClose={closeNew} />}
      {mayWrite && isQuickAsked && <Suspense fallback={null}><QuickMenu model={model} /></Suspense>}
    </div>
  );
}

const PAUSE_MS = 800; // whoever types a filter is not told of every letter

/** Says to screen readers how many tasks there are, after the person has filtered; not when others change them. */
function useSaying(filters: Filters, count: number): void {
  const said = JSON.stringify(filters);
  const before = useRef(said);
  const latest = useRef(count);
  useEffect(() => void (latest.current = count), [count]);
  useEffect(() => {
    if (before.current === said) return;
    before.current = said;
    const timer = setTimeout(() => announceShown(`${tasksOf(latest.current)} shown`), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [said]);
}

/** The task of the address; it stays open when it gets another key, as in another project. */
function useOpened(model: Model, taskKey: string | undefined): Task | undefined {
  const last = useRef<{ readonly address: string; readonly id: string }>(undefined);
  const opened = useMemo(() => {
    if (!taskKey) return undefined;
    const named = model.tasks.find(({ key, id }) => key === taskKey || id === taskKey);
    return named ?? (last.current?.address === taskKey ? model.taskById.get(last.current.id) : undefined);
  }, [model, taskKey]);
  useEffect(() => void (last.current = taskKey && opened ? { address: taskKey, id: opened.id } : undefined), [taskKey, opened]);
  return opened;
}

/** What filters and a new task offer: the same objects for as long as only tasks change. */
const partsOf = ({ statuses, labels, projects, members, me }: Model) => ({ statuses, labels, projects, members, me });

/** The columns; one that is as it was before is the very same array. */
function useColumns(model: Model, tasks: readonly Task[]): Columns {
  const before = useRef<Columns>(undefined);
  const columns = useMemo(() => columnsOf(model.statuses, tasks, before.current), [model.statuses, tasks]);
  useEffect(() => void (before.current = columns), [columns]);
  return columns;
}

/** The groups of the list; those that are as they were before are the very same objects. On the board there are none. */
function useGroups(model: Model, tasks: readonly Task[], grouping: Grouping | undefined, sorting: Sorting | undefined): readonly Group[] | undefined {
  const before = useRef<readonly Group[]>(undefined);
  const { statuses, projects, nameById } = model;
  const groups = useMemo(
    () => (grouping === undefined || sorting === undefined ? undefined : groupsOf({ statuses, projects, nameById }, tasks, grouping, sorting, before.current)),
    [statuses, projects, nameById, tasks, grouping, sorting],
  );
  useEffect(() => void (before.current = groups), [groups]);
  return groups;
}
