import { describe, expect, it } from "vitest";
import { roomIn } from "./room";

describe("the line of filters", () => {
  it.each([
    ["a large screen", 1696, 20, true, { hasMenus: true, hasPeople: true, people: 12, hasWords: true, isNarrow: false }],
    ["1280 px, two people", 1056, 2, false, { hasMenus: true, hasPeople: true, people: 2, hasWords: true, isNarrow: false }],
    ["1280 px, four people and projects", 1056, 4, true, { hasMenus: false, hasPeople: true, people: 4, hasWords: true, isNarrow: false }],
    ["1280 px, a large team", 1056, 250, false, { hasMenus: true, hasPeople: true, people: 2, hasWords: true, isNarrow: false }],
    ["1024 px", 800, 4, true, { hasMenus: false, hasPeople: true, people: 2, hasWords: true, isNarrow: false }],
    ["1280 px beside an open task", 608, 4, true, { hasMenus: false, hasPeople: false, people: 0, hasWords: false, isNarrow: false }],
    ["1280 px beside an open task, alone", 608, 1, false, { hasMenus: false, hasPeople: true, people: 1, hasWords: false, isNarrow: false }],
    ["a phone", 360, 1, false, { hasMenus: false, hasPeople: false, people: 0, hasWords: false, isNarrow: true }],
  ])("has room for what fits: %s", (_, width, members, hasProjects, room) => {
    expect(roomIn(width, members, hasProjects)).toEqual(room);
  });

  it("shows nobody where it cannot show all of them and what opens the rest", () => {
    for (let width = 300; width < 2_000; width += 7) {
      const { hasMenus, hasPeople, people } = roomIn(width, 30, true);
      expect(hasPeople).toBe(people > 0);
      expect(hasMenus && !hasPeople).toBe(false);
      expect(people).toBeLessThanOrEqual(12);
    }
  });
});
