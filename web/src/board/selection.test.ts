import { beforeEach, describe, expect, it } from "vitest";
import type { Model, Task } from "../data/model";
import { clearSelection, selectTo, targetsOf, toggleSelected, useSelection } from "./selection";

const tasks = ["a", "b", "c", "d"].map((id) => ({ id, archivedAt: null }) as Task);
const model = { tasks } as unknown as Model;
const selected = (): string[] => [...useSelection.getState().ids].sort();

describe("a selection", () => {
  beforeEach(clearSelection);

  it("is changed one by one and by ranges, in both directions", () => {
    toggleSelected("c");
    selectTo("a", tasks);
    expect(selected()).toEqual(["a", "b", "c"]);
    toggleSelected("b");
    expect(selected()).toEqual(["a", "c"]);
    clearSelection();
    selectTo("d", tasks);
    expect(selected()).toEqual(["d"]);
  });

  it("is what is changed if the task in focus is in it, otherwise that task alone", () => {
    toggleSelected("b");
    toggleSelected("d");
    expect(targetsOf(tasks[1]!, model).map(({ id }) => id)).toEqual(["b", "d"]);
    expect(targetsOf(tasks[0]!, model).map(({ id }) => id)).toEqual(["a"]);
  });

  it("is of what is in the archive, too, and never of both: somebody else may archive what is selected", () => {
    const archived = tasks.map((task): Task => (task.id < "c" ? { ...task, archivedAt: "2026-05-01T00:00:00Z" } : task));
    for (const { id } of archived) toggleSelected(id);
    const targets = (at: number): string[] => targetsOf(archived[at]!, { ...model, tasks: archived }).map(({ id }) => id);
    expect(targets(0)).toEqual(["a", "b"]);
    expect(targets(3)).toEqual(["c", "d"]);
  });
});
