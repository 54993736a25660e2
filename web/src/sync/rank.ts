/**
 * Where something will stand in a list, until the server says it: a rank of our own between two ranks.
 *
 * Invariant: a rank made here is never sent. The server makes ranks of letters and digits, all of which sort behind the
 * `!` and the spaces used here, so one of ours fits between any two, as often as one likes.
 */

/** How ranks compare: by their characters, as the server compares their bytes. */
export const compareRanks = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A rank after `low` and before `high`; null is the end of the list. `low` must be lower than `high`. */
export function between(low: string | null, high: string | null): string {
  const start = low ?? "";
  for (let spaces = ""; ; spaces += " ") {
    const rank = `${start}${spaces}!`;
    if (high === null || rank < high) return rank;
  }
}
