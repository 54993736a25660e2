/**
 * Dragging cards with a pointer: what is dragged, and where it would land.
 *
 * Invariant: nothing changes until the pointer is let go over a column; Escape, or losing the pointer, changes nothing.
 * The dragged picture is moved by the style of one element, so that a move of the pointer draws no card again.
 */
import { create } from "zustand";
import type { Task } from "../data/model";

export interface Target {
  readonly statusId: string;
  readonly index: number;
  /** Where the middle of the placeholder lies, in pixels of the column's scrolled content. */
  readonly top: number;
}

export const useDrag = create<{ task: Task | null; target: Target | null }>(() => ({ task: null, target: null }));

const THRESHOLD_PX = 6;
const EDGE_PX = 48;
const MIDDLE_PX = 4; // half of the gap between two cards
const HOLD_MS = 250; // a touch scrolls unless it rests first

/** Starts watching a press on the board; calls `onDrop` if it becomes a drag that ends over a column. */
export function pressed(event: PointerEvent, taskOf: (id: string) => Task | undefined, ghost: () => HTMLElement | null, onDrop: (task: Task, target: Target) => void): void {
  const card = (event.target as Element).closest<HTMLElement>("[data-task]");
  const task = card && event.button === 0 ? taskOf(card.dataset.task!) : undefined;
  if (!card || !task) return;
  const start = { x: event.clientX, y: event.clientY };
  const box = card.getBoundingClientRect();
  const held = { x: start.x - box.left, y: start.y - box.top, width: box.width, height: box.height };
  let at = start;
  let isDragging = false;
  let isGivenUp = false; // by Escape, while the pointer is still down
  let frame = 0;
  const isTouch = event.pointerType === "touch";
  const hold = isTouch ? setTimeout(begin, HOLD_MS) : undefined;

  function begin(): void {
    isDragging = true;
    useDrag.setState({ task: task!, target: null });
    frame = requestAnimationFrame(follow);
  }
  function follow(): void {
    const picture = ghost();
    if (picture) {
      // The hand keeps the card where it took it, and at the edges of the window all of the card stays within.
      const x = Math.max(0, Math.min(at.x - held.x, innerWidth - held.width));
      const y = Math.max(0, Math.min(at.y - held.y, innerHeight - held.height));
      picture.style.width = `${held.width}px`;
      picture.style.transform = `translate(${x}px, ${y}px) rotate(2deg)`;
    }
    const below = document.elementsFromPoint(at.x, at.y); // once a frame, as it makes the browser lay out the page
    scrollAtEdges(below, at);
    const target = targetAt(below, at, task!.id);
    const now = useDrag.getState().target;
    if (target?.statusId !== now?.statusId || target?.index !== now?.index || target?.top !== now?.top) useDrag.setState({ target });
    frame = requestAnimationFrame(follow);
  }
  function moved(move: PointerEvent): void {
    if (isGivenUp) {
      if (move.buttons === 0) end(); // where it was let go nobody heard of
      return;
    }
    at = { x: move.clientX, y: move.clientY };
    const isFar = Math.hypot(at.x - start.x, at.y - start.y) > THRESHOLD_PX;
    if (!isDragging && isFar) {
      if (isTouch) return end();
      begin();
    }
  }
  function released({ clientX: x, clientY: y }: PointerEvent): void {
    const wasDragging = isDragging;
    const wasGivenUp = isGivenUp;
    end();
    if (!wasDragging && !wasGivenUp) return;
    // The click that comes with it, if there is one; any later one is meant.
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
    if (wasGivenUp) return;
    // Where it is let go, which is not where it was in the last frame: a quick hand does not wait for the next one.
    const target = targetAt(document.elementsFromPoint(x, y), { x, y }, task!.id);
    if (target) onDrop(task!, target);
  }
  function keyed(key: KeyboardEvent): void {
    if (key.key !== "Escape" || !isDragging) return;
    key.stopPropagation();
    stop();
    isGivenUp = true;
  }
  function touched(move: TouchEvent): void {
    if (isDragging) move.preventDefault();
  }
  function stop(): void {
    clearTimeout(hold);
    cancelAnimationFrame(frame);
    isDragging = false;
    useDrag.setState({ task: null, target: null });
  }
  function end(): void {
    stop();
    removeEventListener("pointermove", moved);
    removeEventListener("pointerup", released);
    removeEventListener("pointercancel", end);
    removeEventListener("keydown", keyed, { capture: true });
    removeEventListener("touchmove", touched);
  }
  addEventListener("pointermove", moved);
  addEventListener("pointerup", released);
  addEventListener("pointercancel", end);
  addEventListener("keydown", keyed, { capture: true });
  addEventListener("touchmove", touched, { passive: false });
}

function swallow(click: Event): void {
  click.stopPropagation();
  click.preventDefault();
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function targetAt(below: readonly Element[], { y }: Point, draggedId: string): Target | null {
  const column = below.map((element) => element.closest<HTMLElement>("[data-column]")).find(Boolean);
  const scroller = column?.querySelector<HTMLElement>("[data-cards]");
  if (!column || !scroller) return null;
  const cards = [...scroller.querySelectorAll<HTMLElement>("[data-index]")].sort((a, b) => Number(a.dataset.index) - Number(b.dataset.index));
  const origin = scroller.getBoundingClientRect().top - scroller.scrollTop;
  const before = cards.find((card) => y < card.getBoundingClientRect().top + card.offsetHeight / 2);
  const own = cards.find((card) => card.querySelector(`[data-task="${draggedId}"]`));
  const last = cards.at(-1);
  const rawIndex = before ? Number(before.dataset.index) : last ? Number(last.dataset.index) + 1 : 0;
  const index = own && Number(own.dataset.index) < rawIndex ? rawIndex - 1 : rawIndex;
  // In the middle of the gap between two cards: the card below the pointer covers what lies on it.
  const top = before ? before.getBoundingClientRect().top - origin - MIDDLE_PX : last ? last.getBoundingClientRect().bottom - origin + MIDDLE_PX : MIDDLE_PX;
  return { statusId: column.dataset.column!, index, top };
}

function scrollAtEdges(below: readonly Element[], { x, y }: Point): void {
  for (const element of below) {
    if (!(element instanceof HTMLElement) || !element.matches("[data-cards], [data-board]")) continue;
    const box = element.getBoundingClientRect();
    if (element.matches("[data-cards]")) element.scrollTop += pull(y, box.top, box.bottom);
    else element.scrollLeft += pull(x, box.left, box.right);
  }
}

const pull = (at: number, low: number, high: number): number => (at < low + EDGE_PX ? -12 : at > high - EDGE_PX ? 12 : 0);
