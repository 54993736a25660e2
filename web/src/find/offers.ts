/**
 * What the palette offers to do to the task at hand, each with the key that does the same.
 *
 * Invariant: pure; nothing is offered that the person may not do.
 */
import { QUICK_KEYS, type QuickKind } from "../board/quick-keys";
import type { Task } from "../data/model";

export interface Offer {
  readonly id: "mine" | QuickKind | "archive" | "undo";
  readonly text: string;
  /** The key; empty where there is none. */
  readonly hint: string;
}

/** `targets`: the task at hand and what is selected with it; none where no task is at hand. The last change, if there is one, can be undone anywhere. */
export function offersOn(targets: readonly Task[], mayWrite: boolean, myId: string, canUndo: boolean): readonly Offer[] {
  const [task] = targets;
  if (!mayWrite) return [];
  const undo: readonly Offer[] = canUndo ? [{ id: "undo", text: "Undo the last change", hint: "Ctrl or ⌘ Z" }] : [];
  if (!task) return undo;
  const offers: readonly Offer[] = [
    { id: "mine", text: task.assignees.some(({ id }) => id === myId) ? "Give it back: assign it to me no more" : "Assign to me", hint: "I" },
    ...QUICK_KEYS.map(({ key, kind, offer }) => ({ id: kind, text: offer, hint: key })),
    { id: "archive", text: task.archivedAt === null ? "Archive" : "Take out of the archive", hint: "" },
  ];
  const suffix = targets.length > 1 ? ` (${targets.length} tasks)` : "";
  return [...offers.map((offer) => ({ ...offer, text: offer.text + suffix })), ...undo];
}

/** What the address, decoded, calls the open task: its key or id; undefined where none is open. */
export const openKeyOf = (path: string): string | undefined => /^\/w\/[^/]+\/(?:board|list)\/([^/]+)/.exec(path)?.[1];
