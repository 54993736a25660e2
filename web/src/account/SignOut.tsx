/** Signs out of this browser, and asks first where changes or texts would be lost by that. */
import { useState, type ReactNode } from "react";
import type { Problems } from "../data/act";
import { announce } from "../ui/announce";
import { Button } from "../ui/controls";
import { countDrafts } from "../ui/drafts";
import { Confirm } from "../ui/forms";
import { leave, undecidedHere, waitingHere } from "./leave";

export interface Unsaved {
  readonly waiting: number;
  readonly undecided: number;
  /** Texts that are typed. */
  readonly here: number;
  readonly elsewhere: number;
}

/** What would be lost by signing out now. What was changed just now is given the time to be saved, after `onWait`. */
export async function unsavedHere(onWait: () => void): Promise<Unsaved> {
  const waiting = await waitingHere(() => {
    onWait();
    announce("Saving…");
  });
  return { waiting, undecided: undecidedHere(), ...(await countDrafts()) };
}

const countAll = ({ waiting, undecided, here, elsewhere }: Unsaved): number => waiting + undecided + here + elsewhere;

export function SignOut({ label }: { label?: string }) {
  const [isSaving, setSaving] = useState(false);
  const [unsaved, setUnsaved] = useState<Unsaved | null>(null);
  async function begin(): Promise<void> {
    if (isSaving) return;
    const found = await unsavedHere(() => setSaving(true)).finally(() => setSaving(false));
    if (countAll(found) === 0) return leave();
    setUnsaved(found);
  }
  return (
    <>
      <Button kind="danger" aria-label={isSaving ? undefined : label} onClick={() => void begin()}>{isSaving ? "Saving…" : "Sign out"}</Button>
      {unsaved && <Question what="Sign out" unsaved={unsaved} onClose={() => setUnsaved(null)} onConfirm={async () => { await leave(); return null; }} />}
    </>
  );
}

interface QuestionProps {
  /** What is to be done: the title and the button begin with it. */
  what: string;
  unsaved: Unsaved;
  children?: ReactNode;
  onClose: () => void;
  onConfirm: () => Promise<Problems | null>;
}

export function Question({ what, unsaved, children, onClose, onConfirm }: QuestionProps) {
  const { waiting, undecided, here, elsewhere } = unsaved;
  const isLoss = countAll(unsaved) > 0;
  const changes = waiting + undecided;
  const drafts = here + elsewhere;
  const where = elsewhere === 0 ? "in this tab" : here === 0 ? "in other tabs" : "in this tab and others";
  const [it, they] = changes + drafts === 1 ? ["it", "it"] : ["them", "they"];
  return (
    <Confirm title={isLoss ? `${what} and lose ${changes > 0 ? "changes" : "what you have written"}?` : `${what}?`} action={isLoss ? `${what} and lose ${it}` : what} onClose={onClose} onConfirm={onConfirm}>
      {children}
      {waiting > 0 && <p>{countOf(waiting)} not saved yet: the server has not been reached since.</p>}
      {undecided > 0 && <p>{countOf(undecided)} not saved, as somebody changed the same: which is to stay is not decided yet.</p>}
      {drafts > 0 && <p>{drafts === 1 ? `1 text that you have written ${where} is` : `${drafts} texts that you have written ${where} are`} not sent or saved yet.</p>}
      {isLoss && <p>Signing out removes what is kept in this browser, so {they} would be lost.</p>}
    </Confirm>
  );
}

const countOf = (changes: number): string => (changes === 1 ? "1 change is" : `${changes} changes are`);
