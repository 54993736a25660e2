import { describe, expect, it } from "vitest";
import type { Label, Membership, Project, Status } from "../data/model";
import { filtersOf } from "./arrange";
import { begun } from "./begun";

const status = (id: string, category: Status["category"]): Status => ({ __typename: "Status", id, version: 1, name: id, category, color: "#000000", rank: id });
const project = (id: string, archivedAt: string | null = null): Project => ({ __typename: "Project", id, archivedAt }) as Project;
const member = (id: string, role: Membership["role"]): Membership => ({ __typename: "Membership", id: `m-${id}`, role, user: { id, name: id } }) as Membership;
const ann = member("ann", "MEMBER");
const parts = {
  statuses: [status("later", "BACKLOG"), status("todo", "TODO"), status("done", "DONE")],
  projects: [project("brass"), project("old", "2026-01-01T00:00:00Z")],
  labels: [{ __typename: "Label", id: "bug" } as Label],
  members: [ann, member("bob", "MEMBER")],
  me: ann,
};
const NOTHING = { status: { id: "todo" }, project: null, priority: "NONE", dueDate: null, assignees: [], labels: [] };
const begin = (address: string, statusId = "", me = ann) => begun({ ...parts, me }, statusId, filtersOf(new URLSearchParams(address)), "2026-05-10");

describe("a new task begins with", () => {
  it.each([
    ["", {}],
    ["status=done", { status: { id: "done" } }],
    ["project=brass", { project: { id: "brass" } }],
    ["priority=HIGH", { priority: "HIGH" }],
    ["assignee=bob", { assignees: [{ id: "bob" }] }],
    ["label=bug", { labels: [{ id: "bug" }] }],
    ["due=today", { dueDate: "2026-05-10" }],
    ["due=week", { dueDate: "2026-05-17" }],
  ])("what is filtered by: %s", (address, taken) => expect(begin(address)).toEqual({ ...NOTHING, ...taken }));

  it.each(["status=later,done", "priority=HIGH,LOW", "assignee=ann,bob", "assignee=nobody", "project=nobody", "due=none", "due=overdue"])("nothing of %s", (address) =>
    expect(begin(address)).toEqual(NOTHING));

  it.each(["status=x", "priority=x", "assignee=x", "label=x", "project=x", "project=old", "due=x"])("nothing that is not there: %s", (address) => expect(begin(address)).toEqual(NOTHING));

  it("the column that it was asked for in", () => expect(begin("status=done", "later").status).toEqual({ id: "later" }));

  it("a project, for a guest", () => expect(begin("", "", member("gus", "GUEST")).project).toEqual({ id: "brass" }));
});
