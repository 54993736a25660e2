import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnsOf } from "../board/arrange";
import { arrange, Arranger, type AnyRow, type Comment, type Label, type Model, type Status, type Task } from "./model";

const ME = "user_me";
const status = (id: string, rank = id): Status => ({ __typename: "Status", id: `status_${id}`, version: 1, name: id, category: "TODO", color: "#000000", rank });
const label = (id: string): Label => ({ __typename: "Label", id: `label_${id}`, version: 1, name: id, color: "#000000" });
const task = (id: string, more: Partial<Task> = {}): Task => ({
  __typename: "Task", id: `task_${id}`, version: 1, key: `K-${id}`, title: `Title ${id}`, description: "", priority: "NONE", startDate: null, dueDate: null,
  estimate: null, rank: id, createdAt: "", updatedAt: "", completedAt: null, archivedAt: null, project: null, status: { id: "status_a" },
  assignees: [], labels: [], commentCount: 0, parent: null, createdBy: { id: "u", name: "U" }, ...more,
});
const comment = (id: string, taskId: string, more: Partial<Comment> = {}): Comment => ({
  __typename: "Comment", id: `comment_${id}`, version: 1, body: `Said ${id}`, createdAt: id, editedAt: null, resolvedAt: null,
  task: { id: `task_${taskId}` }, author: { id: "u", name: "U" }, parent: null, reactions: [], ...more,
} as Comment);

/** Rows that change, and an arranger that is told of it. */
function arranged(...rows: AnyRow[]) {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const arranger = new Arranger({ get: (id) => byId.get(id), all: () => byId.values() }, ME);
  const put = (row: AnyRow): void => void byId.set(row.id, row);
  return { byId, arranger, put };
}

const plain = (model: Model) => ({ ...model, taskById: new Map([...model.taskById].sort(([a], [b]) => (a < b ? -1 : 1))) });

describe("a model that is kept up to date", () => {
  const someTask = fc.record({ id: fc.constantFrom(..."abcdefgh"), rank: fc.constantFrom("1", "2", "3", "4"), parent: fc.option(fc.constantFrom("a", "b")), title: fc.string({ maxLength: 2 }) });
  const step = fc.oneof(
    { weight: 6, arbitrary: someTask.map((each) => ({ put: task(each.id, { rank: each.rank, title: each.title, parent: each.parent === null ? null : { id: `task_${each.parent}`, key: "", title: "" } as Task["parent"] }) as AnyRow })) },
    { weight: 2, arbitrary: fc.constantFrom(..."abcdefgh").map((id) => ({ drop: `task_${id}` })) },
    { weight: 4, arbitrary: fc.record({ id: fc.constantFrom(..."abcd"), on: fc.constantFrom("a", "b"), at: fc.constantFrom("1", "2") }).map(({ id, on, at }) => ({ put: comment(id, on, { createdAt: at }) as AnyRow })) },
    { weight: 2, arbitrary: fc.constantFrom(..."abcd").map((id) => ({ drop: `comment_${id}` })) },
    { weight: 1, arbitrary: fc.constantFrom(..."abc").map((id) => ({ drop: `label_${id}` })) },
    { weight: 1, arbitrary: fc.constantFrom(..."abc").map((rank) => ({ put: status("a", rank) as AnyRow })) },
    { weight: 1, arbitrary: fc.constantFrom(..."abc").map((id) => ({ put: label(id) as AnyRow })) },
  );

  it("is what all rows make, whatever has changed", () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 4 })), (frames) => {
        const { byId, arranger, put } = arranged(status("a"), task("a"), task("b"));
        for (const steps of frames) {
          for (const one of steps) {
            if ("put" in one) put(one.put);
            else byId.delete(one.drop);
            arranger.touch(["put" in one ? one.put.id : one.drop]);
          }
          expect(plain(arranger.update())).toEqual(plain(arrange(byId.values(), ME)));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("keeps all that a changed task does not touch", () => {
    const { arranger, put } = arranged(status("a"), status("b"), label("x"), task("a"), task("b", { status: { id: "status_b" } }), task("c"));
    const before = arranger.update();
    put(task("b", { title: "New", status: { id: "status_b" }, version: 2 }));
    arranger.touch(["task_b"]);
    const after = arranger.update();
    expect(after.tasks.map(({ title }) => title)).toEqual(["Title a", "New", "Title c"]);
    for (const part of ["statuses", "statusById", "labels", "labelById", "members", "nameById", "projects", "subtasksOf", "commentsOf"] as const) expect(after[part]).toBe(before[part]);
    const columns = columnsOf(before.statuses, before.tasks);
    const columnsAfter = columnsOf(after.statuses, after.tasks, columns);
    expect(columnsAfter.get("status_a")).toBe(columns.get("status_a"));
    expect(columnsAfter.get("status_b")).not.toBe(columns.get("status_b"));
    expect(arranger.update()).toBe(after);
  });

  it("touches no task and no column where somebody has said something, and no other comments", () => {
    const parent = { id: "task_a", key: "", title: "" } as Task["parent"];
    const { byId, arranger, put } = arranged(status("a"), task("a"), task("b", { parent }), comment("1", "a"), comment("3", "a"), comment("1b", "b"));
    const before = arranger.update();
    const columns = columnsOf(before.statuses, before.tasks);
    put(comment("2", "a"));
    arranger.touch(["comment_2"]);
    const after = arranger.update();
    expect(after.commentsOf.get("task_a")?.map(({ id }) => id)).toEqual(["comment_1", "comment_2", "comment_3"]);
    for (const part of ["tasks", "subtasksOf", "statuses", "labelById", "nameById"] as const) expect(after[part]).toBe(before[part]);
    expect(after.commentsOf.get("task_b")).toBe(before.commentsOf.get("task_b"));
    expect(columnsOf(after.statuses, after.tasks, columns).get("status_a")).toBe(columns.get("status_a"));
    byId.delete("comment_2");
    arranger.touch(["comment_2", "comment_that_was_never_here"]);
    expect(arranger.update().tasks).toBe(before.tasks);
    expect(arranger.update().commentsOf.get("task_a")).toHaveLength(2);
  });

  it("keeps tasks and columns where a label is new", () => {
    const { arranger, put } = arranged(status("a"), task("b"), task("a", { parent: { id: "task_b", key: "", title: "" } as Task["parent"] }));
    const before = arranger.update();
    put(label("y"));
    arranger.touch(["label_y"]);
    const after = arranger.update();
    expect(after.labels).toHaveLength(1);
    for (const part of ["tasks", "subtasksOf"] as const) expect(after[part]).toBe(before[part]);
  });

  it("keeps labels and statuses also where something else than a task has changed", () => {
    const { arranger, put } = arranged(status("a"), label("x"), task("a"));
    const before = arranger.update();
    put(label("y"));
    arranger.touch(["label_y"]);
    const after = arranger.update();
    expect(after.labels).toHaveLength(2);
    expect(after.statuses).toBe(before.statuses);
    expect(after.statusById).toBe(before.statusById);
  });

  it("is right with many tasks, a few or all of which have changed", () => {
    const name = (at: number): string => String(at).padStart(4, "0");
    const { arranger, put } = arranged(status("a"), ...Array.from({ length: 5_000 }, (_, at) => task(name(at))));
    put(task("2500", { rank: "0000~" }));
    arranger.touch(["task_2500"]);
    expect(arranger.update().tasks[1]?.id).toBe("task_2500");
    for (let at = 0; at < 5_000; at++) put(task(name(at), { rank: name(4_999 - at) }));
    arranger.touch(Array.from({ length: 5_000 }, (_, at) => `task_${name(at)}`));
    expect(arranger.update().tasks[0]?.id).toBe("task_4999");
  });
});
