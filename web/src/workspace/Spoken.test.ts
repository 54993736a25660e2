import { describe, expect, it } from "vitest";
import type { Model } from "../data/model";
import type { WorkspaceEvent } from "../data/server";
import { sentencesOf } from "./Spoken";

const model = {
  taskById: new Map([["task_1", { title: "Tune" }]]),
  statusById: new Map([["status_done", { name: "Done" }]]),
} as unknown as Model;

const bob = { id: "user_bob", name: "Bob" };
const event = (typename: string, more: object): WorkspaceEvent => ({ __typename: typename, actor: bob, ...more }) as unknown as WorkspaceEvent;
const updated = (...fields: string[]): WorkspaceEvent =>
  event("TaskUpdatedEvent", { taskId: "task_1", changes: fields.map((field) => ({ field })), task: { title: "Tune", archivedAt: null, status: { id: "status_done" } } });

describe("what is said of others", () => {
  it("names who did what to which task", () => {
    expect(sentencesOf([updated("STATUS", "RANK")], model, "user_me")).toEqual(["Bob moved “Tune” to Done."]);
    expect(sentencesOf([updated("TITLE")], model, "user_me")).toEqual(["Bob changed “Tune”."]);
    expect(sentencesOf([event("TaskRemovedEvent", { taskId: "task_1" })], model, "user_me")).toEqual(["Bob removed “Tune”."]);
    expect(sentencesOf([event("CommentEvent", { op: "CREATED", taskId: "task_1" })], model, "user_me")).toEqual(["Bob commented on “Tune”."]);
  });

  it("says nothing of one's own changes, nor of mere places", () => {
    expect(sentencesOf([updated("STATUS")], model, "user_bob")).toEqual([]);
    expect(sentencesOf([updated("RANK")], model, "user_me")).toEqual([]);
  });
});
