/** Short messages at the edge, beside an open task rather than on it: three at most, read out by screen readers, gone after some seconds unless pointed at. */
import { X } from "lucide-react";
import { useLayoutEffect, useRef, useState, type RefObject } from "react";
import { create } from "zustand";
import { Button } from "./controls";

interface Toast {
  readonly id: number;
  readonly title: string;
  readonly text?: string | undefined;
  readonly action?: Action | undefined;
  /** Of several about the same, only the latest is shown, in the place of the one before. */
  readonly about?: string | undefined;
}

interface Action {
  readonly label: string;
  readonly run: () => void;
  /** What it undoes, by the keys of that: where one of them is undone otherwise, the message has nothing more to offer. */
  readonly undoes?: readonly string[];
  /** It leads somewhere, and the focus goes along. */
  readonly leads?: true;
}

const SHOWN_MS = 8_000;
const AT_MOST = 3;
let lastId = 0;

const useToasts = create<{ toasts: readonly Toast[]; lift: number }>(() => ({ toasts: [], lift: 0 }));
const drop = (id: number): void => useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));

export function toast(title: string, text?: string, action?: Toast["action"], about?: string): void {
  const next = { id: ++lastId, title, text, action, about };
  useToasts.setState(({ toasts }) => {
    const isSame = (each: Toast): boolean => about !== undefined && each.about === about;
    return { toasts: toasts.some(isSame) ? toasts.map((each) => (isSame(each) ? next : each)) : [...toasts, next].slice(-AT_MOST) };
  });
  dropLater(next.id);
}

/** Takes away the message that offers to undo what was done under this key. */
export const dropUndoOf = (key: string): void =>
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter(({ action }) => !action?.undoes?.includes(key)) }));

/** Keeps messages so many pixels further up, above what is at the edge for a while and has buttons of its own. */
export const liftToasts = (lift: number): void => useToasts.setState({ lift });

/** Not while somebody points at one of them, or has come to its button by keys: they are about to press it. */
function dropLater(id: number): void {
  const areHeld = (): boolean => document.querySelector("[data-toasts]:is(:hover, :focus-within)") !== null;
  setTimeout(() => (areHeld() ? dropLater(id) : drop(id)), SHOWN_MS);
}

/** In the page, and in each dialog, which lets nothing outside of it be pressed: what came before one is behind it, as are buttons that lead away. */
export function Toasts({ isInDialog = false }: { isInDialog?: boolean }) {
  const { toasts: all, lift } = useToasts();
  const [before] = useState(lastId);
  const toasts = isInDialog ? all.filter(({ id }) => id > before) : all;
  const box = useRef<HTMLDivElement>(null);
  const top = useTop(box, toasts, lift);
  const cameFrom = useRef<Element | null>(null);
  /** A message that has done its work takes no focus along: it goes back to where it came from, or to the page. */
  function leave(id: number): void {
    const isHere = box.current?.contains(document.activeElement);
    drop(id);
    if (!isHere) return;
    const before = cameFrom.current?.isConnected ? cameFrom.current : (box.current?.closest("dialog") ?? document.getElementById("page"))?.querySelector(":is([tabindex], a, button)");
    (before as HTMLElement | null)?.focus();
  }
  return (
    <div ref={box} onFocus={({ relatedTarget }) => { if (!box.current?.contains(relatedTarget)) cameFrom.current = relatedTarget; }} role="status" aria-label="Messages" data-toasts className="pointer-events-none fixed right-4 z-60 grid w-96 max-w-[calc(100vw-2rem)] gap-2 md:[:has([data-panel])_&]:right-[29rem] md:[:has([data-panel])_&]:max-w-[calc(100vw-30rem)]" style={top === null ? { bottom: EDGE + lift } : { top }}>
      {toasts.map(({ id, title, text, action, about }) => (
        <div key={about ?? id} className="pointer-events-auto flex items-start gap-1 rounded-xl border border-line bg-raised p-2 pl-4 text-sm shadow-lg">
          <div className="min-w-0 grow py-1.5 wrap-anywhere pointer-coarse:py-3">
            <p className="line-clamp-4 font-semibold">{title}</p>
            {text && <p className="mt-0.5 line-clamp-3 text-dim">{text}</p>}
          </div>
          {action && !(isInDialog && action.leads) && <Button className="shrink-0" onClick={() => { action.run(); (action.leads ? drop : leave)(id); }}>{action.label}</Button>}
          <Button kind="quiet" className="shrink-0" aria-label="Dismiss" onClick={() => leave(id)}><X size={16} aria-hidden /></Button>
        </div>
      ))}
    </div>
  );
}

const EDGE = 16;
const MOVES = ["focusin", "input", "scroll"];

/** Where messages go at the top, as below they would lie on the field that has the focus, or behind a keyboard on the screen; else null. */
function useTop(box: RefObject<HTMLElement | null>, toasts: readonly Toast[], lift: number): number | null {
  const [top, setTop] = useState<number | null>(null);
  useLayoutEffect(() => {
    if (toasts.length === 0) return;
    const place = (): void => setTop(box.current && topOf(box.current, lift));
    place();
    for (const move of MOVES) document.addEventListener(move, place, true);
    visualViewport?.addEventListener("resize", place);
    return () => {
      for (const move of MOVES) document.removeEventListener(move, place, true);
      visualViewport?.removeEventListener("resize", place);
    };
  }, [box, toasts, lift]);
  return top;
}

function topOf(box: HTMLElement, lift: number): number | null {
  const field = document.activeElement;
  if (!field?.matches("input, textarea, select")) return null;
  const { left, right, height } = box.getBoundingClientRect();
  const { offsetTop, height: seen } = visualViewport ?? { offsetTop: 0, height: innerHeight };
  const end = innerHeight - EDGE - lift;
  // Rather beside all of its form, with the button that sends it.
  for (const kept of [field.closest("form") ?? field, field]) {
    const { left: from, right: to, top, bottom } = kept.getBoundingClientRect();
    if (end <= offsetTop + seen && (to < left || from > right || bottom < end - height || top > end)) return null;
    if (top > offsetTop + EDGE + height) return offsetTop + EDGE;
  }
  return null;
}
