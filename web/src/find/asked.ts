/**
 * What the person has asked for that another part of the page does: a palette, the list of keys, a new task.
 *
 * Invariant: what is typed between the key for a new task and its dialog is meant for the dialog, however long that takes to
 * come, as where its page has to be opened first. It is no key of anything else.
 */
import { create } from "zustand";
import { isTyping } from "../board/typing";

export const useAsked = create<{ overlay: "palette" | "keys" | null; isNewTask: boolean }>(() => ({ overlay: null, isNewTask: false }));

export const askFor = (overlay: "palette" | "keys" | null): void => useAsked.setState({ overlay });

let typed = "";

export function askForNewTask(): void {
  useAsked.setState({ overlay: null, isNewTask: true });
  typed = "";
  addEventListener("keydown", hold, { capture: true });
  addEventListener("pointerdown", forgetNewTask, { capture: true });
}

/** Nobody waits for a new task any more: its dialog is there, or they did something else. */
export function forgetNewTask(): void {
  useAsked.setState({ isNewTask: false });
  removeEventListener("keydown", hold, { capture: true });
  removeEventListener("pointerdown", forgetNewTask, { capture: true });
}

/** What was typed since a new task was asked for, once its dialog is there to take it. */
export function takeTyped(): string {
  forgetNewTask();
  const taken = typed;
  typed = "";
  return taken;
}

function hold(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || isTyping(event)) return;
  if (event.key === "Escape") forgetNewTask();
  else if (event.key === "Backspace") typed = typed.slice(0, -1);
  else if (event.key.length === 1) typed += event.key;
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
