/** Says things to screen readers that others see: what one did oneself at once, what others did when there is a pause. */
import { create } from "zustand";

const useSaid = create<{ own: string; others: string }>(() => ({ own: "", others: "" }));

export const announce = (own: string): void => useSaid.setState({ own });

export const announceOthers = (others: string): void => useSaid.setState({ others });

export function Announcer() {
  const { own, others } = useSaid();
  return (
    <>
      <div aria-live="assertive" className="sr-only">{own}</div>
      <div aria-live="polite" aria-label="What others do" role="log" className="sr-only">{others}</div>
    </>
  );
}
