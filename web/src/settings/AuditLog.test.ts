import { expect, test } from "vitest";
import type { Model } from "../data/model";
import { joinedIn, said } from "./AuditLog";

type Entry = Parameters<typeof said>[0];
type Change = Entry["changes"][number];

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
    "removed Cyd, who was a viewer", "made Cyd a viewer, who was a member", "joined as a member", "joined as the owner",
  ]);
  expect(said(entry(cyd, gone, "MEMBER", null), model, joinedIn(entries))).toBe("left, and was a member");
});

test("who was let in by whoever read the workspace from a file is not taken for them", () => {
  const entries = [entry(ann, gone, "VIEWER", null), entry(ann, gone, null, "VIEWER"), start];
  expect(said(entries[0]!, model, joinedIn(entries))).toBe("removed somebody, who was a viewer");
});

test("what was done with API tokens and webhooks is told by what it was done with", () => {
  const url = "https://example.com/hook";
  const told: readonly (readonly [id: string, field: Change["field"], before: unknown, after: unknown, words: string])[] = [
    ["token_1", "NAME", null, "CI", "made the API token “CI”"],
    ["token_1", "NAME", "CI", "Builds", "renamed the API token “CI” to “Builds”"],
    ["token_1", "NAME", "Builds", null, "revoked the API token “Builds”"],
    ["webhook_1", "URL", null, url, `made a webhook to ${url}`],
    ["webhook_1", "URL", url, `${url}2`, `led the webhook to ${url} to ${url}2`],
    ["webhook_1", "KINDS", ["TASK"], ["LABEL"], "changed what a webhook is told of"],
    ["webhook_1", "PAUSED", false, true, "paused a webhook"],
    ["webhook_1", "PAUSED", true, false, "resumed a webhook"],
    ["webhook_1", "SECRET", null, null, "made a new secret for a webhook"],
    ["webhook_1", "URL", url, null, `deleted the webhook to ${url}`],
  ];
  for (const [entityId, field, before, after, words] of told) {
    expect(said({ id: words, at: "2026-01-01T00:00:00Z", entityId, actor: ann, changes: [{ field, before, after }] }, model, new Map())).toBe(words);
  }
});
