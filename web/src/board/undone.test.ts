import { describe, expect, it } from "vitest";
import type { Model, Project, Status, Task } from "../data/model";
import type { Deed } from "../sync/undo";
import { redoneWords, undoneWords } from "./undone";

const model = {
  taskById: new Map([["task_1", { id: "task_1", title: "Tune" } as Task]]),
  statusById: new Map([["status_a", { name: "To do" } as Status]]),
  labelById: new Map(),
  nameById: new Map([["user_a", "Ann"]]),
  projects: [{ id: "project_a", name: "Concert" } as Project],
} as unknown as Model;

function undone(fields: NonNullable<Deed["fields"]>, more: { name?: string; updates?: unknown[]; deeds?: Deed[] } = {}): string {
  const { name = "updateTask", updates, deeds = [] } = more;
  return undoneWords({ operation: { key: "1", name, entityId: "task_1", input: updates ? { updates } : {}, deeds: [{ id: "task_1", fields }, ...deeds] }, count: 1 }, model);
}

describe("what was undone", () => {
  it("is said by what is there again", () => {
    expect(undone({ status: [{ id: "status_a" }, { id: "status_b" }], rank: ["a", "b"] })).toBe("The status of “Tune” is To do again");
    expect(undone({ priority: ["HIGH", "LOW"] })).toBe("The priority of “Tune” is High again");
    expect(undone({ title: ["Tone", "Tune"] })).toBe("The title of “Tune” is Tone again");
    expect(undone({ dueDate: [null, "2026-05-01"] })).toBe("“Tune” has no due date again");
    expect(undone({ assignees: [[], [{ id: "user_a" }]] })).toBe("“Tune” has no assignees again");
    expect(undone({ assignees: [[{ id: "user_a" }], []] })).toBe("The assignees of “Tune” are Ann again");
    expect(undone({ rank: ["a", "b"] })).toBe("“Tune” is where it was");
    expect(undone({ archivedAt: [null, "2026-05-01T00:00:00Z"] })).toBe("“Tune” is out of the archive again");
    expect(undone({ description: ["a", "b"] })).toBe("The description of “Tune” is as before");
    expect(undone({ project: [{ id: "project_a" }, null], status: [{ id: "status_a" }, { id: "status_b" }] })).toBe("The project and the status of “Tune” are as before");
  });

  it("is said of what was done again by what it came to", () => {
    const operation = { key: "1", name: "updateTask", entityId: "task_1", input: {}, deeds: [{ id: "task_1", fields: { status: [{ id: "status_b" }, { id: "status_a" }] as const } }] };
    expect(redoneWords({ operation, count: 1 }, model)).toBe("The status of “Tune” is To do again");
  });

  it("is said of several as of one where they were alike", () => {
    const updates = [1, 2];
    const both = (before: unknown) => ({ updates, deeds: [{ id: "task_2", fields: { priority: [before, "HIGH"] as const } }] });
    expect(undone({ priority: ["LOW", "HIGH"] }, both("LOW"))).toBe("The priority of 2 tasks is Low again");
    expect(undone({ priority: ["LOW", "HIGH"] }, both("NONE"))).toBe("The priority of 2 tasks is as before");
    const apart = [{ id: "task_2", fields: { status: [{ id: "status_b" }, { id: "status_c" }] as const } }];
    expect(undone({ status: [{ id: "status_a" }, { id: "status_c" }] }, { updates, deeds: apart })).toBe("The status of 2 tasks is as before");
  });

  it("is said of what was taken away, and of comments", () => {
    const deleted = { key: "1", name: "deleteTask", entityId: "task_9", input: {}, deeds: [{ id: "task_9", row: { id: "task_9", version: 1, title: "Tune" } as Deed["row"] & object }] };
    expect(undoneWords({ operation: deleted, count: 1 }, model)).toBe("“Tune” is back");
    expect(redoneWords({ operation: deleted, count: 1 }, model)).toBe("“Tune” is deleted again");
    expect(undone({ resolvedAt: [null, "2026-05-01T00:00:00Z"] }, { name: "updateComment" })).toBe("Your comment is open again");
    expect(undone({ body: ["a", "b"] }, { name: "updateComment" })).toBe("The text of your comment is as before");
  });
});
