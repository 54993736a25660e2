/** The same tasks as rows, one group after the other. Where there is room, what is said of them stands in columns; otherwise below the title. */
import { MessageSquare } from "lucide-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useMemo, useRef } from "react";
import type { Model, Task } from "../data/model";
import { Avatars, Dot } from "../ui/controls";
import { dayAlone } from "../ui/day";
import { useSelection } from "./selection";
import { useSteady } from "./steady";
import { isLate, PRIORITY_LOOKS, PRIORITY_NAMES } from "./arrange";
import type { Group } from "./groups";
import { Archived, PartOf, Unsaved } from "./Card";
import { takeFocus, useFollowing } from "./focus";

type Line = { readonly group: Group; readonly task?: Task };

interface ListProps {
  model: Model;
  /** Today. */
  day: string;
  groups: readonly Group[];
  /** Whether the groups are the statuses; otherwise each row shows its own. */
  isByStatus: boolean;
  openId: string | undefined;
  onOpen: (task: Task) => void;
}

export default function List({ model, day, groups, isByStatus, openId, onOpen }: ListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const selected = useSelection((state) => state.ids);
  const lines = useMemo(() => linesOf(groups), [groups]);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 45,
    getItemKey: useCallback((index: number) => idOf(lines[index]!), [lines]),
    overscan: 10,
  });
  const rows = useRef<HTMLDivElement>(null);
  const items = virtual.getVirtualItems();
  useSteady(scroller, rows, { starts: new Map(items.map(({ key, start }) => [String(key), start])), order: lines, isScrolling: virtual.isScrolling });
  useFollowing(scroller, () => lines.map(idOf), (index) => virtual.scrollToIndex(index));
  return (
    <div ref={scroller} className="@container min-h-0 grow overflow-y-auto p-3">
      <div ref={rows} className="relative" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const { group, task } = lines[item.index]!;
          const parentKey = task?.parent ? model.taskById.get(task.parent.id)?.key : undefined;
          const late = task !== undefined && isLate(task, day);
          const status = task && !isByStatus ? model.statusById.get(task.status.id) : undefined;
          return (
            <div key={item.key} data-row={item.key} className="absolute left-0 w-full hover:z-1" style={{ top: item.start, height: item.size }}>
              {!task ? (
                <h2 className="flex items-center gap-2 pt-3 text-sm font-semibold">{group.color && <Dot color={group.color} />}{group.name}<span className="font-normal text-dim">{group.tasks.length}</span></h2>
              ) : (
                <button ref={takeFocus} type="button" data-task={task.id} data-selected={selected.has(task.id) || undefined} aria-current={task.id === openId || undefined} onClick={() => onOpen(task)}
                  className="grid h-11 w-full grid-cols-[repeat(4,auto)_minmax(0,1fr)_auto] content-center items-center gap-x-2 @2xl:flex @2xl:gap-x-3 border-b border-line px-2 text-left text-sm hover:bg-hover aria-[current=true]:bg-soft data-selected:bg-soft data-selected:ring-2 data-selected:ring-accent data-selected:ring-inset">
                  {selected.has(task.id) && <span className="sr-only">Selected.</span>}
                  <span className="truncate text-xs text-dim @max-2xl:row-start-2 @2xl:w-20 @2xl:shrink-0">{task.key || <Unsaved />}</span>
                  <span className="flex min-w-0 items-center gap-2 font-medium @max-2xl:col-span-5 @max-2xl:col-start-1 @max-2xl:row-start-1 @2xl:grow"><span className="truncate">{task.title}</span>{parentKey && <PartOf parentKey={parentKey} />}{task.archivedAt !== null && <Archived />}</span>
                  <span className="flex max-w-1/3 min-w-0 items-center gap-2 text-xs text-dim @max-4xl:hidden">
                    {task.labels.map(({ id }) => {
                      const label = model.labelById.get(id);
                      return label && <span key={id} className="inline-flex min-w-0 items-center gap-1"><Dot color={label.color} /><span className="truncate">{label.name}</span></span>;
                    })}
                  </span>
                  <span className={`${CELL} @2xl:w-9`}>{task.commentCount > 0 && <><MessageSquare size={13} aria-hidden />{task.commentCount}<span className="sr-only"> {task.commentCount === 1 ? "comment" : "comments"}</span></>}</span>
                  {!isByStatus && <span className={`${CELL} @2xl:w-28`}>{status && <><Dot color={status.color} /><span className="truncate">{status.name}</span></>}</span>}
                  <span className={`${CELL} @2xl:w-14`}>{task.priority !== "NONE" && <span className={`font-semibold ${PRIORITY_LOOKS[task.priority]}`}>{PRIORITY_NAMES[task.priority]}</span>}</span>
                  <span className={`${CELL} @2xl:w-28`}>{task.dueDate && <span className={late ? "text-bad" : ""}>{dayAlone(task.dueDate, day)}{late && " (late)"}</span>}</span>
                  <span className="flex gap-0.5 @max-2xl:col-start-6 @max-2xl:row-span-2 @max-2xl:row-start-1 @2xl:w-22 @2xl:shrink-0 @2xl:justify-end"><Avatars people={task.assignees} nameById={model.nameById} atMost={3} /></span>
                </button>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Below the title, what is empty takes no room; in a column it keeps its own. */
const CELL = "flex min-w-0 items-center gap-1 text-xs whitespace-nowrap text-dim @max-2xl:row-start-2 @max-2xl:empty:hidden @2xl:shrink-0";

const idOf = ({ group, task }: Line): string => task?.id ?? `group ${group.id}`;

const linesOf = (groups: readonly Group[]): Line[] =>
  groups.flatMap((group): Line[] => [...(group.name ? [{ group }] : []), ...group.tasks.map((task): Line => ({ group, task }))]);
