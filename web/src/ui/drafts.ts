/** What was typed and not sent yet: it survives a reload of the tab, and goes when the person signs out. */
import { create } from "zustand";

const PREFIX = "tutti.draft."; // sessionStorage

const useDrafts = create<Readonly<Record<string, string>>>(() => ({}));

export function setDraft(name: string, text: string): void {
  useDrafts.setState({ [name]: text });
  if (text) sessionStorage.setItem(PREFIX + name, text);
  else sessionStorage.removeItem(PREFIX + name);
}

const stored = (name: string): string => sessionStorage.getItem(PREFIX + name) ?? "";

/** When somebody signs out: whoever comes next is not to read what they typed. */
export function forgetDrafts(): void {
  useDrafts.setState({}, true);
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
}

/** The draft of this name, and how to change it. */
export function useDraft(name: string): readonly [string, (text: string) => void] {
  const text = useDrafts((drafts) => drafts[name]) ?? stored(name);
  return [text, (next) => setDraft(name, next)];
}
