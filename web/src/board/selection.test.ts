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
});
