/**
 * What an undo has done, or a redo, in words, and what a redo does.
 *
 * Invariant: said by what the change itself had made; what others did meanwhile is no part of it.
 */
import type { Model, Task } from "../data/model";
import type { OpenWorkspace, Undone } from "../data/workspace";
import { uuidv7 } from "../sync/ids";
import type { Operation } from "../sync/replica";
import { isSame, type Deed } from "../sync/undo";
import { FIELD_NAMES, said } from "../task/words";

/** A sentence without its full stop, like: The status of “Tune” is To do again. */
export const undoneWords = (undone: Undone, model: Model): string => againWords(undone, model, 0);

/** As `undoneWords`, of what was done again. */
export const redoneWords = (redone: Undone, model: Model): string => againWords(redone, model, 1);

/** `side`: which value of each deed is there again, what was before it or after it. */
function againWords({ operation, count }: Undone, model: Model, side: 0 | 1): string {
  const { name, entityId, input, deeds = [] } = operation;
  if (name === "createTask") return side ? `“${String(input.title)}” is back` : `“${String(input.title)}” is not created any more`;
  const many = Array.isArray(input.updates) ? input.updates.length : count;
  const row = model.taskById.get(entityId) ?? (deeds[0]?.row as Pick<Task, "title"> | undefined);
  const title = row?.title;
  if (name.endsWith("Comment")) return backOf("your comment", deeds, model, false, side);
  return backOf(many > 1 ? `${many} tasks` : title ? `“${title}”` : "a task", deeds, model, many > 1, side);
}

function backOf(subject: string, [deed, ...others]: readonly Deed[], model: Model, areMany: boolean, side: 0 | 1): string {
  const are = areMany ? "are" : "is";
  const start = subject[0]!.toUpperCase() + subject.slice(1);
  if (deed?.row) return `${start} ${are} ${side ? "deleted again" : "back"}`;
  const fields = Object.entries(deed?.fields ?? {});
  const [field, ...more] = fields.filter(([name]) => name !== "rank");
  if (!field) return fields.length > 0 ? `${start} ${are} ${side ? "moved again" : `where ${areMany ? "they were" : "it was"}`}` : `The last change of ${subject} was ${side ? "done again" : "undone"}`;
  const [name, { [side]: value }] = field;
  if (name === "archivedAt") return `${start} ${are} ${value ? "in" : "out of"} the archive again`;
  if (name === "resolvedAt") return `${start} ${are} ${value ? "resolved" : "open"} again`;
  const key = keyOf(name);
  const names = [field, ...more].map(([each]) => FIELD_NAMES[keyOf(each)] ?? each);
  const areAlike = others.every(({ fields: other }) => JSON.stringify(other?.[name]?.[side]) === JSON.stringify(value));
  if (more.length > 0 || !areAlike || LONG.has(key)) return `The ${names.join(" and the ")} of ${subject} ${more.length > 0 || SETS.has(name) ? "are" : "is"} ${side ? "changed again" : "as before"}`;
  if (isNone(value)) return `${start} ${areMany ? "have" : "has"} no ${names[0]!} again`;
  return `The ${names[0]!} of ${subject} ${SETS.has(name) ? "are" : "is"} ${said(idsIn(value), model, key)} again`;
}

/** Texts that are no part of a sentence. */
const LONG = new Set(["DESCRIPTION", "BODY"]);

const SETS = new Set(["assignees", "labels"]);

/** A field of a row as the histories call it. */
const keyOf = (name: string): string => name.replace(/[A-Z]/g, "_$&").toUpperCase();

const isNone = (value: unknown): boolean => value === null || value === undefined || (Array.isArray(value) && value.length === 0);

/** What points at other rows, as histories have it: by their ids. */
function idsIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(idsIn);
  return typeof value === "object" && value !== null ? (value as { id: string }).id : value;
}

/** Does again what was undone last. Returns what that is; null: nothing, or somebody went on from it. */
export function redone(workspace: OpenWorkspace): Undone | null {
  const taken = workspace.undone.at(-1) ?? [];
  const [first] = taken;
  if (!first || !taken.every(({ operation }) => isAsBefore(operation, workspace))) return null;
  workspace.redo(taken.map(({ operation: { name, entityId, input, baseVersion } }) => {
    const version = baseVersion === undefined ? undefined : workspace.confirmedVersion(entityId);
    return { key: uuidv7(), name, entityId, input, ...(version === undefined ? {} : { baseVersion: version }) };
  }));
  return { operation: first.operation, count: taken.length };
}

/** Whether everything is as it was before an operation, but for where it stands among others. */
function isAsBefore({ deeds = [] }: Operation, workspace: OpenWorkspace): boolean {
  return deeds.every(({ id, fields = {} }) => {
    const row = workspace.row(id) as unknown as Readonly<Record<string, unknown>> | undefined;
    return row !== undefined && Object.entries(fields).every(([name, [before]]) => name === "rank" || isSame(row[name], before));
  });
}
