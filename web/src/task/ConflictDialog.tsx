/** Shows what both have written to the same field, side by side, and lets the person choose, or write one of both. */
import { useEffect, useState } from "react";
import { elementOf } from "../board/focus";
import { Button, INPUT } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Ago } from "../ui/time";
import { useModel, useWorkspace } from "../workspace/context";
import { settleConflict, useConflicts, type Conflict } from "./conflict";
import { FIELD_NAMES } from "./words";

const INPUT_OF: Record<string, string> = { TITLE: "title", DESCRIPTION: "description", BODY: "body" };

export default function ConflictDialog() {
  const conflict = useConflicts(({ all, shownKey }) => all.find(({ key }) => key === shownKey));
  return conflict ? <Choice key={conflict.key} conflict={conflict} /> : null;
}

function Choice({ conflict: { key, name, entityId, input, reason } }: { conflict: Conflict }) {
  const workspace = useWorkspace();
  const model = useModel();
  const [mine, setMine] = useState(() => Object.fromEntries(reason.conflicts.map(({ field, yours }) => [field, String(yours ?? "")])));
  const task = model.taskById.get(entityId);
  // What had the focus before may be gone, like the button that saved: then it goes to the task that this was about.
  useEffect(() => () => {
    if (document.activeElement === document.body) (document.querySelector<HTMLElement>("aside") ?? elementOf(entityId))?.focus();
  }, [entityId]);
  const keepMine = (): void => {
    const { id: _id, ...asked } = input;
    const chosen = Object.fromEntries(reason.conflicts.flatMap(({ field }) => (INPUT_OF[field] ? [[INPUT_OF[field], mine[field]]] : [])));
    workspace.submit(name, { ...asked, ...chosen, id: entityId }, reason.currentVersion);
    settleConflict(workspace, key);
  };
  const who = reason.conflicts[0]?.changedBy.name ?? "Somebody";
  return (
    <Dialog title={`${who} changed this too`} onClose={() => useConflicts.setState({ shownKey: null })}>
      {task && <p className="text-sm text-dim">{task.key} {task.title}</p>}
      {reason.conflicts.map(({ field, theirs, changedAt, changedBy }) => (
        <section key={field} aria-label={FIELD_NAMES[field] ?? field} className="grid gap-3 sm:grid-cols-2">
          <div className="grid content-start gap-1">
            <h3 className="text-sm font-semibold">{changedBy.name}’s {FIELD_NAMES[field]}</h3>
            <p className="max-h-60 overflow-y-auto rounded-lg border border-line bg-raised px-3 py-1.5 wrap-anywhere whitespace-pre-wrap" tabIndex={0}>{String(theirs ?? "") || "Nothing"}</p>
            <p className="text-xs text-dim">Saved <Ago at={changedAt} />, and what everybody sees.</p>
          </div>
          <div className="grid content-start gap-1">
            <h3 className="text-sm font-semibold">Your {FIELD_NAMES[field]}</h3>
            <textarea aria-label={`Your ${FIELD_NAMES[field]}`} className={`${INPUT} field-sizing-content max-h-60`} value={mine[field]} onChange={(event) => setMine({ ...mine, [field]: event.target.value })} />
            <p className="text-xs text-dim">Change it here to keep parts of both.</p>
          </div>
        </section>
      ))}
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" onClick={keepMine}>Keep mine</Button>
        <Button onClick={() => settleConflict(workspace, key)}>Keep theirs</Button>
        <Button kind="quiet" onClick={() => useConflicts.setState({ shownKey: null })}>Decide later</Button>
      </div>
    </Dialog>
  );
}
