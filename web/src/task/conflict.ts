/**
 * Texts that two people changed: both versions are kept until the person chooses, also over a reload.
 *
 * Invariant: what somebody wrote is forgotten only by their own choice, or when they sign out.
 */
import { create } from "zustand";
import type { OpenWorkspace, Refused } from "../data/workspace";

type Reason = Extract<Refused["reasons"][number], { __typename: "ConflictError" }>;

export interface Conflict {
  readonly key: string;
  /** The mutation that was refused, and what it asked for. */
  readonly name: string;
  readonly entityId: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly reason: Reason;
}

export const useConflicts = create<{ all: readonly Conflict[]; shownKey: string | null }>(() => ({ all: [], shownKey: null }));

const KEPT = "tutti.conflicts."; // localStorage, by person and workspace

const keptAt = (workspace: OpenWorkspace): string => `${KEPT}${workspace.myId}.${workspace.id}`;

/** Takes up what was not decided before the last reload. */
export function recallConflicts(workspace: OpenWorkspace): void {
  let all: Conflict[] = [];
  try {
    all = JSON.parse(localStorage.getItem(keptAt(workspace)) ?? "[]") as Conflict[];
  } catch {
    // what cannot be read cannot be shown
  }
  useConflicts.setState({ all, shownKey: all[0]?.key ?? null });
}

/** Keeps and shows a conflict; returns false if the refusal is none. */
export function tookConflict(workspace: OpenWorkspace, { operation, reasons }: Refused): boolean {
  if (!operation.name.startsWith("update")) return false;
  const reason = reasons.find((each): each is Reason => each.__typename === "ConflictError");
  if (!reason) return false;
  const { key, name, entityId, input } = operation;
  keep(workspace, [...useConflicts.getState().all, { key, name, entityId, input, reason }]);
  if (useConflicts.getState().shownKey === null) useConflicts.setState({ shownKey: key });
  return true;
}

/** The person has chosen; the next one is shown. */
export function settleConflict(workspace: OpenWorkspace, key: string): void {
  const rest = useConflicts.getState().all.filter((each) => each.key !== key);
  keep(workspace, rest);
  useConflicts.setState({ shownKey: rest[0]?.key ?? null });
}

function keep(workspace: OpenWorkspace, all: readonly Conflict[]): void {
  useConflicts.setState({ all });
  if (all.length) localStorage.setItem(keptAt(workspace), JSON.stringify(all));
  else localStorage.removeItem(keptAt(workspace));
}
