/** What is loaded when it is needed: scripts are fetched until the network gives them, and meanwhile the page says why it waits. */
import { lazy, Suspense, useEffect, useState, type ComponentType, type ReactNode } from "react";
import { create } from "zustand";
import { isAnyWaiting } from "../data/waiting";
import { Empty, Loading } from "../ui/controls";

const RETRY_MS = 2_000;
const LOADED_ANEW = "tutti.loaded-anew";
const LOADED_ANEW_MS = 60_000;

/** How many scripts the network did not give, which are tried again. */
const useMissing = create<{ count: number }>(() => ({ count: 0 }));

/** A component whose script is fetched when it is drawn first, and tried again for as long as the network does not give it. */
export const lazily = <Props,>(fetch: () => Promise<{ default: ComponentType<Props> }>) => lazy(() => whenThere(fetch));

/** The script, tried again for as long as the network does not give it. */
export async function whenThere<Module>(fetch: () => Promise<Module>): Promise<Module> {
  try {
    return await fetch();
  } catch {
    useMissing.setState(({ count }) => ({ count: count + 1 }));
  }
  for (;;) {
    await new Promise<void>((again) => {
      setTimeout(again, RETRY_MS);
      addEventListener("online", () => again(), { once: true });
    });
    try {
      const script = await fetch();
      useMissing.setState(({ count }) => ({ count: count - 1 }));
      return script;
    } catch (problem) {
      await loadAnew(problem);
    }
  }
}

/**
 * Loads the page anew where only that helps: some browsers remember for as long as a page lives that a script could not be had,
 * and a script of a build that was replaced is not there any more. Not while somebody types, or something waits.
 */
async function loadAnew(problem: unknown): Promise<void> {
  const address = /https?:\S+/.exec(String(problem))?.[0]; // browsers that remember it name it
  const answer = address ? await window.fetch(address, { method: "HEAD", cache: "no-store" }).catch(() => null) : null;
  if (!answer || answer.status >= 500 || isAnyWaiting() || document.querySelector("dialog[open]") || document.activeElement?.closest("input, textarea, select")) return;
  const before = Number(sessionStorage.getItem(LOADED_ANEW));
  if (Date.now() - before < LOADED_ANEW_MS) return;
  sessionStorage.setItem(LOADED_ANEW, String(Date.now()));
  location.reload();
}

/** A page whose script may still have to be fetched; what is around it stays as it is. `what` is loaded. */
export const Later = ({ what, children }: { what: string; children: ReactNode }) => <Suspense fallback={<Awaited what={what} />}>{children}</Suspense>;

function Awaited({ what }: { what: string }) {
  const isAway = useMissing(({ count }) => count > 0);
  if (!isAway) return <Loading what={what} />;
  return <div role="status"><Empty title="This page cannot be loaded without a connection."><p>It comes as soon as there is one.</p></Empty></div>;
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

/** A component that shows nothing: it begins when the page has nothing else to do. */
export function unseen(fetch: () => Promise<{ default: ComponentType }>): ComponentType {
  const Begun = lazily(fetch);
  return function Unseen() {
    const [isDue, setDue] = useState(false);
    useEffect(() => fetchLater(() => {
      setDue(true);
      return fetch();
    }), []);
    return isDue && <Suspense fallback={null}><Begun /></Suspense>;
  };
}
