import { describe, expect, it } from "vitest";
import { validKeys, type Place } from "./valid-keys";

const groups = (path: string, more: Partial<Place> = {}) => validKeys({ path, hasWorkspace: true, mayWrite: true, mayComment: true, ...more });
const titles = (path: string, more?: Partial<Place>): string[] => groups(path, more).map(({ title }) => title);
const keys = (path: string, more?: Partial<Place>): string[] => groups(path, more).flatMap((group) => group.keys.map(([key]) => key));

describe("the keys that are listed", () => {
  it.each([
    ["/w/q/board", ["On the board", "On a task that has the focus", "Everywhere"]],
    ["/w/q", ["On the board", "On a task that has the focus", "Everywhere"]],
    ["/w/q/list", ["On the list", "On a task that has the focus", "Everywhere"]],
    ["/w/q/board/Q-1", ["In the open task", "On the board", "On the card that has the focus, or else the open task", "Everywhere"]],
    ["/w/q/search", ["On the tasks that are listed", "Everywhere"]],
    ["/tasks", ["On the tasks that are listed", "Everywhere"]],
    ["/w/q/members", ["Everywhere"]],
    ["/w/q/settings/labels", ["Everywhere"]],
    ["/inbox", ["Everywhere"]],
  ])("at %s are those of that page", (path, expected) => expect(titles(path)).toEqual(expected));

  it("are those of what the person may do", () => {
    const reader = keys("/w/q/board/Q-1", { mayWrite: false, mayComment: false });
    expect(reader).toEqual(expect.arrayContaining(["J and K", "Esc", "?"]));
    for (const key of ["C", "X", "A", "@", "Alt and arrows", "Ctrl or ⌘ and Enter"]) expect(reader).not.toContain(key);
    expect(keys("/w/q/board/Q-1", { mayWrite: false })).toContain("Ctrl or ⌘ and Enter");
    expect(keys("/inbox", { hasWorkspace: false })).not.toContain("G then B");
  });
  it("stand once in each group", () => {
    for (const path of ["/w/q/board/Q-1", "/w/q/list/Q-1", "/tasks"])
      for (const group of groups(path)) expect(new Set(group.keys.map(([key]) => key)).size).toBe(group.keys.length);
  });
});
