/** Says things to screen readers that others see: what one did oneself at once, what others did when there is a pause. */
import { create } from "zustand";

const useSaid = create<{ own: string; others: string; shown: string }>(() => ({ own: "", others: "", shown: "" }));

/** The same sentence again is another text, as only what changes is read out. */
const again = (before: string, now: string): string => (before === now && now ? `${now}\u00a0` : now);

export const announce = (own: string): void => useSaid.setState((before) => ({ own: again(before.own, own) }));

export const announceOthers = (others: string): void => useSaid.setState((before) => ({ others: again(before.others, others) }));

/** What the page shows now, when a screen reader has said what it is saying. */
export const announceShown = (shown: string): void => useSaid.setState((before) => ({ shown: again(before.shown, shown) }));

export function Announcer() {
  const { own, others, shown } = useSaid();
  return (
    <>
      <div aria-live="assertive" aria-label="What you did" role="log" className="sr-only">{own}</div>
      <div aria-live="polite" aria-label="What others do" role="log" className="sr-only">{others}</div>
      <div aria-live="polite" aria-label="What is shown" role="log" className="sr-only">{shown}</div>
    </>
  );
}
