/** How many changes wait for the server in this tab, also those of workspaces that were left meanwhile. */
import { create } from "zustand";

const useWaiting = create<Readonly<Record<string, number>>>(() => ({}));

/** `name` is that of a person's workspace: their id, a dot, its id. */
export function setWaiting(name: string, count: number): void {
  if ((useWaiting.getState()[name] ?? 0) !== count) useWaiting.setState({ [name]: count });
}

/** Whether changes of this workspace have waited in this tab: it knows how many do. */
export const isCounted = (name: string): boolean => name in useWaiting.getState();

/** Whether anything waits, of whomever. */
export const isAnyWaiting = (): boolean => Object.values(useWaiting.getState()).some((count) => count > 0);

/** How many changes of this person wait. */
export const useWaitingOf = (personId: string): number =>
  useWaiting((all) => Object.entries(all).reduce((sum, [name, count]) => (name.startsWith(`${personId}.`) ? sum + count : sum), 0));
