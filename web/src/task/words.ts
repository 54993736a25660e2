/** How changes are said in words. */
import { PRIORITY_NAMES } from "../board/arrange";
import type { Model } from "../data/model";
import { dayAlone } from "../ui/day";
import { toRead } from "./mentions";

export const FIELD_NAMES: Record<string, string> = {
  TITLE: "title", DESCRIPTION: "description", STATUS: "status", PRIORITY: "priority", START_DATE: "start date", DUE_DATE: "due date",
  ASSIGNEES: "assignees", LABELS: "labels", PARENT: "parent task", PROJECT: "project", ESTIMATE: "estimate", ARCHIVED: "archive",
  DELETED: "deletion", BODY: "text", RESOLVED: "resolution", KEY: "key",
};

const DAYS = new Set(["START_DATE", "DUE_DATE"]);
const GONE: Record<string, string> = {
  STATUS: "a status that is gone", LABELS: "a label that is gone", PROJECT: "a project that is gone", PARENT: "a task that is not here", ASSIGNEES: "somebody who left",
};

const isEmpty = (value: unknown): boolean => value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

/** A value of a change of a field: names in place of ids, and days as they are said elsewhere. */
export function said(value: unknown, model: Model, field: string): string {
  if (isEmpty(value)) return field === "ASSIGNEES" ? "nobody" : "nothing";
  if (Array.isArray(value)) return value.map((each) => said(each, model, field)).join(", ");
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (DAYS.has(field)) return dayAlone(text);
  if (field === "PRIORITY") return PRIORITY_NAMES[text] ?? text;
  return GONE[field] ? (nameOf(text, model, field) ?? GONE[field]) : toRead(text, model.nameById);
}

function nameOf(id: string, model: Model, field: string): string | undefined {
  if (field === "STATUS") return model.statusById.get(id)?.name;
  if (field === "LABELS") return model.labelById.get(id)?.name;
  if (field === "PARENT") return model.taskById.get(id)?.title;
  return field === "ASSIGNEES" ? model.nameById.get(id) : model.projects.find((project) => project.id === id)?.name;
}

const EXCERPT = 60; // characters of a text by which it is known

/** A value within a sentence: “the title “Rehearse””, “no due date”. */
export function named(value: unknown, model: Model, field: string): string {
  const name = FIELD_NAMES[field] ?? field.toLowerCase();
  if (isEmpty(value)) return `no ${name}`;
  const text = said(value, model, field).replace(/\s+/g, " ").trim();
  return `the ${name} “${text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text}”`;
}
