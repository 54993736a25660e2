import { describe, expect, it } from "vitest";
import { arrange, type Project, type Status, type Task } from "../data/model";
import { withWord } from "./arrange";
import { groupingOf, groupsOf, sortingOf, type Grouping, type Sorting } from "./groups";

const status = (id: string, name: string): Status => ({ __typename: "Status", id, version: 1, name, category: "TODO", color: "#000000", rank: id });
const brass: Project = { __typename: "Project", id: "p", version: 1, name: "Brass", key: "BRAS", description: "", color: "#111111", archivedAt: null };
const task = (id: string, more: Partial<Task> = {}): Task => ({
  __typename: "Task", id, version: 1, key: `K-${id}`, title: `Title ${id}`, description: "", priority: "NONE", startDate: null, dueDate: null,
  estimate: null, rank: id, createdAt: `2026-01-0${id}T00:00:00Z`, updatedAt: `2026-02-0${id}T00:00:00Z`, completedAt: null, archivedAt: null, project: null,
  status: { id: "s1" }, assignees: [], labels: [], commentCount: 0, parent: null, createdBy: { id: "u", name: "U" }, ...more,
});
const [ann, bob] = [{ id: "ann", name: "Ann" }, { id: "bob", name: "Bob" }];
const tasks = [
  task("1", { title: "violin", assignees: [bob], priority: "LOW" }),
  task("2", { title: "Äpfel", status: { id: "s2" }, project: { id: "p" }, dueDate: "2026-05-02" }),
  task("3", { title: "bow", assignees: [bob, ann], priority: "URGENT", updatedAt: "2026-03-01T00:00:00Z", dueDate: "2026-05-01" }),
  task("4", { title: "Tuba", assignees: [ann, bob], priority: "URGENT" }),
];
const model = arrange([status("s1", "To do"), status("s2", "Done"), status("s3", "Empty"), brass, ...tasks], "ann");
const shown = (group: Grouping, sort: Sorting): unknown => groupsOf(model, model.tasks, group, sort).map(({ name, tasks }) => [name, tasks.map(({ id }) => id).join("")]);

describe("the list", () => {
  it.each<[Grouping, unknown]>([
    ["", [["To do", "134"], ["Done", "2"]]],
    ["assignee", [["Ann, Bob", "34"], ["Bob", "1"], ["Unassigned", "2"]]],
    ["priority", [["Urgent", "34"], ["Low", "1"], ["No priority", "2"]]],
    ["project", [["Brass", "2"], ["No project", "134"]]],
    ["none", [["", "1234"]]],
  ])("grouped by %s, has each task once", (group, groups) => expect(shown(group, "")).toEqual(groups));

  it.each<[Sorting, string]>([["", "1234"], ["priority", "3412"], ["due", "3214"], ["updated", "3421"], ["created", "4321"], ["title", "2341"]])(
    "sorted by %s; what is alike stays by hand", (sort, ids) => expect(shown("none", sort)).toEqual([["", ids]]),
  );

  it("keeps the groups in which nothing changed", () => {
    const before = groupsOf(model, model.tasks, "", "");
    const renamed = model.tasks.map((each) => (each.id === "2" ? { ...each, title: "Pears" } : each));
    const after = groupsOf(model, renamed, "", "", before);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
    expect(groupsOf(model, renamed, "", "", after)).toBe(after);
  });

  it("stands in the address; what is unknown there is as if it were not", () => {
    const address = withWord(withWord(new URLSearchParams("q=x"), "group", "priority"), "sort", "due");
    expect([address.toString(), groupingOf(address), sortingOf(address)]).toEqual(["q=x&group=priority&sort=due", "priority", "due"]);
    expect(withWord(address, "group", "").toString()).toBe("q=x&sort=due");
    expect([groupingOf(new URLSearchParams("group=toString")), sortingOf(new URLSearchParams("sort=x"))]).toEqual(["", ""]);
  });
});
