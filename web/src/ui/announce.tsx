/** Says things to screen readers that others see: what one did oneself at once, what others did when there is a pause. */
import { create } from "zustand";

const useSaid = create<{ own: string; others: string }>(() => ({ own: "", others: "" }));

/** The same sentence again is another text, as only what changes is read out. */
const again = (before: string, now: string): string => (before === now && now ? `${now}\u00a0` : now);

export const announce = (own: string): void => useSaid.setState((before) => ({ own: again(before.own, own) }));

export const announceOthers = (others: string): void => useSaid.setState((before) => ({ others: again(before.others, others) }));

export function Announcer() {
  const { own, others } = useSaid();
  return (
    <>
      <div aria-live="assertive" aria-label="What you did" role="log" className="sr-only">{own}</div>
      <div aria-live="polite" aria-label="What others do" role="log" className="sr-only">{others}</div>
    </>
  );
}
