/**
 * Keeps the card under the pointer or the finger where it is while others change what is above it. Where there is no pointer,
 * whoever has scrolled down keeps the first card in sight.
 *
 * Invariant: what cannot be kept by scrolling is kept by shifting the cards, and that shift ends when the pointer leaves.
 */
import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import { glide, type SideOf, type Starts } from "./glide";

const OWN_MS = 400; // what changes so soon after the pointer was let go is what it did

interface Sight {
  readonly starts: Starts;
  /** Another value when cards came, went or moved. */
  readonly order: unknown;
  /** Whether the person scrolls. */
  readonly isScrolling: boolean;
  readonly sideOf: SideOf;
}

/**
 * Keeps the one, and lets others glide to where they are now.
 * Returns what tells whether a card is kept in its place now, whatever becomes of the heights of others.
 */
export function useSteady(scroller: RefObject<HTMLElement | null>, cards: RefObject<HTMLElement | null>, { starts, order, isScrolling, sideOf }: Sight): () => boolean {
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
      const wanted = element.scrollTop + balanced;
      element.scrollTop = wanted;
      shift.current -= wanted - element.scrollTop;
      show(cards.current, shift.current);
    }
    // Where heights alone have changed, the virtualizer may have scrolled by itself.
    if (cards.current && last.order !== order && !isScrolling) glide(cards.current, last.starts, starts, balanced, sideOf);
  });

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const left = (): void => {
      if (shift.current === 0) return;
      shift.current = 0;
      show(cards.current, 0);
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
    element.addEventListener("pointerdown", touched);
    addEventListener("pointerup", letGo);
    addEventListener("pointercancel", letGo); // the touch has become a scrolling
    return () => {
      element.removeEventListener("pointerleave", left);
      element.removeEventListener("pointerdown", touched);
      removeEventListener("pointerup", letGo);
      removeEventListener("pointercancel", letGo);
    };
  }, [scroller, cards]);

  return () => !isOwn() && pointedAt() !== undefined;
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

function show(cards: HTMLElement | null, shift: number): void {
  if (cards) cards.style.transform = shift ? `translateY(${shift}px)` : "";
}
