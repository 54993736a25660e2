/** Says things to screen readers that others see. */
import { create } from "zustand";

const useSaid = create<{ text: string }>(() => ({ text: "" }));

export const announce = (text: string): void => useSaid.setState({ text });

export const Announcer = () => <div aria-live="assertive" className="sr-only">{useSaid(({ text }) => text)}</div>;
