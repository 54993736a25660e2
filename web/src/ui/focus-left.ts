/** Where the keyboard goes on when a button is gone that has done its work: otherwise it would be nowhere. */
import { useLayoutEffect, useRef, type RefObject } from "react";

/** For the button. `heirOf`: what gets the focus in its place, asked while the button is still there; a constant. */
export function useFocusLeft(heirOf: (button: HTMLButtonElement) => HTMLElement | null | undefined): RefObject<HTMLButtonElement | null> {
  const ref = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const button = ref.current;
    return () => {
      if (button && button === document.activeElement) heirOf(button)?.focus();
    };
  }, [heirOf]);
  return ref;
}
