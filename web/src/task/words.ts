/** How changes are said in words. */
import { PRIORITY_NAMES } from "../board/arrange";
import type { Model } from "../data/model";
import { dayAlone } from "../ui/day";

export const FIELD_NAMES: Record<string, string> = {
  TITLE: "title", DESCRIPTION: "description", STATUS: "status", PRIORITY: "priority", START_DATE: "start date", DUE_DATE: "due date",
  ASSIGNEES: "assignees", LABELS: "labels", PARENT: "parent task", PROJECT: "project", ESTIMATE: "estimate", ARCHIVED: "archive",
  DELETED: "deletion", BODY: "text", RESOLVED: "resolution", KEY: "key",
};

const DAYS = new Set(["START_DATE", "DUE_DATE"]);

/** A value of a change of a field: names in place of ids, and days as they are said elsewhere. */
export function said(value: unknown, model: Model, field?: string): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (field && DAYS.has(field)) return dayAlone(String(value));
  if (Array.isArray(value)) return value.map((each) => said(each, model)).join(", ") || "nobody";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const known = model.statusById.get(text)?.name ?? model.labelById.get(text)?.name ?? model.taskById.get(text)?.title;
  if (known) return known;
  const name = model.projects.find(({ id }) => id === text)?.name ?? model.members.find(({ user }) => user.id === text)?.user.name;
  return name ?? PRIORITY_NAMES[text] ?? text;
}
