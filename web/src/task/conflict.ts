/**
 * Texts that two people changed: both versions are kept until the person chooses, also over a reload. What is chosen in one tab
 * is chosen in all.
 *
 * Invariant: what somebody wrote is forgotten only by their own choice, when they sign out, or by whoever has the browser after
 * their session was ended elsewhere (decision 0097).
 */
import { useSyncExternalStore } from "react";
import { create } from "zustand";
import type { OpenWorkspace, Refused } from "../data/workspace";
import { offerDraft } from "../ui/drafts";
import type { Typed } from "./typed";

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

let shownAt: string | null = null; // where those that are shown are kept

const putOff = new Set<string>(); // to be decided later: they do not come by themselves until the page is loaded anew

/** The first that comes by itself. */
const nextOf = (all: readonly Conflict[]): string | null => all.find(({ key }) => !putOff.has(key))?.key ?? null;

/** The person does not choose now; a note says so where it is about, and on every page of the workspace. */
export function decideLater(key: string): void {
  putOff.add(key);
  useConflicts.setState({ shownKey: null });
}

export const showConflict = (key: string): void => useConflicts.setState({ shownKey: key });

const KEPT = "tutti.conflicts."; // localStorage, by person and workspace

const keptAt = (workspace: OpenWorkspace): string => `${KEPT}${workspace.myId}.${workspace.id}`;

/** Takes up what was not decided when the workspace was left, and what other tabs decide. */
export function recallConflicts(workspace: OpenWorkspace): void {
  addEventListener("storage", heardOfOther); // once, however often it is added
  shownAt = keptAt(workspace);
  const all = keptOf(workspace);
  useConflicts.setState({ all, shownKey: nextOf(all) });
}

function heardOfOther({ key: changed }: StorageEvent): void {
  if (shownAt === null || (changed !== shownAt && changed !== null)) return;
  const all = keptIn(shownAt);
  const { shownKey } = useConflicts.getState();
  useConflicts.setState({ all, shownKey: all.some(({ key }) => key === shownKey) ? shownKey : null }); // what is new is asked there
}

const keptOf = (workspace: OpenWorkspace): readonly Conflict[] => keptIn(keptAt(workspace));

function keptIn(place: string): readonly Conflict[] {
  try {
    return JSON.parse(localStorage.getItem(place) ?? "[]") as Conflict[];
  } catch {
    return []; // what cannot be read cannot be shown
  }
}

/** Keeps a conflict, and shows it if its workspace is open; returns false if the refusal is none. */
export function tookConflict(workspace: OpenWorkspace, { operation, reasons }: Refused): boolean {
  if (!operation.name.startsWith("update")) return false;
  const reason = reasons.find((each): each is Reason => each.__typename === "ConflictError");
  if (!reason) return false;
  const { key, name, entityId, input } = operation;
  const others = keptOf(workspace);
  if (others.some((each) => each.key === key)) return true; // another tab has sent it, too, and asks
  keep(workspace, [...others, { key, name, entityId, input, reason }], key);
  return true;
}

/** The person has chosen; the next one is shown. */
export function settleConflict(workspace: OpenWorkspace, key: string): void {
  const rest = keptOf(workspace).filter((each) => each.key !== key);
  keep(workspace, rest, nextOf(rest));
}

/** The workspace is not theirs any more: nothing is left to choose, and what they wrote is like all else that they were writing. */
export function leaveConflicts(workspace: OpenWorkspace): void {
  for (const { entityId, input } of keptOf(workspace)) {
    for (const field of ["title", "description"] as const) {
      if (typeof input[field] === "string") offerDraft(`${field}.${entityId}`, JSON.stringify({ text: input[field], from: "", base: 0 } satisfies Typed));
    }
  }
  keep(workspace, [], null);
}

function keep(workspace: OpenWorkspace, all: readonly Conflict[], nextKey: string | null): void {
  if (all.length) localStorage.setItem(keptAt(workspace), JSON.stringify(all));
  else localStorage.removeItem(keptAt(workspace));
  const { shownKey } = useConflicts.getState();
  // Of another workspace nothing is shown; but how many there are has changed.
  useConflicts.setState(shownAt === keptAt(workspace) ? { all, shownKey: all.some(({ key }) => key === shownKey) ? shownKey : nextKey } : {});
}

/** How many changes this person has to decide about, in all their workspaces. */
export const undecidedOf = (personId: string): number =>
  Object.keys(localStorage).reduce((sum, place) => (place.startsWith(`${KEPT}${personId}.`) ? sum + keptIn(place).length : sum), 0);

export const useUndecidedOf = (personId: string): number => useSyncExternalStore(onKept, () => undecidedOf(personId));

function onKept(look: () => void): () => void {
  const unlisten = useConflicts.subscribe(look);
  addEventListener("storage", look);
  return () => {
    unlisten();
    removeEventListener("storage", look);
  };
}

/** Who changed the same: null where that was this person, in another tab or on another device. */
export function whoElse({ reason }: Conflict, personId: string): string | null {
  const by = reason.conflicts[0]?.changedBy;
  return by?.id === personId ? null : (by?.name ?? "Somebody");
}
