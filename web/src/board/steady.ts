/**
 * Keeps the card under the pointer where it is while others change what is above it.
 *
 * Invariant: what cannot be kept by scrolling is kept by shifting the cards, and that shift ends when the pointer leaves.
 */
import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";

const OWN_MS = 400; // what changes so soon after the pointer was let go is what it did

/** `starts`: where each card in sight begins, by its id; `order` is another value when cards came, went or moved. */
export function useSteady(scroller: RefObject<HTMLElement | null>, cards: RefObject<HTMLElement | null>, starts: ReadonlyMap<string, number>, order: unknown): void {
  const before = useRef({ starts, order });
  const shift = useRef(0);
  const letGoAt = useRef(0);

  useLayoutEffect(() => {
    const last = before.current;
    before.current = { starts, order };
    const element = scroller.current;
    if (!element || last.order === order || performance.now() - letGoAt.current < OWN_MS) return;
    const id = element.querySelector<HTMLElement>("[data-task]:hover")?.dataset.task ?? "";
    const [was, is] = [last.starts.get(id), starts.get(id)];
    if (was === undefined || is === undefined || was === is) return;
    const wanted = element.scrollTop + is - was;
    element.scrollTop = wanted;
    shift.current -= wanted - element.scrollTop;
    show(cards.current, shift.current);
  });

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const left = (): void => {
      if (shift.current === 0) return;
      shift.current = 0;
      show(cards.current, 0);
    };
    const letGo = (): void => void (letGoAt.current = performance.now());
    element.addEventListener("pointerleave", left);
    addEventListener("pointerup", letGo);
    return () => {
      element.removeEventListener("pointerleave", left);
      removeEventListener("pointerup", letGo);
    };
  }, [scroller, cards]);
}

function show(cards: HTMLElement | null, shift: number): void {
  if (cards) cards.style.transform = shift ? `translateY(${shift}px)` : "";
}
