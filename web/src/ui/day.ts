/**
 * How a day is said, wherever one is shown: Today, Tomorrow, Yesterday, or like Nov 29, with its year where it is another one.
 *
 * Invariant: days are texts like 2026-05-01 and mean no hour; today is where the person is.
 */
import { today } from "../board/arrange";

const NEAR = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const DAY_MS = 86_400_000;
const SAID = { day: "numeric", month: "short", timeZone: "UTC" } as const;
const THIS_YEAR = new Intl.DateTimeFormat("en", SAID);
const ANOTHER_YEAR = new Intl.DateTimeFormat("en", { ...SAID, year: "numeric" });

/** A day within a sentence: “due tomorrow”, “due Nov 29”. */
export function dayWithin(day: string, now = today()): string {
  const at = Date.parse(day);
  const days = (at - Date.parse(now)) / DAY_MS;
  if (Math.abs(days) <= 1) return NEAR.format(days, "day");
  return (day.slice(0, 4) === now.slice(0, 4) ? THIS_YEAR : ANOTHER_YEAR).format(at);
}

/** A day that stands by itself. */
export function dayAlone(day: string, now = today()): string {
  const said = dayWithin(day, now);
  return said[0]!.toUpperCase() + said.slice(1);
}

const TIME = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** A moment within a sentence: “signed in today at 14:05”. */
export const whenWithin = (at: string, now = today()): string => `${dayWithin(dayOf(at), now)} at ${TIME.format(new Date(at))}`;

/** The day of a moment, where the person is. */
export const dayOf = (at: string): string => today(new Date(at));
