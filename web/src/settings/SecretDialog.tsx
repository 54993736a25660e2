/** A secret that the server tells once and keeps no copy of: whoever closes this has seen it for the last time. */
import type { ReactNode } from "react";
import { Button } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Once } from "../ui/forms";

export interface Secret {
  readonly title: string;
  readonly label: string;
  readonly value: string;
}

export function SecretDialog({ secret: { title, label, value }, onClose, children }: { secret: Secret; onClose: () => void; children: ReactNode }) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p className="text-sm"><strong>It is shown only now.</strong> When this is closed, nobody can see it again: copy it to a safe place first.</p>
      <Once label={label} value={value} copied={`${label}: copied`} />
      <div className="grid gap-2 text-sm text-dim">{children}</div>
      <div className="flex justify-end"><Button kind="primary" onClick={onClose}>Done</Button></div>
    </Dialog>
  );
}
