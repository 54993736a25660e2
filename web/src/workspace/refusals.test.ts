import { describe, expect, it } from "vitest";
import type { RefusalFragment } from "../gql/graphql";
import { inWords } from "./refusals";

const notFound = (...path: string[]): RefusalFragment => ({ __typename: "NotFoundError", code: "NOT_FOUND", message: "There is no such thing, or you may not see it.", path: ["input", ...path] });
const move = { key: "1", name: "moveTask", entityId: "task_1", input: { id: "task_1", statusId: "status_1" }, about: "LIGH-2 Title" };

describe("what was refused", () => {
  it("names the task that has gone", () => {
    expect(inWords(notFound("id"), move, false)).toBe("“LIGH-2 Title” was deleted meanwhile.");
  });
  it("says of a guest's that it may be elsewhere", () => {
    expect(inWords(notFound("id"), move, true)).toBe("“LIGH-2 Title” was deleted meanwhile, or is where you do not see it.");
  });
  it("says of what is deleted already why it cannot be had back", () => {
    expect(inWords(notFound("id"), { ...move, name: "restoreTask" }, false)).toBe("It was deleted more than 30 days ago.");
  });
  it("tells what was chosen from what was to be changed", () => {
    expect(inWords(notFound("statusId"), move, false)).toBe("What you chose was deleted meanwhile.");
    expect(inWords(notFound("updates", "1", "id"), { ...move, input: { updates: [] } }, false)).toBe("One of them was deleted meanwhile.");
  });
  it("says all else as the server does", () => {
    expect(inWords({ __typename: "PermissionError", code: "FORBIDDEN", message: "You may not.", path: null }, move, false)).toBe("You may not.");
  });
});
