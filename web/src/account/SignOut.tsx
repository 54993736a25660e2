/** Signs out of this browser, and asks first where changes or texts would be lost by that. */
import { useState } from "react";
import { announce } from "../ui/announce";
import { Button } from "../ui/controls";
import { countDrafts } from "../ui/drafts";
import { Confirm } from "../ui/forms";
import { leave, unsavedHere, waitingHere } from "./leave";

interface Unsaved {
  readonly changes: number;
  readonly drafts: number;
}

export function SignOut({ label }: { label?: string }) {
  const [isSaving, setSaving] = useState(false);
  const [unsaved, setUnsaved] = useState<Unsaved | null>(null);
  async function begin(): Promise<void> {
    if (isSaving) return;
    if ((await unsavedHere()) > 0) {
      setSaving(true);
      announce("Saving…");
    }
    const found = { changes: await waitingHere(), drafts: countDrafts() };
    setSaving(false);
    if (found.changes + found.drafts === 0) return leave();
    setUnsaved(found);
  }
  return (
    <>
      <Button kind="danger" aria-label={isSaving ? undefined : label} onClick={() => void begin()}>{isSaving ? "Saving…" : "Sign out"}</Button>
      {unsaved && <Question unsaved={unsaved} onClose={() => setUnsaved(null)} />}
    </>
  );
}

function Question({ unsaved: { changes, drafts }, onClose }: { unsaved: Unsaved; onClose: () => void }) {
  const [it, they] = changes + drafts === 1 ? ["it", "it"] : ["them", "they"];
  return (
    <Confirm title={`Sign out and lose ${changes > 0 ? "changes" : "what you have written"}?`} action={`Sign out and lose ${it}`} onClose={onClose} onConfirm={async () => { await leave(); return null; }}>
      {changes > 0 && <p>{changes === 1 ? "1 change is" : `${changes} changes are`} not saved yet: the server has not been reached since.</p>}
      {drafts > 0 && <p>{drafts === 1 ? "1 text that you have written in this tab is" : `${drafts} texts that you have written in this tab are`} not sent or saved yet.</p>}
      <p>Signing out removes what is kept in this browser, so {they} would be lost.</p>
    </Confirm>
  );
}
