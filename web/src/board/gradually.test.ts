import { describe, expect, it } from "vitest";
import { fewMore } from "./gradually";

const items = (...indexes: number[]) => indexes.map((index) => ({ key: `task_${index}`, index }));
const keys = (...indexes: number[]): ReadonlySet<string> => new Set(indexes.map((index) => `task_${index}`));
const indexes = (drawn: readonly { index: number }[]): number[] => drawn.map(({ index }) => index);

describe("many new cards", () => {
  it("come a few at a time, those in sight first, until all are there", () => {
    const all = items(4, 5, 6, 7, 8, 9, 10);
    const sight = { startIndex: 6, endIndex: 8 };
    const first = fewMore(all, keys(), sight);
    expect(indexes(first)).toEqual([6, 7, 8]);
    const second = fewMore(all, keys(...indexes(first)), sight);
    expect(indexes(second)).toEqual([4, 5, 6, 7, 8, 9]);
    expect(indexes(fewMore(all, keys(...indexes(second)), sight))).toEqual([4, 5, 6, 7, 8, 9, 10]);
  });

  it("take no card away that is still to be shown, and keep none that is not", () => {
    expect(indexes(fewMore(items(1, 2, 3, 4, 5, 6), keys(0, 5, 6), null))).toEqual([1, 2, 3, 5, 6]);
  });

  it("come at once where there are few", () => {
    const all = items(1, 2, 3, 4);
    expect(fewMore(all, keys(4), null)).toBe(all);
  });
});
