import { describe, expect, it } from "vitest";
import type { Label, Project, Status, Task } from "../data/model";
import { placeOf, sentenceOf } from "./spoken";

const names = {
  statusById: new Map([["status_a", { name: "To do" } as Status]]),
  labelById: new Map([["label_a", { name: "Strings" } as Label]]),
  nameById: new Map([["user_a", "Ann"], ["user_b", "Bob"]]),
  projects: [{ id: "project_a", name: "Concert" } as Project],
};
const task = (id: string): Task => ({ id, title: `Tune ${id}` }) as Task;
const said = (change: Record<string, unknown>): string => sentenceOf(task("1"), change, names, "user_a", "2026-04-30");

describe("what one has done", () => {
  it("is said with names, whatever it was", () => {
    expect(said({ statusId: "status_a" })).toBe("Tune 1 is now in To do.");
    expect(said({ projectId: "project_a", position: { edge: "LAST" } })).toBe("Tune 1 is now in the project Concert.");
    expect(said({ projectId: null })).toBe("Tune 1 is in no project now.");
    expect(said({ priority: "URGENT" })).toBe("The priority of Tune 1 is now: Urgent.");
    expect(said({ dueDate: "2026-05-01" })).toBe("Tune 1 is due tomorrow.");
    expect(said({ dueDate: null })).toBe("Tune 1 is due on no day.");
    expect(said({ addAssigneeIds: ["user_a"] })).toBe("Tune 1 is assigned to you.");
    expect(said({ removeAssigneeIds: ["user_b"] })).toBe("Tune 1 is not assigned to Bob any more.");
    expect(said({ addLabelIds: ["label_a"] })).toBe("Tune 1 has the label Strings.");
    expect(said({ removeLabelIds: ["label_a"] })).toBe("Tune 1 does not have the label Strings any more.");
    expect(said({ title: "Other" })).toBe("");
  });

  it("is said with the place that a moved task has come to", () => {
    const columns = new Map([["status_b", [task("3")]], ["status_a", [task("1"), task("2")]]]);
    expect(placeOf(task("2"), columns, names)).toBe("Tune 2 is now in To do, 2 of 2.");
    expect(placeOf(task("4"), columns, names)).toBe("");
  });
});
