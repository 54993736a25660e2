import { describe, expect, it } from "vitest";
import type { Task } from "../data/model";
import { offersOn, openKeyOf } from "./offers";

const task = (more: Partial<Task> = {}): Task => ({
  __typename: "Task", id: "t", version: 1, key: "K-1", title: "Title", description: "", priority: "NONE", startDate: null, dueDate: null,
  estimate: null, rank: "a", createdAt: "", updatedAt: "", completedAt: null, archivedAt: null, project: null, status: { id: "s" },
  assignees: [], labels: [], commentCount: 0, parent: null, createdBy: { id: "u", name: "U" }, ...more,
});
const texts = (...targets: Task[]): string[] => offersOn(targets, true, "ann", true).map(({ text }) => text);

describe("the palette offers on a task", () => {
  it("what a key does, with the key", () => {
    const hints = Object.fromEntries(offersOn([task()], true, "ann", true).map(({ id, hint }) => [id, hint]));
    expect(hints).toEqual({ mine: "I", assignees: "A", status: "S", priority: "P", labels: "L", due: "D", project: "M", archive: "", undo: "Ctrl or ⌘ Z" });
  });
  it("the opposite of what is so", () => {
    expect(texts(task())).toEqual(expect.arrayContaining(["Assign to me", "Archive"]));
    const mine = texts(task({ assignees: [{ id: "ann", name: "Ann" }], archivedAt: "2026-01-01T00:00:00Z" }));
    expect(mine).toEqual(expect.arrayContaining(["Give it back: assign it to me no more", "Take out of the archive"]));
    expect(mine).not.toContain("Archive");
  });
  it("how many are changed together", () => {
    expect(texts(task(), task({ id: "t2" }))).toEqual(expect.arrayContaining(["Archive (2 tasks)", "Undo the last change"]));
  });
  it("nothing to whoever may not change it, and the undo alone without a task", () => {
    expect(offersOn([task()], false, "ann", true)).toEqual([]);
    expect(texts()).toEqual(["Undo the last change"]);
  });
  it("no undo where there is nothing to undo", () => {
    expect(offersOn([], true, "ann", false)).toEqual([]);
    expect(offersOn([task()], true, "ann", false).map(({ id }) => id)).not.toContain("undo");
  });
});

it.each([
  ["/w/quartet/board/QUAR-1", "QUAR-1"], ["/w/quartet/list/tü-1", "tü-1"], ["/w/quartet/board", undefined], ["/w/quartet/settings/labels", undefined], ["/tasks", undefined],
])("at %s the open task is %s", (path, key) => expect(openKeyOf(path)).toBe(key));
