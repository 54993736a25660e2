/** What can be done with all tasks that are selected. */
import { X } from "lucide-react";
import type { Model } from "../data/model";
import { Button } from "../ui/controls";
import { Menu } from "../ui/menu";
import { liftToasts } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";
import { focusFilters } from "./FilterBar";
import { focusCard } from "./focus";
import { archiveAll } from "./changes";
import { TaskChoices } from "./QuickMenu";
import { QUICK_KEYS } from "./quick-keys";
import { clearSelection, selectedTasks, useSelection } from "./selection";

const CHOICES = QUICK_KEYS.filter(({ kind }) => kind !== "project"); // each task moves by itself, and would be undone by itself

/** `isArchive`: whether the page shows what is in the archive. */
export default function SelectionBar({ model, isArchive }: { model: Model; isArchive: boolean }) {
  const workspace = useWorkspace();
  const ids = useSelection((state) => state.ids);
  const tasks = selectedTasks(model, ids, isArchive);
  const [first] = tasks;
  if (!first) return null;
  function archive(): void {
    focusAfter(ids);
    archiveAll(workspace, tasks);
    clearSelection();
  }
  function clear(): void {
    focusCard(first!.id);
    clearSelection();
  }
  return (
    <div ref={keepFree} role="toolbar" aria-label="Selected tasks" className="appear z-30 mx-1 my-3 flex shrink-0 flex-wrap self-center items-center justify-center gap-0.5 rounded-2xl border border-line bg-raised p-2 shadow-lg">
      <span role="status" className="px-2 text-sm font-semibold">{tasks.length} selected</span>
      {CHOICES.map(({ kind, name }) => (
        <Menu key={kind} label={`${name} of all`} trigger={<Button kind="quiet">{name}</Button>}>
          <TaskChoices kind={kind} task={first} targets={tasks} model={model} />
        </Menu>
      ))}
      <Button kind="quiet" onClick={archive}>{isArchive ? "Take out of the archive" : "Archive"}</Button>
      <Button kind="quiet" aria-label="Select nothing" onClick={clear}><X size={16} aria-hidden /></Button>
    </div>
  );
}

/** Cards that go leave the focus to the next one that stays, or the one before; where none does, to the top of the page. */
function focusAfter(ids: ReadonlySet<string>): void {
  const all = [...document.querySelectorAll<HTMLElement>("[data-task]")].map(({ dataset }) => dataset.task!);
  const last = all.findLastIndex((id) => ids.has(id));
  const heir = all.slice(last + 1).find((id) => !ids.has(id)) ?? all.findLast((id) => !ids.has(id));
  if (heir) focusCard(heir);
  else focusFilters();
}

/** Messages stay above the bar, which they would cover. Its height changes with the room that it has, and is told by the browser. */
function keepFree(bar: HTMLElement | null): (() => void) | undefined {
  if (!bar) return undefined;
  const watch = new ResizeObserver(([seen]) => liftToasts(seen?.borderBoxSize[0]?.blockSize ?? 0));
  watch.observe(bar);
  return () => {
    watch.disconnect();
    liftToasts(0);
  };
}
