/** What was typed and not sent yet: it survives a reload of the tab and the end of the session elsewhere, and goes when the person signs out here. */
import { create } from "zustand";

const PREFIX = "tutti.draft."; // sessionStorage

/** The title of a task that is to be made. */
export const NEW_TASK = "task";

let lastName = "";

const useDrafts = create<Readonly<Record<string, string>>>(() => ({}));

function setDraft(name: string, text: string): void {
  lastName = name;
  useDrafts.setState({ [name]: text });
  if (text) sessionStorage.setItem(PREFIX + name, text);
  else sessionStorage.removeItem(PREFIX + name);
}

const draftOf = (name: string): string => useDrafts.getState()[name] ?? sessionStorage.getItem(PREFIX + name) ?? "";

/** Puts a text below what is typed there now. */
export const addToDraft = (name: string, text: string): void => setDraft(name, [draftOf(name).trimEnd(), text].filter(Boolean).join("\n\n"));

/** Puts a text where nothing is typed now; returns whether it did. */
export function offerDraft(name: string, text: string): boolean {
  if (draftOf(name)) return false;
  setDraft(name, text);
  return true;
}

const storedNames = (): string[] => Object.keys(sessionStorage).flatMap((key) => (key.startsWith(PREFIX) ? [key.slice(PREFIX.length)] : []));

/** How many texts were typed in this tab and are neither sent nor saved. */
export const countDrafts = (): number => storedNames().filter((name) => draftOf(name).trim()).length;

/** When somebody signs out: whoever comes next is not to read what they typed. */
export function forgetDrafts(): void {
  useDrafts.setState({}, true);
  for (const name of storedNames()) sessionStorage.removeItem(PREFIX + name);
}

/** The draft of this name, and how to change it. */
export function useDraft(name: string): readonly [string, (text: string) => void] {
  const text = useDrafts((drafts) => drafts[name]) ?? draftOf(name);
  return [text, (next) => setDraft(name, next)];
}

/** The name of what was typed last. */
export const lastDraft = (): string => lastName;

/** The names of all drafts with such a part in their name, like the id of a task. */
export function useDraftsWith(isPart: (part: string) => boolean): readonly string[] {
  const names = useDrafts((drafts) => {
    return [...new Set([...storedNames(), ...Object.keys(drafts)])].filter((name) => name.split(".").some(isPart) && draftOf(name)).join(" ");
  });
  return names ? names.split(" ") : [];
}
