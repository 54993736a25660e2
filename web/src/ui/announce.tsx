/** Says things to screen readers that others see: what one did oneself at once, what others did when there is a pause. */
import { useState } from "react";
import { create } from "zustand";

interface Said {
  readonly text: string;
}
const NOTHING: Said = { text: "" };

const useSaid = create<{ own: Said; others: Said; shown: Said }>(() => ({ own: NOTHING, others: NOTHING, shown: NOTHING }));

/** The same sentence again is another text, as only what changes is read out. */
const again = (before: Said, text: string): Said => ({ text: before.text === text && text ? `${text}\u00a0` : text });

export const announce = (own: string): void => useSaid.setState((before) => ({ own: again(before.own, own) }));

export const announceOthers = (others: string): void => useSaid.setState((before) => ({ others: again(before.others, others) }));

/** What the page shows now, when a screen reader has said what it is saying. */
export const announceShown = (shown: string): void => useSaid.setState((before) => ({ shown: again(before.shown, shown) }));

/** In the page, and in each dialog, outside of which nothing is read out: what was said before one came is not said again in it. */
export function Announcer() {
  const now = useSaid();
  const [first] = useState(now);
  const textOf = (part: keyof typeof now): string => (now[part] === first[part] ? "" : now[part].text);
  return (
    <>
      <div aria-live="assertive" aria-label="What you did" role="log" className="sr-only">{textOf("own")}</div>
      <div aria-live="polite" aria-label="What others do" role="log" className="sr-only">{textOf("others")}</div>
      <div aria-live="polite" aria-label="What is shown" role="log" className="sr-only">{textOf("shown")}</div>
    </>
  );
}
