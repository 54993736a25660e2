/** Where the keyboard goes on when what had the focus is gone, as it has done its work: otherwise it would be nowhere. */
import { useLayoutEffect, useRef, type RefObject } from "react";

/** For the button. `heirOf`: what gets the focus in its place, asked while the button is still there; a constant. */
export function useFocusLeft(heirOf: (button: HTMLButtonElement) => HTMLElement | null | undefined): RefObject<HTMLButtonElement | null> {
  const ref = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    return () => {
      const button = ref.current; // still there, and not the first one where a menu has been opened by it
      if (button && button === document.activeElement) heirOf(button)?.focus();
    };
  }, [heirOf]);
  return ref;
}

/** The button of the row after that of a button that goes with its row, or before it; else what is around the rows. */
export function inNextRow(button: HTMLElement): HTMLElement | null {
  const row = button.closest("li");
  return (row?.nextElementSibling ?? row?.previousElementSibling)?.querySelector("button") ?? button.closest<HTMLElement>("[tabindex]");
}

/** For the button in whose place something opens: it gets the focus that is left when that closes. */
export function useFocusBack(isOpen: boolean): RefObject<HTMLButtonElement | null> {
  const ref = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(isOpen);
  useLayoutEffect(() => {
    if (wasOpen.current && !isOpen && document.activeElement === document.body) ref.current?.focus();
    wasOpen.current = isOpen;
  }, [isOpen]);
  return ref;
}
