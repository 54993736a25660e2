/** A modal dialog upon the browser's own: it traps focus, closes by Escape, and gives focus back. */
import { X } from "lucide-react";
import { useLayoutEffect, useRef, type ReactNode } from "react";
import { Announcer } from "./announce";
import { Button } from "./controls";
import { Toasts } from "./toasts";

/** `isHigh`: it begins near the top and stays there, where what it shows gets higher and lower under the hands. */
export function Dialog({ title, isHigh = false, onClose, children }: { title: string; isHigh?: boolean; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isPressedOutside = useRef(false);
  // In the commit itself: a key that comes after it is meant for the dialog, and at its end for what had the focus before.
  useLayoutEffect(() => {
    const element = dialog.current;
    const around = document.activeElement?.closest<HTMLElement>("[tabindex='-1']");
    element?.showModal();
    // The browser would begin at the first thing that can be focused, which is Close. A dialog is there to be filled in.
    element?.querySelector<HTMLElement>("input, textarea, select")?.focus();
    return () => {
      element?.close();
      const left = document.activeElement;
      if (left === document.body || element?.contains(left)) around?.focus(); // what had the focus before has gone meanwhile
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      className={`${isHigh ? "mx-auto mt-[10dvh] mb-auto max-h-[85dvh]" : "m-auto"} w-[calc(100%-1.5rem)] max-w-lg rounded-2xl border border-line bg-surface p-0 text-text shadow-2xl backdrop:bg-black/50`}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // Whoever selects text in it may let go outside, and a press beside a menu closes that alone.
      onPointerDown={(event) => { isPressedOutside.current = event.target === dialog.current && !dialog.current.querySelector("[data-radix-menu-content]"); }}
      onClick={(event) => event.target === dialog.current && isPressedOutside.current && onClose()}
    >
      <div className="grid gap-4 p-5">
        <div className="flex items-center justify-between gap-4">
          <h2 className="text-lg font-semibold">{title}</h2>
          <Button kind="quiet" aria-label="Close" onClick={onClose}><X size={18} aria-hidden /></Button>
        </div>
        {children}
      </div>
      <Toasts isInDialog />
      <Announcer />
    </dialog>
  );
}
