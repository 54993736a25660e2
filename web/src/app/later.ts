import { lazy, type ComponentType } from "react";

const RETRY_MS = 2_000;

/** A component whose script is fetched when it is drawn first, and tried again for as long as the network does not give it. */
export const lazily = <Props>(fetch: () => Promise<{ default: ComponentType<Props> }>) => lazy(() => whenThere(fetch));

/** The script, tried again for as long as the network does not give it. */
export async function whenThere<Module>(fetch: () => Promise<Module>): Promise<Module> {
  for (;;) {
    try {
      return await fetch();
    } catch {
      await new Promise<void>((again) => {
        setTimeout(again, RETRY_MS);
        addEventListener("online", () => again(), { once: true });
      });
    }
  }
}

const LONGEST_MS = 5_000;
let tellShown: () => void;
const whenShown = new Promise<void>((resolve) => (tellShown = resolve));

/** What the page was opened for is on it. */
export const nowShown = (): void => tellShown();

/**
 * Fetches scripts that will be needed, when what the page was opened for is shown and the page has nothing else to do: so they
 * are there also without a network.
 */
export function fetchLater(...scripts: readonly (() => Promise<unknown>)[]): () => void {
  const fetchAll = (): void => scripts.forEach((script) => void script().catch(() => undefined)); // asked again at their use
  let cancel = (): void => undefined;
  let isOver = false;
  function begin(): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(atLatest);
    if (!("requestIdleCallback" in window)) {
      const timer = setTimeout(fetchAll, 1_000);
      cancel = () => clearTimeout(timer);
      return;
    }
    const handle = requestIdleCallback(fetchAll, { timeout: LONGEST_MS });
    cancel = () => cancelIdleCallback(handle);
  }
  const atLatest = setTimeout(begin, LONGEST_MS);
  void whenShown.then(begin);
  return () => {
    isOver = true;
    clearTimeout(atLatest);
    cancel();
  };
}
