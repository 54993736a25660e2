/** Short messages at the edge, beside an open task rather than on it: three at most, read out by screen readers, gone after some seconds unless pointed at. */
import { X } from "lucide-react";
import { create } from "zustand";
import { Button } from "./controls";

interface Toast {
  readonly id: number;
  readonly title: string;
  readonly text?: string | undefined;
  readonly action?: Action | undefined;
}

interface Action {
  readonly label: string;
  readonly run: () => void;
  /** What it undoes, by the keys of that: where one of them is undone otherwise, the message has nothing more to offer. */
  readonly undoes?: readonly string[];
}

const SHOWN_MS = 8_000;
const AT_MOST = 3;
let lastId = 0;

const useToasts = create<{ toasts: readonly Toast[]; lift: number }>(() => ({ toasts: [], lift: 0 }));
const drop = (id: number): void => useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));

export function toast(title: string, text?: string, action?: Toast["action"]): void {
  const id = ++lastId;
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts, { id, title, text, action }].slice(-AT_MOST) }));
  dropLater(id);
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

export function Toasts() {
  const { toasts, lift } = useToasts();
  return (
    <div role="status" aria-label="Messages" data-toasts className="pointer-events-none fixed right-4 bottom-4 z-60 grid w-80 max-w-[calc(100vw-2rem)] gap-2 md:[:has([data-panel])_&]:right-[29rem] md:[:has([data-panel])_&]:max-w-[calc(100vw-30rem)]" style={{ marginBottom: lift }}>
      {toasts.map(({ id, title, text, action }) => (
        <div key={id} className="pointer-events-auto flex items-start gap-2 rounded-xl border border-line bg-raised p-3 shadow-lg">
          <div className="min-w-0 grow">
            <p className="line-clamp-4 text-sm font-semibold wrap-anywhere">{title}</p>
            {text && <p className="text-sm text-dim">{text}</p>}
          </div>
          {action && <Button onClick={() => { action.run(); drop(id); }}>{action.label}</Button>}
          <Button kind="quiet" aria-label="Dismiss" onClick={() => drop(id)}><X size={16} aria-hidden /></Button>
        </div>
      ))}
    </div>
  );
}
