/**
 * Lets cards glide to where somebody else's change puts them, so that one sees what went where.
 *
 * Invariants: only `transform` and `opacity` are animated, and only of what has moved: no frame lays out the page for it, but the
 * one that begins a way between columns. Where a person has no use for it everything is at its place at once: while they drag or
 * scroll, where much moves at once or again and again, and where they asked for less motion.
 */
import { useDrag } from "./drag";
import { isFollowing } from "./focus";

const GLIDE_MS = 180;
const GLIDE = { duration: GLIDE_MS, easing: "ease-out" };
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

interface Point {
  readonly left: number;
  readonly top: number;
}

/** Where in the window a card was that was not in sight here until now; nothing where it was in sight nowhere. */
export type CameFrom = (id: string) => Point | undefined;

/**
 * Shows how the cards of `box` came from where they were `before` to where they are `now`. `balanced`: by how much all of them
 * were put up meanwhile, in pixels, by scrolling or by shifting, so that one card stays where it is.
 */
export function glide(box: HTMLElement, before: Starts, now: Starts, balanced: number, cameFrom?: CameFrom): void {
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
  if (isStill()) return;
  const { scrollTop, clientHeight } = box.parentElement!;
  for (const element of box.children) {
    const id = (element as HTMLElement).dataset.row ?? "";
    const top = (now.get(id) ?? 0) - scrollTop;
    if (!from.has(id) || top > clientHeight || top < -MOST_HIGH) continue;
    const far = from.get(id);
    const place = far === undefined ? cameFrom?.(id) : undefined;
    if (place) fly(element as HTMLElement, place);
    else element.animate({ transform: [far === undefined ? "scale(0.9)" : `translateY(${far}px)`, "none"] }, GLIDE);
  }
}

/** Lets all cards of a column or list go to where they are now, from so many pixels below it. */
export function glideBack(box: HTMLElement, far: number): void {
  if (far !== 0 && !isStill()) box.animate({ transform: [`translateY(${far}px)`, "none"] }, GLIDE);
}

const isStill = (): boolean => document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * Shows a card on its way from another column. A column cuts off whatever reaches out of it: so it is a picture of the card that
 * goes, over the board, and the card itself is seen at the end.
 */
function fly(row: HTMLElement, from: Point): void {
  const board = row.closest<HTMLElement>("[data-board]");
  if (!board?.parentElement) return;
  const [to, around] = [row.getBoundingClientRect(), board.getBoundingClientRect()];
  const picture = row.cloneNode(true) as HTMLElement;
  for (const element of picture.querySelectorAll("[data-task]")) for (const name of ["data-task", "tabindex", "role"]) element.removeAttribute(name);
  Object.assign(picture.style, { left: `${to.left - around.left}px`, top: `${to.top - around.top}px`, width: `${to.width}px` });
  const sky = document.createElement("div"); // as large as the board: a picture covers nothing beside it
  sky.ariaHidden = "true";
  sky.className = "pointer-events-none absolute z-10 overflow-hidden";
  Object.assign(sky.style, { left: `${board.offsetLeft}px`, top: `${board.offsetTop}px`, width: `${around.width}px`, height: `${around.height}px` });
  sky.append(picture);
  board.parentElement.append(sky);
  row.animate({ opacity: [0, 0] }, GLIDE_MS);
  const way = picture.animate({ transform: [`translate(${from.left - to.left}px, ${from.top - to.top}px)`, "none"] }, GLIDE);
  way.onfinish = way.oncancel = () => sky.remove();
}
