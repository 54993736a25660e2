/** J, K and the arrows walk along what was found; from the field above it, the arrow down goes to the first. */
import { useEffect } from "react";
import { isTyping } from "../board/typing";

export function useWalk(): void {
  useEffect(() => {
    function keyed(event: KeyboardEvent): void {
      const isInField = event.target instanceof HTMLInputElement && event.target.type === "search";
      if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || (isTyping(event) && !isInField)) return;
      const down = event.key === "ArrowDown" || (!isInField && event.key === "j");
      const up = event.key === "ArrowUp" || (!isInField && event.key === "k");
      if (!down && !up) return;
      const all = [...document.querySelectorAll<HTMLElement>("main input[type=search], [data-found]")];
      const next = all[Math.max(0, all.indexOf(document.activeElement as HTMLElement) + (down ? 1 : -1))];
      if (!next) return;
      event.preventDefault();
      next.focus();
    }
    addEventListener("keydown", keyed);
    return () => removeEventListener("keydown", keyed);
  }, []);
}
