/**
 * What somebody was typing where there is no place for it any more, as others have deleted what it was about or as they may not write there now.
 *
 * Invariant: the text stays until they discard it, and keys that come in that moment arrive in it and do nothing else.
 */
import { useLayoutEffect, useRef } from "react";
import { Button, INPUT } from "../ui/controls";
import { lastDraft, useDraft } from "../ui/drafts";
import { toast } from "../ui/toasts";
import type { Typed } from "./typed";

const KINDS: Record<string, string> = { title: "the title", description: "the description", comment: "a comment", answer: "an answer", edit: "a comment", subtask: "a subtask" };

/** Whether a draft of this name is a comment, or an answer, or of one that is there. */
export const isOfComments = (name: string): boolean => /^(comment|answer|edit)\./.test(name);

let lastField: Element | null = null;

/** Begins to notice in which field somebody types. Returns how to stop. */
export function watchFields(): () => void {
  const focused = ({ target }: FocusEvent): void => void (lastField = target instanceof Element && target.matches("input, textarea") ? target : null);
  addEventListener("focusin", focused);
  return () => removeEventListener("focusin", focused);
}

/** Whether the field in which somebody was typing has gone, and nothing has the focus since. */
const isFieldLost = (): boolean => lastField !== null && !lastField.isConnected && document.activeElement === document.body;

/** `names` of drafts. `holdsKeys`: also where nothing was typed yet, keys that were meant for a field do nothing. */
export function Leftovers({ names, holdsKeys = false }: { names: readonly string[]; holdsKeys?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!isFieldLost()) return;
    const areas = [...(box.current?.querySelectorAll("textarea") ?? [])];
    const area = areas.find(({ dataset }) => dataset.draft === lastDraft()) ?? areas[0];
    if (area) area.setSelectionRange(area.value.length, area.value.length);
    if (area) area.focus();
    else if (holdsKeys) box.current?.focus();
  }, [names.join(" "), holdsKeys]);
  if (names.length === 0 && !holdsKeys) return null;
  return (
    <div ref={box} tabIndex={-1} data-holds-keys className="grid gap-3 outline-none">
      {names.map((name) => <Leftover key={name} name={name} />)}
    </div>
  );
}

function Leftover({ name }: { name: string }) {
  const [kept, keep] = useDraft(name);
  const kind = name.split(".")[0]!;
  const typed = kind === "comment" || kind === "answer" || kind === "subtask" ? null : (JSON.parse(kept || "null") as Typed | null);
  const text = typed?.text ?? kept;
  const label = `What you wrote as ${KINDS[kind]}`;
  return (
    <div className="grid gap-1.5 rounded-lg border border-warn px-3 py-2 text-sm">
      <p><span className="font-medium text-warn">Not saved.</span> {label}:</p>
      <textarea data-draft={name} aria-label={label} rows={2} className={`${INPUT} field-sizing-content max-h-96 resize-none`} value={text}
        onChange={({ target }) => keep(typed ? JSON.stringify({ ...typed, text: target.value }) : target.value)} />
      <div className="flex gap-2">
        <Button onClick={() => void navigator.clipboard.writeText(text).then(() => toast("The text was copied"))}>Copy</Button>
        <Button onClick={() => keep("")}>Discard</Button>
      </div>
    </div>
  );
}
