/**
 * Finding: which actions fit what was typed, which parts of a text did, and when a task is due in words.
 *
 * Invariant: pure; today is given, so that a test can choose it.
 */
import type { PassagesFragment } from "../gql/later/graphql";
import { plainOf } from "../ui/plain";

type Match = NonNullable<PassagesFragment["textMatches"]>[number];

/** How well `text` fits what was typed, 0 if it does not: every word must be in it, or be letters of its words in order. */
export function fit(text: string, typed: string): number {
  const lower = text.toLowerCase();
  let sum = 1;
  for (const word of wordsOf(typed)) {
    const at = lower.indexOf(word);
    if (at === 0) sum += 4;
    else if (at > 0) sum += /\W/.test(lower[at - 1]!) ? 3 : 2;
    else if (!isScattered(lower, word)) return 0;
  }
  return sum;
}

/** Whether the letters come in their order and begin each word that they are of: else almost any of a long text would do. */
function isScattered(text: string, letters: string): boolean {
  if (letters.length < 2 || letters.length > 8) return false;
  const words = text.split(/[^\p{L}\p{N}]+/u);
  let ends: readonly number[] | undefined; // where in each word the letter before can be, at the earliest; -1: nowhere
  for (const letter of letters) {
    const before = ends;
    let isAhead = before === undefined; // whether the letter before can be in one of the words ahead
    ends = words.map((word, at) => {
      const end = before?.[at] ?? -1;
      const begins = isAhead && word.startsWith(letter);
      isAhead ||= end >= 0;
      return begins ? 0 : end < 0 ? -1 : word.indexOf(letter, end + 1);
    });
  }
  return ends?.some((end) => end >= 0) ?? false;
}

const wordsOf = (typed: string): string[] => typed.toLowerCase().split(/\s+/).filter(Boolean);

/** The best of them, best first; those that fit alike stay in their order. */
export function bestOf<One>(all: readonly One[], textOf: (one: One) => string, typed: string, atMost: number): One[] {
  const fits = all.map((one) => ({ one, fit: fit(textOf(one), typed) })).filter(({ fit }) => fit > 0);
  return fits.sort((a, b) => b.fit - a.fit).slice(0, atMost).map(({ one }) => one);
}

export interface Part {
  readonly text: string;
  readonly isMatch: boolean;
}

/** A text that was kept here, in parts: those that were looked for apart from the others. */
export function marked(text: string, typed: string): Part[] {
  const words = wordsOf(typed).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!words.length) return [{ text, isMatch: false }];
  const pieces = text.split(new RegExp(`(${words.join("|")})`, "i"));
  return pieces.map((piece, at) => ({ text: piece, isMatch: at % 2 === 1 })).filter((part) => part.text);
}

const EXCERPT = 140;

/** The stretch of a long text around the first thing that was looked for; nothing if it is not there. */
export function excerpt(text: string, typed: string): string {
  const flat = text.replace(/\s+/g, " ");
  const lower = flat.toLowerCase();
  const places = wordsOf(typed).map((word) => lower.indexOf(word)).filter((at) => at >= 0);
  if (!places.length) return "";
  const from = Math.max(0, Math.min(...places) - 40);
  return (from ? "…" : "") + flat.slice(from, from + EXCERPT) + (from + EXCERPT < flat.length ? "…" : "");
}

export interface Passage {
  readonly parts: readonly Part[];
  /** What it is in, if it is not the description; `by` whom it is. */
  readonly comment?: { readonly id: string; readonly by: string };
}

/** The title in parts, as the server marks it. */
export const titleOf = (title: string, matches: readonly Match[]): readonly Part[] =>
  matches.find(({ field }) => field === "TITLE")?.segments ?? [{ text: title, isMatch: false }];

const MARK = "\uE000"; // a letter that means nothing

/** The passage that says why a task was found: of a comment where its passage has words that those of the task itself have not, else of the description. */
export function passageOf(matches: readonly Match[], nameOf: (id: string) => string | undefined): Passage | null {
  const [description, said] = [matches.find(({ field }) => field === "DESCRIPTION"), matches.find(({ comment }) => comment)];
  const own = new Set(matches.filter((match) => match !== said).flatMap(wordsIn));
  const shown = said && wordsIn(said).some((word) => !own.has(word)) ? said : description;
  if (!shown) return null;
  const text = shown.segments.map(({ text, isMatch }) => (isMatch ? MARK + text + MARK : text.replaceAll(MARK, ""))).join("");
  const parts = plainOf(text, nameOf).split(MARK).map((part, at) => ({ text: part, isMatch: at % 2 === 1 })).filter((part) => part.text);
  return shown.comment ? { parts, comment: { id: shown.comment.id, by: nameOf(shown.comment.author.id) ?? shown.comment.author.name } } : { parts };
}

const wordsIn = ({ segments }: Match): string[] => segments.filter(({ isMatch }) => isMatch).map(({ text }) => text.toLowerCase());

/** By which name the tasks of the person are kept in the browser. */
export const KEPT_TASKS = "tasks";

export const DUE_GROUPS = ["Overdue", "Today", "Next 7 days", "Later", "Without a day"] as const;
export type DueGroup = (typeof DUE_GROUPS)[number];

/** Days are texts like 2026-05-01. */
export function dueGroup(due: string | null | undefined, today: string): DueGroup {
  if (!due) return "Without a day";
  if (due < today) return "Overdue";
  if (due === today) return "Today";
  const days = (Date.parse(due) - Date.parse(today)) / 86_400_000;
  return days <= 7 ? "Next 7 days" : "Later";
}
