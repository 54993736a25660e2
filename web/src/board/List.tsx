/** The same tasks as rows, one group after the other. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useMemo, useRef } from "react";
import type { Model, Task } from "../data/model";
import { Avatar, Dot } from "../ui/controls";
import { dayAlone } from "../ui/day";
import { useSelection } from "./selection";
import { useSteady } from "./steady";
import { PRIORITY_NAMES } from "./arrange";
import type { Group } from "./groups";
import { PRIORITY_LOOKS } from "./Card";
import { takeFocus, useFollowing } from "./focus";

type Line = { readonly group: Group; readonly task?: Task };

interface ListProps {
  model: Model;
  groups: readonly Group[];
  /** Whether the groups are the statuses; otherwise each row shows its own. */
  isByStatus: boolean;
  openId: string | undefined;
  onOpen: (task: Task) => void;
}

export function List({ model, groups, isByStatus, openId, onOpen }: ListProps) {
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
  useSteady(scroller, rows, { starts: new Map(items.map(({ key, start }) => [String(key), start])), order: lines, isScrolling: virtual.isScrolling, sideOf: () => 0 });
  useFollowing(scroller, () => lines.map(idOf), (index) => virtual.scrollToIndex(index));
  return (
    <div ref={scroller} className="min-h-0 grow overflow-y-auto p-3">
      <div ref={rows} className="relative" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const { group, task } = lines[item.index]!;
          const status = task && !isByStatus ? model.statusById.get(task.status.id) : undefined;
          return (
            <div key={item.key} data-row={item.key} className="absolute left-0 w-full hover:z-1" style={{ top: item.start, height: item.size }}>
              {!task ? (
                <h2 className="flex items-center gap-2 pt-3 text-sm font-semibold">{group.color && <Dot color={group.color} />}{group.name}<span className="font-normal text-dim">{group.tasks.length}</span></h2>
              ) : (
                <button ref={takeFocus} type="button" data-task={task.id} data-selected={selected.has(task.id) || undefined} aria-current={task.id === openId || undefined} onClick={() => onOpen(task)}
                  className="flex h-11 w-full items-center gap-3 border-b border-line px-2 text-left text-sm hover:bg-hover aria-[current=true]:bg-soft data-selected:bg-soft data-selected:ring-2 data-selected:ring-accent data-selected:ring-inset">
                  {selected.has(task.id) && <span className="sr-only">Selected.</span>}
                  <span className="w-20 shrink-0 truncate text-xs text-dim">{task.key || "Saving…"}</span>
                  <span className="min-w-0 grow truncate font-medium">{task.title}</span>
                  {status && <span className="flex items-center gap-1.5 text-xs whitespace-nowrap text-dim max-sm:sr-only"><Dot color={status.color} />{status.name}</span>}
                  {task.priority !== "NONE" && <span className={`text-xs font-semibold max-sm:sr-only ${PRIORITY_LOOKS[task.priority]}`}>{PRIORITY_NAMES[task.priority]}</span>}
                  {task.dueDate && <span className="text-xs text-dim max-sm:sr-only">{dayAlone(task.dueDate)}</span>}
                  <span className="flex -space-x-1.5 *:ring-2 *:ring-surface">{task.assignees.slice(0, 3).map(({ id, name }) => <Avatar key={id} id={id} name={model.nameById.get(id) || name || "?"} size={22} />)}</span>
                </button>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

const idOf = ({ group, task }: Line): string => task?.id ?? `group ${group.id}`;

const linesOf = (groups: readonly Group[]): Line[] =>
  groups.flatMap((group): Line[] => [...(group.name ? [{ group }] : []), ...group.tasks.map((task): Line => ({ group, task }))]);
