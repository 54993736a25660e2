import { expect, it } from "vitest";
import { dayAlone, dayOf, dayWithin, whenWithin } from "./day";

it.each([
  ["2026-11-29", "Today", "today"], ["2026-11-30", "Tomorrow", "tomorrow"], ["2026-11-28", "Yesterday", "yesterday"],
  ["2026-12-01", "Dec 1", "Dec 1"], ["2026-01-09", "Jan 9", "Jan 9"], ["2027-11-29", "Nov 29, 2027", "Nov 29, 2027"],
])("%s is said as %s", (day, alone, within) => {
  expect(dayAlone(day, "2026-11-29")).toBe(alone);
  expect(dayWithin(day, "2026-11-29")).toBe(within);
});

it("is near over the end of a year, too", () => expect(dayAlone("2027-01-01", "2026-12-31")).toBe("Tomorrow"));

it("is that of the person's own clock", () => expect(dayOf(new Date(2026, 10, 29, 23, 59).toISOString())).toBe("2026-11-29"));

it("has its time where it is said when something was", () => expect(whenWithin(new Date(2026, 10, 29, 14, 5).toISOString(), "2026-11-29")).toBe("today at 14:05"));
