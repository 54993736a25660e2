/**
 * Which card has the focus. A card that goes to another column, or scrolls out of sight and back, is another element then;
 * the browser drops the focus with the old one, and every key that comes before the new one has it would be lost.
 *
 * Invariant: a card keeps the focus until something else is given it: keys mean the card meanwhile, and its next element
 * takes the focus as it appears. It is never taken from anything else.
 */
import { useLayoutEffect, type RefObject } from "react";

let heldId: string | null = null;
let isWatching = false;
let followedId: string | null = null;

/** Begins to notice which card has the focus. Returns how to stop. */
export function watchFocus(): () => void {
  isWatching = true;
  const focused = (event: FocusEvent): void => void (heldId = cardOf(event.target)?.dataset.task ?? null);
  const pressed = (event: PointerEvent): void => void (heldId = cardOf(event.target)?.dataset.task ?? null);
  addEventListener("focusin", focused);
  addEventListener("pointerdown", pressed, { capture: true });
  return () => {
    heldId = null;
    isWatching = false;
    removeEventListener("focusin", focused);
    removeEventListener("pointerdown", pressed, { capture: true });
  };
}

/** Lets keys mean a card from now on, though nothing has the focus; not where there are no cards any more. */
export function holdCard(id: string): void {
  if (isWatching) heldId = id;
}

/** Gives a card the focus, at once if it is in the page, otherwise as soon as it is. */
export function focusCard(id: string): void {
  holdCard(id);
  elementOf(id)?.focus();
}

/** The id of the task that a key is meant for that comes to `target`. */
export const taskIdAt = (target: EventTarget | null): string | null => cardOf(target)?.dataset.task ?? (isFree() ? heldId : null);

/** The id of the task whose card really has the focus. */
export const focusedTaskId = (): string | undefined => cardOf(document.activeElement)?.dataset.task;

/** For the `ref` of a card: takes the focus that its last element had. */
export function takeFocus(card: HTMLElement | null): void {
  if (card && heldId !== null && card.dataset.task === heldId && isFree()) card.focus({ preventScroll: true });
}

export const elementOf = (id: string): HTMLElement | null => document.querySelector<HTMLElement>(`[data-task="${id}"]`);

/** Draws what becomes of a task by a key, and brings it into sight where it has come to. */
export function follow(id: string, draw: () => void): void {
  followedId = id;
  try {
    draw();
  } finally {
    followedId = null;
  }
  elementOf(id)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Whether what is drawn now is what became of a task by a key. */
export const isFollowing = (): boolean => followedId !== null;

/** Lets a list that draws only what is in sight scroll to the task that is followed. */
export function useFollowing(box: RefObject<HTMLElement | null>, ids: () => readonly string[], scrollTo: (index: number) => void): void {
  useLayoutEffect(() => {
    const at = followedId === null || elementOf(followedId) ? -1 : ids().indexOf(followedId);
    if (at < 0) return;
    box.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
    scrollTo(at);
  });
}

const cardOf = (target: EventTarget | null): HTMLElement | null => (target instanceof Element ? target.closest<HTMLElement>("[data-task]") : null);

const isFree = (): boolean => document.activeElement === document.body || document.activeElement === null;
