/**
 * The tasks that are selected, to change them together.
 *
 * Invariant: what acts on a task in focus acts on all that are selected only if that one is among them.
 */
import { create } from "zustand";
import type { Model, Task } from "../data/model";

const NOTHING: ReadonlySet<string> = new Set();

export const useSelection = create<{ ids: ReadonlySet<string>; lastId: string | null }>(() => ({ ids: NOTHING, lastId: null }));

export const clearSelection = (): void => useSelection.setState({ ids: NOTHING, lastId: null });

export function toggleSelected(id: string): void {
  useSelection.setState(({ ids }) => {
    const next = new Set(ids);
    if (!next.delete(id)) next.add(id);
    return { ids: next, lastId: id };
  });
}

/** Selects from what was selected last up to this one, in the order that is shown. */
export function selectTo(id: string, order: readonly Task[]): void {
  useSelection.setState(({ ids, lastId }) => {
    const to = order.findIndex((task) => task.id === id);
    const last = order.findIndex((task) => task.id === lastId);
    const from = last < 0 ? to : last;
    const between = order.slice(Math.min(from, to), Math.max(from, to) + 1).map((task) => task.id);
    return { ids: new Set([...ids, ...between]), lastId: id };
  });
}

/** The selected tasks if this one is among them, otherwise this one alone. */
export function targetsOf(task: Task, model: Model): readonly Task[] {
  const { ids } = useSelection.getState();
  return ids.has(task.id) ? selectedTasks(model, ids, task.archivedAt !== null) : [task];
}

/** The selected tasks that are still there, in their order: those in the archive, or those that are not. A page shows only one kind. */
export const selectedTasks = (model: Model, ids: ReadonlySet<string>, areArchived: boolean): Task[] =>
  model.tasks.filter(({ id, archivedAt }) => ids.has(id) && (archivedAt !== null) === areArchived);
