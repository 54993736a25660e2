/**
 * Which keys do something where the person is.
 *
 * Invariant: pure; a key is listed only where it works, and only for whoever may do what it does.
 */
import { QUICK_KEYS } from "../board/quick-keys";
import { openKeyOf } from "./offers";

export interface Place {
  /** The path of the address. */
  readonly path: string;
  /** Whether pages of a workspace can be gone to. */
  readonly hasWorkspace: boolean;
  readonly mayWrite: boolean;
  readonly mayComment: boolean;
}

type Line = readonly [key: string, does: string];

export interface KeyGroup {
  readonly title: string;
  readonly keys: readonly Line[];
}

/** The keys by where they work: those of the page first. */
export function validKeys({ path, hasWorkspace, mayWrite, mayComment }: Place): readonly KeyGroup[] {
  const view = /^\/w\/[^/]+(?:\/([^/]+))?/.exec(path)?.[1];
  const isList = view === "list";
  const isBoard = /^\/w\/[^/]+(\/board|\/?$)/.test(path);
  const write = (...keys: readonly Line[]): readonly Line[] => (mayWrite ? keys : []);
  const comment = (...keys: readonly Line[]): readonly Line[] => (mayComment ? keys : []);
  const inside = (...keys: readonly Line[]): readonly Line[] => (hasWorkspace ? keys : []);
  const isOpen = openKeyOf(path) !== undefined;
  const groups: readonly (KeyGroup | false)[] = [
    isOpen && {
      title: "In the open task",
      keys: [
        ...write(["Enter", "Save the title"], ["Ctrl or ⌘ and Enter", mayComment ? "Save the description, send the comment" : "Save the description"]),
        ...(mayWrite ? [] : comment(["Ctrl or ⌘ and Enter", "Send the comment"])),
        ...comment(["@", "Mention somebody"]),
        ["J and K", "Open the next and the previous task"],
        ["Esc", "Stop typing, then close the task"],
      ],
    },
    (isBoard || isList) && {
      title: isList ? "On the list" : "On the board",
      keys: [
        ["J and K", "Next and previous task"], ["Arrows", "The task beside"], ["Enter or Space", "Open it"],
        ...write(
          ["Alt and arrows", isList ? "Move it; up and down where it is sorted by hand" : "Move it"], ["Ctrl or ⌘ and Z", "Undo the last change"], ["Ctrl or ⌘, Shift and Z", "Do it again"],
          ["X", "Select it, to change several"], ["Shift and click", "Select up to there"], ["Esc", "Select nothing"],
        ),
      ],
    },
    (isBoard || isList) && mayWrite && {
      title: isOpen ? "On the card that has the focus, or else the open task" : "On a task that has the focus",
      keys: [["I", "Take it, or give it back"], ...QUICK_KEYS.map(({ key, name }): Line => [key, name])],
    },
    (view === "search" || path === "/tasks") && {
      title: "On the tasks that are listed",
      keys: [["J and K, or arrows", "Next and previous task"], ["Enter", "Open it"]],
    },
    {
      title: "Everywhere",
      keys: [
        ["Ctrl K or ⌘ K", "Find a task, a place or an action"],
        ...(mayWrite ? inside(["C", "New task"]) : []),
        ...inside(["/", "Search"], ["G then B", "Board"], ["G then L", "List"], ["G then M", "Members"], ["G then S", "Search"]),
        ["G then T", "My tasks"], ["G then I", "Inbox"], ["?", "These keys"], ["Esc", "Close what is open"],
      ],
    },
  ];
  return groups.filter((group) => group !== false);
}
