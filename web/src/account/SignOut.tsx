/** Signs out of this browser, and asks first where changes or texts would be lost by that. */
import { useState } from "react";
import { announce } from "../ui/announce";
import { Button } from "../ui/controls";
import { countDrafts } from "../ui/drafts";
import { Confirm } from "../ui/forms";
import { leave, undecidedHere, waitingHere } from "./leave";

interface Unsaved {
  readonly waiting: number;
  readonly undecided: number;
  /** Texts that are typed. */
  readonly here: number;
  readonly elsewhere: number;
}

export function SignOut({ label }: { label?: string }) {
  const [isSaving, setSaving] = useState(false);
  const [unsaved, setUnsaved] = useState<Unsaved | null>(null);
  async function begin(): Promise<void> {
    if (isSaving) return;
    const waiting = await waitingHere(() => {
      setSaving(true);
      announce("Saving…");
    });
    setSaving(false);
    const found = { waiting, undecided: undecidedHere(), ...(await countDrafts()) };
    if (waiting + found.undecided + found.here + found.elsewhere === 0) return leave();
    setUnsaved(found);
  }
  return (
    <>
      <Button kind="danger" aria-label={isSaving ? undefined : label} onClick={() => void begin()}>{isSaving ? "Saving…" : "Sign out"}</Button>
      {unsaved && <Question unsaved={unsaved} onClose={() => setUnsaved(null)} />}
    </>
  );
}

function Question({ unsaved: { waiting, undecided, here, elsewhere }, onClose }: { unsaved: Unsaved; onClose: () => void }) {
  const changes = waiting + undecided;
  const drafts = here + elsewhere;
  const where = elsewhere === 0 ? "in this tab" : here === 0 ? "in other tabs" : "in this tab and others";
  const [it, they] = changes + drafts === 1 ? ["it", "it"] : ["them", "they"];
  return (
    <Confirm title={`Sign out and lose ${changes > 0 ? "changes" : "what you have written"}?`} action={`Sign out and lose ${it}`} onClose={onClose} onConfirm={async () => { await leave(); return null; }}>
      {waiting > 0 && <p>{countOf(waiting)} not saved yet: the server has not been reached since.</p>}
      {undecided > 0 && <p>{countOf(undecided)} not saved, as somebody changed the same: which is to stay is not decided yet.</p>}
      {drafts > 0 && <p>{drafts === 1 ? `1 text that you have written ${where} is` : `${drafts} texts that you have written ${where} are`} not sent or saved yet.</p>}
      <p>Signing out removes what is kept in this browser, so {they} would be lost.</p>
    </Confirm>
  );
}

const countOf = (changes: number): string => (changes === 1 ? "1 change is" : `${changes} changes are`);
