/**
 * Lets cards glide to where somebody else's change puts them, so that one sees what went where.
 *
 * Invariants: only `transform` is animated, and only of what has moved: no frame lays out the page for it. Where a person has
 * no use for it everything is at its place at once: while they drag or scroll, where much moves at once or again and again, and
 * where they asked for less motion.
 */
import { useDrag } from "./drag";
import { isFollowing } from "./focus";

const GLIDE_MS = 180;
const CALM_MS = 700; // what moves again so soon would never be at rest, and each card that glides is a layer of its own to the browser
const MOST_HIGH = 200; // in pixels: what begins further above is out of sight
const MOST_WAYS = 4; // a card that moves goes one way, and all that make room for it another one

let movedAt = -Infinity;
let wasCalm = false;

/** Whether nothing had moved for a while before this frame. All columns of a frame are told the same. */
function isCalm(): boolean {
  const now = Number(document.timeline.currentTime);
  if (now !== movedAt) [movedAt, wasCalm] = [now, now - movedAt > CALM_MS];
  return wasCalm;
}

/** Where each card in sight begins, in pixels, by its id. */
export type Starts = ReadonlyMap<string, number>;

/** From where a card comes that was not in sight here: from a column on the left (-1) or on the right (1), or from nowhere. */
export type SideOf = (id: string) => number;

/**
 * Shows how the cards of `box` came from where they were `before` to where they are `now`. `balanced`: by how much all of them
 * were put up meanwhile, in pixels, by scrolling or by shifting, so that one card stays where it is.
 */
export function glide(box: HTMLElement, before: Starts, now: Starts, balanced: number, sideOf: SideOf): void {
  const from = new Map<string, number | undefined>();
  const ways = new Set<number | string>();
  for (const [id, start] of now) {
    const was = before.get(id);
    const far = was === undefined ? undefined : Math.round(was - start + balanced);
    if (far === 0) continue;
    from.set(id, far);
    ways.add(far ?? id);
  }
  if (ways.size === 0 || !isCalm() || ways.size > MOST_WAYS || isFollowing() || useDrag.getState().task) return;
  if (document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const { scrollTop, clientHeight } = box.parentElement!;
  for (const element of box.children) {
    const id = (element as HTMLElement).dataset.row ?? "";
    const top = (now.get(id) ?? 0) - scrollTop;
    if (!from.has(id) || top > clientHeight || top < -MOST_HIGH) continue;
    const far = from.get(id);
    const transform = [far === undefined ? `translateX(${sideOf(id) * 100}%) scale(0.9)` : `translateY(${far}px)`, "none"];
    element.animate({ transform }, { duration: GLIDE_MS, easing: "ease-out" });
  }
}
