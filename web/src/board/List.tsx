/** The same tasks as rows, one status after the other. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useMemo, useRef } from "react";
import type { Model, Status, Task } from "../data/model";
import { Avatar, Dot } from "../ui/controls";
import { useSelection } from "./selection";
import { useSteady } from "./steady";
import { PRIORITY_NAMES, type Columns } from "./arrange";
import { PRIORITY_LOOKS } from "./Card";
import { takeFocus, useFollowing } from "./focus";

type Line = { readonly kind: "status"; readonly status: Status; readonly count: number } | { readonly kind: "task"; readonly task: Task; readonly status: Status };

interface ListProps {
  model: Model;
  columns: Columns;
  openId: string | undefined;
  onOpen: (task: Task) => void;
}

export function List({ model, columns, openId, onOpen }: ListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const selected = useSelection((state) => state.ids);
  const lines = useMemo(() => linesOf(model.statuses, columns), [model.statuses, columns]);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 45,
    getItemKey: useCallback((index: number) => idOf(lines[index]!), [lines]),
    overscan: 10,
  });
  const rows = useRef<HTMLDivElement>(null);
  const items = virtual.getVirtualItems();
  useSteady(scroller, rows, new Map(items.map(({ key, start }) => [String(key), start])), lines);
  useFollowing(scroller, () => lines.map(idOf), (index) => virtual.scrollToIndex(index));
  return (
    <div ref={scroller} className="min-h-0 grow overflow-y-auto p-3">
      <div ref={rows} className="relative" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const line = lines[item.index]!;
          return (
            <div key={item.key} className="absolute top-0 left-0 w-full" style={{ transform: `translateY(${item.start}px)`, height: item.size }}>
              {line.kind === "status" ? (
                <h2 className="flex items-center gap-2 pt-3 text-sm font-semibold"><Dot color={line.status.color} />{line.status.name}<span className="font-normal text-dim">{line.count}</span></h2>
              ) : (
                <button ref={takeFocus} type="button" data-task={line.task.id} data-selected={selected.has(line.task.id) || undefined} aria-current={line.task.id === openId || undefined} onClick={() => onOpen(line.task)}
                  className="flex h-11 w-full items-center gap-3 border-b border-line px-2 text-left text-sm hover:bg-hover aria-[current=true]:bg-soft data-selected:bg-soft data-selected:ring-2 data-selected:ring-accent data-selected:ring-inset">
                  {selected.has(line.task.id) && <span className="sr-only">Selected.</span>}
                  <span className="w-20 shrink-0 truncate text-xs text-dim">{line.task.key || "Saving…"}</span>
                  <span className="min-w-0 grow truncate font-medium">{line.task.title}</span>
                  {line.task.priority !== "NONE" && <span className={`text-xs font-semibold max-sm:sr-only ${PRIORITY_LOOKS[line.task.priority]}`}>{PRIORITY_NAMES[line.task.priority]}</span>}
                  {line.task.dueDate && <span className="text-xs text-dim max-sm:sr-only">{line.task.dueDate}</span>}
                  <span className="flex -space-x-1.5 *:ring-2 *:ring-surface">{line.task.assignees.slice(0, 3).map(({ id, name }) => <Avatar key={id} id={id} name={model.nameById.get(id) || name || "?"} size={22} />)}</span>
                </button>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

const idOf = (line: Line): string => (line.kind === "task" ? line.task.id : line.status.id);

const linesOf = (statuses: readonly Status[], columns: Columns): Line[] =>
  statuses.flatMap((status): Line[] => {
    const tasks = columns.get(status.id) ?? [];
    return tasks.length ? [{ kind: "status", status, count: tasks.length }, ...tasks.map((task): Line => ({ kind: "task", task, status }))] : [];
  });
