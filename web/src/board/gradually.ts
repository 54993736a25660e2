/**
 * Puts many new cards into the page over several frames, so that the page goes on meanwhile: those in sight first.
 *
 * Invariant: what is in the page and belongs there stays; what is left out comes in one of the next frames.
 */
import { useLayoutEffect, useReducer, useRef } from "react";

export interface Item {
  readonly key: string | number | bigint;
  readonly index: number;
}

/** What is in sight, by index. */
export interface Sight {
  readonly startIndex: number;
  readonly endIndex: number;
}

const AT_ONCE = 3; // of a column; there are several

/** Those of the items that are in the page already, and a few of the others. */
export function fewMore<I extends Item>(items: readonly I[], before: ReadonlySet<Item["key"]>, sight: Sight | null): readonly I[] {
  const fresh = items.filter(({ key }) => !before.has(key));
  if (fresh.length <= AT_ONCE) return items;
  const isSeen = ({ index }: Item): boolean => !sight || (index >= sight.startIndex && index <= sight.endIndex);
  const now = new Set([...fresh.filter(isSeen), ...fresh.filter((item) => !isSeen(item))].slice(0, AT_ONCE));
  return items.filter((item) => before.has(item.key) || now.has(item));
}

/** The items to draw now; the others are drawn in the frames that follow. */
export function useGradually<I extends Item>(items: readonly I[], sight: Sight | null): readonly I[] {
  const [, drawAgain] = useReducer((count: number) => count + 1, 0);
  const drawn = useRef<ReadonlySet<Item["key"]>>(new Set());
  const now = fewMore(items, drawn.current, sight);
  useLayoutEffect(() => void (drawn.current = new Set(now.map(({ key }) => key))));
  useLayoutEffect(() => {
    if (now.length === items.length) return;
    const frame = requestAnimationFrame(drawAgain);
    return () => cancelAnimationFrame(frame);
  });
  return now;
}
