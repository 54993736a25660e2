import { describe, expect, it } from "vitest";
import type { Model, Task } from "../data/model";
import type { Change } from "./deeds";
import { judged, restorationOf } from "./restoring";
import { named, said } from "./words";

const task = (more: object = {}): Task =>
  ({
    id: "task_1", title: "Now", description: "", priority: "HIGH", startDate: null, dueDate: null, estimate: null, rank: "m", archivedAt: null,
    status: { id: "status_b" }, project: null, parent: null, assignees: [], labels: [], ...more,
  }) as unknown as Task;
const member = (name: string): object => ({ role: "MEMBER", projects: null, user: { id: `user_${name}`, name } });
const model = (tasks: readonly Task[] = [task()], role = "MEMBER"): Model =>
  ({
    me: { role },
    statusById: new Map([["status_a", { name: "To do" }], ["status_b", { name: "Done" }]]),
    labelById: new Map([["label_a", { name: "Strings" }]]),
    taskById: new Map(tasks.map((each) => [each.id, each])),
    projects: [{ id: "project_a", name: "Concert" }],
    members: [member("ann"), member("bob")],
    nameById: new Map([["user_ann", "Ann"], ["user_bob", "Bob"]]),
  }) as unknown as Model;
const MODEL = model();
const change = (field: string, before: unknown, after: unknown): Change => ({ field, before, after });
const refs = (...ids: string[]): { id: string }[] => ids.map((id) => ({ id }));
const overwritten = (now: Task, ...changes: Change[]): string[] => [...judged(now, changes, MODEL).overwritten];
const isUndoable = (now: Task, ...changes: Change[]): boolean => judged(now, changes, MODEL).isUndoable;

describe("a change of a history", () => {
  it("is undone while each of its fields is as it made it, or as it was before", () => {
    const [title, priority] = [change("TITLE", "Then", "Now"), change("PRIORITY", "LOW", "HIGH")];
    expect(isUndoable(task(), title, priority)).toBe(true);
    expect(overwritten(task(), title, priority)).toEqual([]);
    expect(isUndoable(task({ title: "Then" }), title, priority)).toBe(true);
    expect(isUndoable(task({ title: "Then", priority: "LOW" }), title, priority)).toBe(false); // there is nothing left of it
  });

  it("that others went on from is refused as a whole: then each of its values is put back by itself", () => {
    const changes = [change("TITLE", "Then", "Between"), change("PRIORITY", "LOW", "HIGH"), change("DUE_DATE", null, "2026-05-01")];
    expect(isUndoable(task(), ...changes)).toBe(false);
    expect(overwritten(task(), ...changes)).toEqual(["TITLE", "PRIORITY"]); // it has no due date again
    const moved = [change("STATUS", "status_a", "status_b"), change("RANK", "a", "c")];
    expect(isUndoable(task(), ...moved)).toBe(false); // it stands at another place since, as the server judges, too
    expect(overwritten(task(), ...moved)).toContain("STATUS");
    expect(isUndoable(task({ rank: "c" }), ...moved)).toBe(true);
  });

  it("of a set is undone though others came since, and what it was is put back as well", () => {
    const left = change("ASSIGNEES", ["user_ann"], []);
    expect(judged(task({ assignees: refs("user_bob") }), [left], MODEL)).toEqual({ isUndoable: true, overwritten: new Set(["ASSIGNEES"]) });
    expect(isUndoable(task(), left)).toBe(true);
    expect(overwritten(task(), left)).toEqual([]);
    const gone = change("LABELS", [], ["label_a"]);
    expect(judged(task({ labels: refs("label_b") }), [gone], MODEL)).toEqual({ isUndoable: false, overwritten: new Set(["LABELS"]) });
  });

  it.each([
    ["Play the old waltz softly", "Play the new waltz softly", "Sing the new waltz softly", true],
    ["Play the old waltz", "Play the new waltz", "Play the newest waltz", false],
    ["Play the old waltz", "Play the new waltz", "Sing it", false],
    ["One two", "One", "One, too", false],
  ])("of a description %s → %s is undone where %s leaves a word between", (before, after, description, isMerged) => {
    const text = change("DESCRIPTION", before, after);
    expect(judged(task({ description }), [text], MODEL)).toEqual({ isUndoable: isMerged, overwritten: new Set(["DESCRIPTION"]) });
  });

  it("is not undone where what it pointed at is gone", () => {
    expect(isUndoable(task(), change("STATUS", "status_gone", "status_b"))).toBe(false);
    expect(isUndoable(task(), change("ASSIGNEES", ["user_gone"], []))).toBe(false);
    expect(isUndoable(task(), change("STATUS", "status_a", "status_b"))).toBe(true);
  });

  it("of the archive, or of a deletion, is undone while it is the last", () => {
    const archived = change("ARCHIVED", null, "2026-05-01T08:00:00.000Z");
    expect(isUndoable(task({ archivedAt: "2026-05-01T08:00:00Z" }), archived)).toBe(true);
    expect(isUndoable(task({ archivedAt: "2026-06-01T08:00:00Z" }), archived)).toBe(false);
    expect(isUndoable(task(), change("DELETED", null, "2026-05-01T08:00:00.000Z"))).toBe(false);
    expect(isUndoable(task(), change("DELETED", "2026-05-01T08:00:00.000Z", null))).toBe(true);
  });
});

describe("a value that was overwritten", () => {
  it.each([
    [change("TITLE", "Then", "Between"), { mutation: "updateTask", change: { title: "Then" } }],
    [change("DUE_DATE", "2026-05-01", null), { mutation: "updateTask", change: { dueDate: "2026-05-01" } }],
    [change("PRIORITY", "LOW", "NONE"), { mutation: "updateTask", change: { priority: "LOW" } }],
    [change("STATUS", "status_a", "status_c"), { mutation: "moveTask", change: { statusId: "status_a", position: { edge: "LAST" } } }],
    [change("PROJECT", "project_a", null), { mutation: "moveTask", change: { projectId: "project_a", position: { edge: "LAST" } } }],
    [change("LABELS", ["label_a"], []), { mutation: "updateTask", change: { addLabelIds: ["label_a"] } }],
  ])("%o is put back as a change of today", (one, restoration) => expect(restorationOf(task(), one, MODEL)).toEqual(restoration));

  it("of a set is put back by what differs from now, of those who are still there", () => {
    const now = task({ assignees: refs("user_bob") });
    expect(restorationOf(now, change("ASSIGNEES", ["user_ann", "user_gone"], []), MODEL)?.change).toEqual({ addAssigneeIds: ["user_ann"], removeAssigneeIds: ["user_bob"] });
    expect(restorationOf(now, change("ASSIGNEES", ["user_bob", "user_gone"], []), MODEL)).toBeNull();
  });

  it("is not put back where it is there, or what it points at is gone", () => {
    expect(restorationOf(task(), change("TITLE", "Now", "Between"), MODEL)).toBeNull();
    expect(restorationOf(task(), change("STATUS", "status_gone", "status_a"), MODEL)).toBeNull();
    expect(restorationOf(task(), change("PROJECT", "project_gone", null), MODEL)).toBeNull();
    expect(restorationOf(task(), change("KEY", "T-1", "T-2"), MODEL)).toBeNull();
  });

  it("of a parent is put back unless the task would be below itself", () => {
    const [part, other] = [task({ id: "task_2", parent: { id: "task_1" } }), task({ id: "task_3" })];
    const tasks = model([task(), part, other]);
    expect(restorationOf(task(), change("PARENT", "task_3", null), tasks)?.change).toEqual({ parentId: "task_3" });
    expect(restorationOf(task(), change("PARENT", "task_2", null), tasks)).toBeNull();
    expect(restorationOf(task(), change("PARENT", "task_4", null), tasks)).toBeNull();
    expect(restorationOf(task({ parent: { id: "task_3" } }), change("PARENT", null, "task_3"), tasks)?.change).toEqual({ parentId: null });
  });

  it("takes no task of a guest out of its project", () => {
    const inside = task({ project: { id: "project_a" } });
    const moved = change("PROJECT", null, "project_a");
    expect(restorationOf(inside, moved, MODEL)?.change).toMatchObject({ projectId: null });
    expect(restorationOf(inside, moved, model([inside], "GUEST"))).toBeNull();
  });

  it("is named in words", () => {
    expect(named("Old title", MODEL, "TITLE")).toBe("the title “Old title”");
    expect(named("One\n\ntwo ".repeat(20), MODEL, "DESCRIPTION")).toMatch(/^the description “One two One .{48}…”$/);
    expect(named(null, MODEL, "DUE_DATE")).toBe("no due date");
    expect(named(["user_ann", "user_gone"], MODEL, "ASSIGNEES")).toBe("the assignees “Ann, somebody who left”");
    expect(said("status_gone", MODEL, "STATUS")).toBe("a status that is gone");
    expect(said("HIGH", MODEL, "TITLE")).toBe("HIGH");
  });
});
