/**
 * Shows what both have written to the same field, side by side, and lets the person choose, or write one of both; what they put
 * off is a line above the page.
 */
import { useEffect, useState } from "react";
import { elementOf } from "../board/focus";
import { Button, INPUT } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Ago } from "../ui/time";
import { useModel, useWorkspace } from "../workspace/context";
import { decideLater, settleConflict, showConflict, useConflicts, whoElse, type Conflict } from "./conflict";
import { toKept, toTyped } from "./mentions";
import { FIELD_NAMES } from "./words";

const INPUT_OF: Record<string, string> = { TITLE: "title", DESCRIPTION: "description", BODY: "body" };
const WITH_MENTIONS = new Set(["DESCRIPTION", "BODY"]);

export default function ConflictDialog() {
  const shown = useConflicts(({ all, shownKey }) => all.find(({ key }) => key === shownKey));
  const first = useConflicts(({ all }) => all[0]);
  if (shown) return <Choice key={shown.key} conflict={shown} />;
  return first ? <PutOff conflict={first} /> : null;
}

function PutOff({ conflict }: { conflict: Conflict }) {
  const task = useModel().taskById.get(conflict.entityId);
  const who = whoElse(conflict, useWorkspace().myId);
  const where = task ? ` in “${task.title}”` : conflict.name === "updateComment" ? " in a comment" : "";
  return (
    <div role="status" className="flex shrink-0 items-center gap-2 border-b border-warn px-4 py-1.5 text-sm">
      <p className="min-w-0 grow truncate">What you wrote{where} was not saved: {who ? `${who} wrote there, too` : "you wrote there elsewhere, too"}.</p>
      <Button className="shrink-0" onClick={() => showConflict(conflict.key)}>Choose</Button>
    </div>
  );
}

function Choice({ conflict }: { conflict: Conflict }) {
  const { key, name, entityId, input, reason } = conflict;
  const workspace = useWorkspace();
  const model = useModel();
  const shown = (field: string, value: unknown): string => (WITH_MENTIONS.has(field) ? toTyped(String(value ?? ""), model.members) : String(value ?? ""));
  const kept = (field: string, text: string): string => (WITH_MENTIONS.has(field) ? toKept(text, model.members) : text);
  const [mine, setMine] = useState(() => Object.fromEntries(reason.conflicts.map(({ field, yours }) => [field, shown(field, yours)])));
  // What others have written since the refusal is what would be overwritten now.
  const row = workspace.confirmed(entityId);
  const newer = row && row.version > reason.currentVersion ? (row as unknown as Readonly<Record<string, unknown>>) : undefined;
  const base = newer ? row!.version : reason.currentVersion;
  const standing = (field: string, theirs: unknown): unknown => newer?.[INPUT_OF[field] ?? ""] ?? theirs;
  const task = model.taskById.get(entityId);
  const who = whoElse(conflict, workspace.myId);
  const here = who ? "" : " here";
  // What had the focus before may be gone, like the button that saved: then it goes to the task that this was about.
  useEffect(() => () => {
    if (document.activeElement === document.body) (document.querySelector<HTMLElement>("aside") ?? elementOf(entityId))?.focus();
  }, [entityId]);
  const isMerged = reason.conflicts.some(({ field, yours }) => mine[field] !== shown(field, yours));
  const keepMine = (): void => {
    const { id: _id, ...asked } = input;
    const chosen = Object.fromEntries(reason.conflicts.flatMap(({ field }) => (INPUT_OF[field] ? [[INPUT_OF[field], kept(field, mine[field] ?? "")]] : [])));
    workspace.submit(name, { ...asked, ...chosen, id: entityId }, base);
    settleConflict(workspace, key);
  };
  return (
    <Dialog title={who ? `${who} changed this too` : "You changed this elsewhere"} onClose={() => decideLater(key)}>
      {task && <p className="text-sm text-dim">{task.key} {task.title}</p>}
      {reason.conflicts.map(({ field, theirs, changedAt, changedBy }) => (
        <section key={field} aria-label={FIELD_NAMES[field] ?? field} className="grid gap-3 sm:grid-cols-2">
          <div className="grid content-start gap-1">
            <h3 className="text-sm font-semibold">{who ? `${changedBy.name}’s ${FIELD_NAMES[field]}` : `Your ${FIELD_NAMES[field]} from elsewhere`}</h3>
            <p className="max-h-60 overflow-y-auto rounded-lg border border-line bg-raised px-3 py-1.5 wrap-anywhere whitespace-pre-wrap" tabIndex={0}>{shown(field, standing(field, theirs)) || "Nothing"}</p>
            {standing(field, theirs) === theirs ? <p className="text-xs text-dim">Saved <Ago at={changedAt} />, and what everybody sees.</p> : <p role="status" className="text-xs text-warn">Changed again meanwhile, and what everybody sees.</p>}
          </div>
          <div className="grid content-start gap-1">
            <h3 className="text-sm font-semibold">Your {FIELD_NAMES[field]}{here}</h3>
            <textarea aria-label={`Your ${FIELD_NAMES[field]}${here}`} className={`${INPUT} field-sizing-content max-h-60`} value={mine[field]} onChange={(event) => setMine({ ...mine, [field]: event.target.value })} />
            <p className="text-xs text-dim">Change it here to keep parts of both.</p>
          </div>
        </section>
      ))}
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" onClick={keepMine}>{isMerged ? "Keep this" : who ? "Keep mine" : "Keep this one"}</Button>
        <Button onClick={() => settleConflict(workspace, key)}>{who ? "Keep theirs" : "Keep the other"}</Button>
        <Button kind="quiet" onClick={() => decideLater(key)}>Decide later</Button>
      </div>
    </Dialog>
  );
}
