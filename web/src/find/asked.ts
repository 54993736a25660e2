/** What the person has asked for that another part of the page does: a palette, the list of keys, a new task. */
import { create } from "zustand";

export const useAsked = create<{ overlay: "palette" | "keys" | null; isNewTask: boolean }>(() => ({ overlay: null, isNewTask: false }));

export const askFor = (overlay: "palette" | "keys" | null): void => useAsked.setState({ overlay });
export const askForNewTask = (): void => useAsked.setState({ overlay: null, isNewTask: true });
