/**
 * Keeps the card under the pointer or the finger where it is while others change what is above it. Where there is no pointer,
 * whoever has scrolled down keeps the first card in sight.
 *
 * Invariants: nothing that others put above is out of reach: where a column has no room to scroll it gets some below its cards.
 * Only where it would have to be scrolled above its beginning are its cards shifted down. Both end when the pointer leaves, also
 * to where there are no cards.
 */
import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import { glide, glideBack, type CameFrom, type Starts } from "./glide";

const OWN_MS = 400; // what changes so soon after the pointer was let go is what it did

interface Sight {
  readonly starts: Starts;
  /** Another value when cards came, went or moved. */
  readonly order: unknown;
  /** Whether the person scrolls. */
  readonly isScrolling: boolean;
  readonly cameFrom?: CameFrom;
}

/**
 * Keeps the one, and lets others glide to where they are now.
 * Returns what tells whether a card is kept in its place now, whatever becomes of the heights of others.
 */
export function useSteady(scroller: RefObject<HTMLElement | null>, cards: RefObject<HTMLElement | null>, { starts, order, isScrolling, cameFrom }: Sight): () => boolean {
  const before = useRef({ starts, order });
  const shift = useRef(0);
  const letGoAt = useRef(0);
  const touchedId = useRef<string | undefined>(undefined);

  const isOwn = (): boolean => performance.now() - letGoAt.current < OWN_MS;
  const pointedAt = (): string | undefined =>
    touchedId.current ?? (hasPointer() ? scroller.current?.querySelector<HTMLElement>("[data-task]:hover")?.dataset.task : undefined);

  useLayoutEffect(() => {
    const last = before.current;
    before.current = { starts, order };
    const element = scroller.current;
    if (!element || (last.order === order && !isMoved(last.starts, starts)) || isOwn()) return;
    // What is above the first card in sight and gets another height is balanced by the virtualizer.
    const id = pointedAt() ?? (hasPointer() || last.order === order ? "" : (firstInSight(last.starts, element.scrollTop) ?? ""));
    const [was, is] = [last.starts.get(id), starts.get(id)];
    const balanced = was === undefined || is === undefined ? 0 : is - was;
    if (balanced !== 0) {
      const wanted = element.scrollTop - shift.current + balanced;
      element.scrollTop = wanted;
      if (cards.current && wanted - element.scrollTop >= 1) makeRoom(element, cards.current, wanted);
      shift.current = Math.max(0, -wanted);
      show(cards.current, shift.current);
    }
    // Where heights alone have changed, the virtualizer may have scrolled by itself.
    if (cards.current && last.order !== order && !isScrolling) glide(cards.current, last.starts, starts, balanced, cameFrom);
  });

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const left = (): void => {
      const box = cards.current;
      if (!box || (shift.current === 0 && !box.style.minHeight)) return;
      const before = element.scrollTop - shift.current;
      shift.current = 0;
      show(box, 0);
      box.style.minHeight = "";
      element.style.scrollbarWidth = "";
      glideBack(box, element.scrollTop - before);
    };
    const moved = ({ clientY, pointerType }: PointerEvent): void => {
      if (pointerType === "mouse" && cards.current && isAside(cards.current, clientY)) left();
    };
    const touched = ({ pointerType, target }: PointerEvent): void => {
      if (pointerType !== "mouse") touchedId.current = (target as Element).closest<HTMLElement>("[data-task]")?.dataset.task;
    };
    const letGo = ({ pointerType }: PointerEvent): void => {
      letGoAt.current = performance.now();
      touchedId.current = undefined;
      if (pointerType !== "mouse") left();
    };
    element.addEventListener("pointerleave", left);
    element.addEventListener("pointermove", moved);
    element.addEventListener("pointerdown", touched);
    addEventListener("pointerup", letGo);
    addEventListener("pointercancel", letGo); // the touch has become a scrolling
    return () => {
      element.removeEventListener("pointerleave", left);
      element.removeEventListener("pointermove", moved);
      element.removeEventListener("pointerdown", touched);
      removeEventListener("pointerup", letGo);
      removeEventListener("pointercancel", letGo);
    };
  }, [scroller, cards]);

  return () => !isOwn() && pointedAt() !== undefined;
}

/** Whether there is no card so high in the window: above the first one, or below the last. */
function isAside(cards: HTMLElement, y: number): boolean {
  if (!cards.style.transform && !cards.style.minHeight) return false; // at its place: nothing is laid out for the answer
  const below = y - cards.getBoundingClientRect().top;
  return below < 0 || below > parseFloat(cards.style.height);
}

function isMoved(before: Starts, now: Starts): boolean {
  for (const [id, start] of now) if ((before.get(id) ?? start) !== start) return true;
  return false;
}

const hasPointer = (): boolean => matchMedia("(hover: hover)").matches;

function firstInSight(starts: Starts, scrolled: number): string | undefined {
  if (scrolled <= 0) return undefined; // at the top, what comes is to be seen
  let first: string | undefined;
  for (const [id, start] of starts) if (start >= scrolled && start < (starts.get(first ?? "") ?? Infinity)) first = id;
  return first;
}

/**
 * Lets a column or a list be scrolled so far, whatever is in it. Where all of it was in sight there is no bar for that: it would
 * take room from the cards, and they would get higher.
 */
function makeRoom(scroller: HTMLElement, cards: HTMLElement, wanted: number): void {
  if (scroller.scrollHeight <= scroller.clientHeight) scroller.style.scrollbarWidth = "none";
  cards.style.minHeight = `${wanted + scroller.clientHeight}px`;
  scroller.scrollTop = wanted;
}

function show(cards: HTMLElement | null, shift: number): void {
  if (cards) cards.style.transform = shift ? `translateY(${shift}px)` : "";
}
