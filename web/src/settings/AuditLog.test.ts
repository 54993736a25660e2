import { expect, test } from "vitest";
import type { Model } from "../data/model";
import { joinedIn, said } from "./AuditLog";

type Entry = Parameters<typeof said>[0];

const ann = { id: "user_ann", name: "Ann" };
const cyd = { id: "user_cyd", name: "Cyd" };
const model = { members: [{ id: "membership_ann", user: ann }], projects: [] } as unknown as Model;
const entry = (actor: Entry["actor"], entityId: string, before: string | null, after: string | null): Entry =>
  ({ id: `${entityId} ${before} ${after}`, at: "2026-01-01T00:00:00Z", entityId, actor, changes: [{ field: "ROLE", before, after }] });
const gone = "membership_gone";
const start = entry(ann, "membership_ann", null, "OWNER");

test("who is gone is named by the entry that they joined with", () => {
  const entries = [entry(ann, gone, "VIEWER", null), entry(ann, gone, "MEMBER", "VIEWER"), entry(cyd, gone, null, "MEMBER"), start];
  expect(entries.map((each) => said(each, model, joinedIn(entries)))).toEqual([
    "removed Cyd, who was viewer", "made Cyd viewer, who was member", "joined as member", "joined as owner",
  ]);
  expect(said(entry(cyd, gone, "MEMBER", null), model, joinedIn(entries))).toBe("left, and was member");
});

test("who was let in by whoever read the workspace from a file is not taken for them", () => {
  const entries = [entry(ann, gone, "VIEWER", null), entry(ann, gone, null, "VIEWER"), start];
  expect(said(entries[0]!, model, joinedIn(entries))).toBe("removed somebody, who was viewer");
});
