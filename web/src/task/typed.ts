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

/** `draft` names where it is kept over a reload, and may be changed or discarded elsewhere, too. */
export function useTyped(value: string, version: number, draft: string): TypedText {
  const [kept, keep] = useDraft(draft);
  const [same, setSame] = useState<Typed | null>(null); // typing has begun, and there is nothing to keep
  const now = kept ? (JSON.parse(kept) as Typed) : same;
  function set(next: Typed | null): void {
    const isKept = next !== null && next.text !== next.from;
    setSame(isKept ? null : next);
    keep(isKept ? JSON.stringify(next) : "");
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
