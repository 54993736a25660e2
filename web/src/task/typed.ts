/**
 * A text while somebody types it.
 *
 * Invariant: what is typed is never replaced from outside. It keeps the value and the version that the typing began from, so
 * that it is known, and can be said, that somebody else has changed the text meanwhile.
 */
import { useState } from "react";
import { useDraft } from "../ui/drafts";

export interface Typed {
  readonly text: string;
  readonly from: string;
  readonly base: number;
}

export interface TypedText {
  readonly isTyping: boolean;
  readonly text: string;
  /** The version that the typing began from. */
  readonly base: number;
  /** Somebody else has changed the text since. */
  readonly isOvertaken: boolean;
  readonly type: (text: string) => void;
  /** Goes on from what stands now: what is typed is meant to replace it. */
  readonly rebase: () => void;
  readonly stop: () => void;
}

/** `draft` names where it is kept over a reload; without one it is not. */
export function useTyped(value: string, version: number, draft?: string): TypedText {
  const [kept, keep] = useDraft(draft ?? "");
  const [now, setNow] = useState<Typed | null>(() => (draft && kept ? (JSON.parse(kept) as Typed) : null));
  function set(next: Typed | null): void {
    setNow(next);
    if (draft) keep(next && next.text !== next.from ? JSON.stringify(next) : "");
  }
  return {
    isTyping: now !== null,
    text: now?.text ?? value,
    base: now?.base ?? version,
    isOvertaken: now !== null && now.from !== value,
    type: (text) => set({ text, from: now?.from ?? value, base: now?.base ?? version }),
    rebase: () => now && set({ text: now.text, from: value, base: version }),
    stop: () => set(null),
  };
}
