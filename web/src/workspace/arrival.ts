/** Who comes in goes on at the heading of the first page: the form with the button that was pressed has gone. */
import { useLayoutEffect, useRef, type RefObject } from "react";

let isArriving = false;

/** The form of who comes in goes. */
export const arrive = (): void => void (isArriving = true);

/** For the heading of a page. The first one may give way to another as soon as more is known. */
export function useArrival(): RefObject<HTMLHeadingElement | null> {
  const ref = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    const heading = ref.current;
    if (isArriving && document.activeElement === document.body) heading?.focus();
    isArriving = false;
    return () => void (isArriving = heading === document.activeElement);
  }, []);
  return ref;
}
