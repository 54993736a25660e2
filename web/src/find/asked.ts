/**
 * What the person has asked for that another part of the page does: a palette, the list of keys, a new task.
 *
 * Invariant: what is typed between the key for a new task or the palette and its dialog is meant for the dialog, however long that
 * takes to come, as where its page or its script has to be fetched first. It is no key of anything else.
 */
import { create } from "zustand";
import { isTyping } from "../board/typing";

export const useAsked = create<{ overlay: "palette" | "keys" | null; isNewTask: boolean }>(() => ({ overlay: null, isNewTask: false }));

export function askFor(overlay: "palette" | "keys" | null): void {
  forget();
  useAsked.setState({ overlay });
  if (overlay === "palette") holdTyped();
}

let typed = "";
let areHeld = false;

/** Whether a dialog is awaited that takes what is typed. */
export const isHeld = (): boolean => areHeld;

export function askForNewTask(): void {
  useAsked.setState({ overlay: null, isNewTask: true });
  holdTyped();
}

function holdTyped(): void {
  typed = "";
  areHeld = true;
  addEventListener("keydown", hold, { capture: true });
  addEventListener("pointerdown", forget, { capture: true });
}

/** Nobody waits for a dialog any more: it is there, or they did something else. */
export function forget(): void {
  areHeld = false;
  useAsked.setState({ isNewTask: false });
  removeEventListener("keydown", hold, { capture: true });
  removeEventListener("pointerdown", forget, { capture: true });
}

/** What was typed since a dialog was asked for, once it is there to take it. */
export function takeTyped(): string {
  forget();
  const taken = typed;
  typed = "";
  return taken;
}

function hold(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || isTyping(event)) return;
  if (event.key === "Escape") askFor(null);
  else if (event.key === "Backspace") typed = typed.slice(0, -1);
  else if (event.key.length === 1) typed += event.key;
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
