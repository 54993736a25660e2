/** How changes are said in words. */
import { PRIORITY_NAMES } from "../board/arrange";
import type { Model } from "../data/model";

export const FIELD_NAMES: Record<string, string> = {
  TITLE: "title", DESCRIPTION: "description", STATUS: "status", PRIORITY: "priority", START_DATE: "start date", DUE_DATE: "due date",
  ASSIGNEES: "assignees", LABELS: "labels", PARENT: "parent task", PROJECT: "project", ESTIMATE: "estimate", ARCHIVED: "archive",
  DELETED: "deletion", BODY: "text", RESOLVED: "resolution", KEY: "key",
};

/** A value of a change: names in place of ids. */
export function said(value: unknown, model: Model): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (Array.isArray(value)) return value.map((each) => said(each, model)).join(", ") || "nobody";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const known = model.statusById.get(text)?.name ?? model.labelById.get(text)?.name ?? model.taskById.get(text)?.title;
  if (known) return known;
  const name = model.projects.find(({ id }) => id === text)?.name ?? model.members.find(({ user }) => user.id === text)?.user.name;
  return name ?? PRIORITY_NAMES[text] ?? text;
}
