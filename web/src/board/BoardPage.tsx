/** The tasks of a workspace as a board or a list, filtered as the address says, with the open task beside them. */
import { lazy, Suspense, useEffect, useMemo, useState, type MouseEvent } from "react";
import { useLocation, useSearchParams } from "wouter";
import { fetchLater } from "../app/later";
import { may, type Task } from "../data/model";
import { Button, Empty } from "../ui/controls";
import { useAsked } from "../find/asked";
import { fetchMenus } from "../ui/menu";
import { useModel } from "../workspace/context";
import { columnsOf, filtersOf, isFiltered, shownTasks, today, withFilters } from "./arrange";
import { Board } from "./Board";
import { FilterBar } from "./FilterBar";
import { List } from "./List";
import { NewTask } from "./NewTask";
import { QuickMenu } from "./QuickMenu";
import { useBoardKeys } from "./keys";
import { clearSelection, selectTo, toggleSelected, useSelection } from "./selection";

const fetchTaskPanel = () => import("../task/TaskPanel");
const fetchSelectionBar = () => import("./SelectionBar");
const SelectionBar = lazy(fetchSelectionBar);
const TaskPanel = lazy(fetchTaskPanel);

export function BoardPage({ slug, view, taskKey }: { slug: string; view: "board" | "list"; taskKey: string | undefined }) {
  const model = useModel();
  const [address, setAddress] = useSearchParams();
  const [, go] = useLocation();
  const [newIn, setNewIn] = useState<string | null>(null);
  const filters = useMemo(() => filtersOf(address), [address]);
  const tasks = useMemo(() => shownTasks(model, filters, today()), [model, filters]);
  const columns = useMemo(() => columnsOf(model, tasks), [model, tasks]);
  const inOrder = useMemo(() => [...columns.values()].flat(), [columns]);
  const mayWrite = may(model, "TASK_WRITE");
  const query = address.size ? `?${address}` : "";
  const open = (task: Task): void => go(`/w/${slug}/${view}/${task.key || task.id}${query}`);
  const close = (): void => {
    const shown = opened?.id;
    go(`/w/${slug}/${view}${query}`);
    if (shown) setTimeout(() => document.querySelector<HTMLElement>(`[data-task="${shown}"]`)?.focus(), 0);
  };
  const opened = taskKey ? model.tasks.find(({ key, id }) => key === taskKey || id === taskKey) : undefined;
  const isNewAsked = useAsked((state) => state.isNewTask);
  useEffect(() => {
    if (!isNewAsked) return;
    useAsked.setState({ isNewTask: false });
    if (mayWrite) setNewIn("");
  }, [isNewAsked, mayWrite]);
  useEffect(() => fetchLater(fetchMenus, fetchTaskPanel, fetchSelectionBar), []);
  useEffect(() => clearSelection, []);
  const hasSelected = useSelection(({ ids }) => ids.size > 0);
  function pressed(event: MouseEvent): void {
    const id = (event.target as Element).closest<HTMLElement>("[data-task]")?.dataset.task;
    if (!id || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
    event.stopPropagation();
    if (event.shiftKey) selectTo(id, inOrder);
    else toggleSelected(id);
  }
  useBoardKeys(columns, open, () => mayWrite && setNewIn(""));

  return (
    <div className="flex min-h-0 grow">
      <div className="relative flex min-w-0 grow flex-col" onClickCapture={pressed}>
        <FilterBar model={model} tasks={tasks} filters={filters} onChange={(change) => setAddress((now) => withFilters(now, change), { replace: true })} onNew={mayWrite ? () => setNewIn("") : undefined} />
        {tasks.length === 0 && isFiltered(filters) && (
          <Empty title="No task matches these filters.">
            <Button onClick={() => setAddress(new URLSearchParams(), { replace: true })}>Clear the filters</Button>
          </Empty>
        )}
        {tasks.length === 0 && !isFiltered(filters) && (
          <p className="px-4 pt-4 text-dim">No task yet. {mayWrite ? "Press C to create the first one." : "Whoever may write here creates the first one."}</p>
        )}
        {view === "board" ? (
          <Board model={model} columns={columns} mayWrite={mayWrite} openId={opened?.id} onOpen={open} onNew={setNewIn} />
        ) : (
          <List model={model} columns={columns} openId={opened?.id} onOpen={open} />
        )}
        {mayWrite && hasSelected && <Suspense fallback={null}><SelectionBar model={model} /></Suspense>}
      </div>
      {taskKey && (
        <Suspense fallback={null}>
          <TaskPanel key={opened?.id ?? taskKey} task={opened} slug={slug} onClose={close} onOpen={open} order={inOrder} />
        </Suspense>
      )}
      {newIn !== null && <NewTask model={model} statusId={newIn} projectId={filters.project} onClose={() => setNewIn(null)} />}
      <QuickMenu model={model} />
    </div>
  );
}
