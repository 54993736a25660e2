/** Shows what both have written to the same field, and lets the person keep theirs or their own. */
import { Button } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { useWorkspace } from "../workspace/context";
import { useConflict } from "./conflict";

export function ConflictDialog() {
  const workspace = useWorkspace();
  const refused = useConflict((state) => state.refused);
  const reason = refused?.reasons.find((each) => each.__typename === "ConflictError");
  if (!refused || reason?.__typename !== "ConflictError") return null;
  const close = (): void => useConflict.setState({ refused: null });
  const keepMine = (): void => {
    const { id: _id, ...change } = refused.operation.input;
    workspace.submit(refused.operation.name, { ...change, id: refused.operation.entityId }, reason.currentVersion);
    close();
  };
  return (
    <Dialog title={`${reason.conflicts[0]?.changedBy.name ?? "Somebody"} changed this too`} onClose={close}>
      {reason.conflicts.map(({ field, yours, theirs }) => (
        <div key={field} className="grid gap-2">
          <p className="text-sm text-dim">{field.toLowerCase().replaceAll("_", " ")}</p>
          <div className="grid gap-1"><h3 className="text-sm font-semibold">Yours</h3><p className="max-h-40 overflow-y-auto rounded-lg bg-raised p-2 wrap-anywhere whitespace-pre-wrap">{String(yours ?? "")}</p></div>
          <div className="grid gap-1"><h3 className="text-sm font-semibold">Theirs, which stands now</h3><p className="max-h-40 overflow-y-auto rounded-lg bg-raised p-2 wrap-anywhere whitespace-pre-wrap">{String(theirs ?? "")}</p></div>
        </div>
      ))}
      <div className="flex gap-2"><Button kind="primary" onClick={keepMine}>Keep mine</Button><Button onClick={close}>Keep theirs</Button></div>
    </Dialog>
  );
}
