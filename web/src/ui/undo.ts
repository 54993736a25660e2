/** Says what was done, and offers to undo it: all that one mutation changed, as a new change of its own. */
import { useCallback } from "react";
import { useAct } from "../data/act";
import { RevertChangesDocument } from "../gql/graphql";
import { toast } from "./toasts";

/** `changeSetId` is that of the mutation's payload; without one there was nothing to change. */
export function useUndoable(): (said: string, changeSetId: string | null | undefined) => void {
  const act = useAct();
  return useCallback((said, changeSetId) => {
    if (!changeSetId) return;
    async function undo(id: string): Promise<void> {
      const { problems } = await act(RevertChangesDocument, { target: { changeSetId: id } });
      if (problems) toast("That could not be undone", Object.values(problems).join(" "));
    }
    toast(said, undefined, { label: "Undo", run: () => void undo(changeSetId) });
  }, [act]);
}
