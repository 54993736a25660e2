/**
 * What an undo has done, in words.
 *
 * Invariant: pure, and said by what the change itself had made; what others did meanwhile is no part of it.
 */
import type { Model } from "../data/model";
import type { Undone } from "../data/workspace";
import type { Deed } from "../sync/undo";
import { FIELD_NAMES, said } from "../task/words";

/** A sentence without its full stop, like: The status of “Tune” is To do again. */
export function undoneWords({ operation, count }: Undone, model: Model): string {
  const { name, entityId, input, deeds = [] } = operation;
  if (name === "createTask") return `“${String(input.title)}” is not created any more`;
  const many = Array.isArray(input.updates) ? input.updates.length : count;
  const title = model.taskById.get(entityId)?.title;
  if (name.endsWith("Comment")) return backOf("your comment", deeds, model, false);
  return backOf(many > 1 ? `${many} tasks` : title ? `“${title}”` : "a task", deeds, model, many > 1);
}

function backOf(subject: string, [deed, ...others]: readonly Deed[], model: Model, areMany: boolean): string {
  const are = areMany ? "are" : "is";
  const start = subject[0]!.toUpperCase() + subject.slice(1);
  if (deed?.row) return `${start} ${are} back`;
  const fields = Object.entries(deed?.fields ?? {});
  const [field, ...more] = fields.filter(([name]) => name !== "rank");
  if (!field) return fields.length > 0 ? `${start} ${are} where ${areMany ? "they were" : "it was"}` : `The last change of ${subject} was undone`;
  const [name, [before]] = field;
  if (name === "archivedAt") return `${start} ${are} ${before ? "in" : "out of"} the archive again`;
  if (name === "resolvedAt") return `${start} ${are} ${before ? "resolved" : "open"} again`;
  const key = keyOf(name);
  const names = [field, ...more].map(([each]) => FIELD_NAMES[keyOf(each)] ?? each);
  const areAlike = others.every(({ fields: other }) => JSON.stringify(other?.[name]?.[0]) === JSON.stringify(before));
  if (more.length > 0 || !areAlike || LONG.has(key)) return `The ${names.join(" and the ")} of ${subject} ${more.length > 0 || name.endsWith("s") ? "are" : "is"} as before`;
  const value = idsIn(before);
  if (isNone(value)) return `${start} ${areMany ? "have" : "has"} no ${names[0]!} again`;
  return `The ${names[0]!} of ${subject} ${name.endsWith("s") && name !== "status" ? "are" : "is"} ${said(value, model, key)} again`;
}

/** Texts that are no part of a sentence. */
const LONG = new Set(["DESCRIPTION", "BODY"]);

/** A field of a row as the histories call it. */
const keyOf = (name: string): string => name.replace(/[A-Z]/g, "_$&").toUpperCase();

const isNone = (value: unknown): boolean => value === null || value === undefined || (Array.isArray(value) && value.length === 0);

/** What points at other rows, as histories have it: by their ids. */
function idsIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(idsIn);
  return typeof value === "object" && value !== null ? (value as { id: string }).id : value;
}
