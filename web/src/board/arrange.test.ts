import { describe, expect, it } from "vitest";
import { arrange, type Status, type Task } from "../data/model";
import { columnsOf, filtersOf, isFiltered, placeAt, shownTasks, withFilters } from "./arrange";

const status: Status = { __typename: "Status", id: "s", version: 1, name: "To do", category: "TODO", color: "#000000", rank: "a" };
const task = (id: string, more: Partial<Task> = {}): Task => ({
  __typename: "Task", id, version: 1, key: `K-${id}`, title: `Title ${id}`, description: "", priority: "NONE", startDate: null, dueDate: null,
  estimate: null, rank: id, createdAt: "", updatedAt: "", completedAt: null, archivedAt: null, project: null, status: { id: "s" },
  assignees: [], labels: [], commentCount: 0, parent: null, createdBy: { id: "u", name: "U" }, ...more,
});
const shown = (address: string, ...tasks: Task[]): string[] =>
  shownTasks(arrange([status, ...tasks], "u").tasks, filtersOf(new URLSearchParams(address)), "2026-05-10").tasks.map(({ id }) => id);

describe("filters", () => {
  const ann = task("1", { assignees: [{ id: "ann", name: "Ann" }], priority: "HIGH", dueDate: "2026-05-12" });
  const late = task("2", { dueDate: "2026-05-01", labels: [{ id: "bug" }], project: { id: "p" } });
  const plain = task("3", { description: "the Violin" });
  const gone = task("4", { archivedAt: "2026-01-01T00:00:00Z" });
  it.each([
    ["", ["1", "2", "3"]],
    ["assignee=ann", ["1"]],
    ["assignee=nobody", ["2", "3"]],
    ["assignee=ann,nobody&priority=HIGH", ["1"]],
    ["label=bug", ["2"]],
    ["project=p", ["2"]],
    ["due=overdue", ["2"]],
    ["due=week", ["1"]],
    ["due=today", []],
    ["due=none", ["3"]],
    ["q=violin", ["3"]],
    ["q=k-2", ["2"]],
    ["status=other", []],
    ["archived=yes", ["4"]],
  ])("%s", (address, ids) => expect(shown(address, ann, late, plain, gone)).toEqual(ids));

  it.each([
    ["", { ann: 1, nobody: 2 }],
    ["assignee=ann", { ann: 1, nobody: 2 }],
    ["q=violin&assignee=ann", { nobody: 1 }],
    ["archived=yes", { bob: 1, cid: 1 }],
  ])("%s: they tell how many each person has, whoever is chosen", (address, counts) => {
    const shared = { ...gone, assignees: [{ id: "bob", name: "Bob" }, { id: "cid", name: "Cid" }] };
    const { countOf } = shownTasks([ann, late, plain, shared], filtersOf(new URLSearchParams(address)), "2026-05-10");
    expect(Object.fromEntries(countOf)).toEqual(counts);
  });

  it("stand in the address, beside what else is there", () => {
    const address = withFilters(new URLSearchParams("other=1"), { assignees: ["a", "b"], text: "x" });
    expect(address.toString()).toBe("other=1&assignee=a%2Cb&q=x");
    expect(isFiltered(filtersOf(address))).toBe(true);
    expect(withFilters(address, { assignees: [], text: "" }).toString()).toBe("other=1");
  });
});

describe("places in a column", () => {
  const column = [task("1"), task("2", { project: { id: "p" } }), task("3")];
  it("are said by the nearest neighbour of the same project", () => {
    const moved = task("9");
    expect(placeAt(column, 0, moved)).toEqual({ before: "1" });
    expect(placeAt(column, 1, moved)).toEqual({ after: "1" });
    expect(placeAt(column, 2, moved)).toEqual({ after: "1" });
    expect(placeAt(column, 9, moved)).toEqual({ after: "3" });
    expect(placeAt([column[1]!], 1, moved)).toEqual({ edge: "FIRST" });
  });
  it("are no move where the task is already", () => {
    expect(placeAt(column, 0, column[0]!)).toBeNull();
    expect(placeAt(column, 2, column[0]!)).toEqual({ after: "3" });
  });
  it("columns are there for every status", () => {
    expect(columnsOf([status], [])).toEqual(new Map([["s", []]]));
  });
});
