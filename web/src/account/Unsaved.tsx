/** What those whose session was ended elsewhere have not saved: it is kept for them, and whoever has the browser may remove it. */
import { useEffect, useState } from "react";
import { endedIds } from "../session/accounts";
import { Button } from "../ui/controls";
import { Confirm } from "../ui/forms";
import { forgetHere, unsavedOf } from "./leave";

export default function Unsaved() {
  const [count, setCount] = useState(0);
  const [isAsking, setAsking] = useState(false);
  useEffect(() => {
    void Promise.all(endedIds().map(unsavedOf)).then((counts) => setCount(counts.reduce((sum, each) => sum + each, 0)), () => undefined);
  }, []);
  if (count === 0) return null;
  const [what, them] = count === 1 ? ["1 change", "it"] : [`${count} changes`, "them"];
  async function remove(): Promise<null> {
    await Promise.all(endedIds().map(forgetHere));
    setCount(0);
    return null;
  }
  return (
    <>
      <p role="status">{what} could not be saved before. This browser keeps {them} for whoever made {them}, to be saved or decided about when they sign in again.</p>
      <div><Button onClick={() => setAsking(true)}>Remove {them}…</Button></div>
      {isAsking && (
        <Confirm title={`Remove ${what}?`} action="Remove" onClose={() => setAsking(false)} onConfirm={remove}>
          <p>Nobody else has {them}: what was changed would be lost.</p>
        </Confirm>
      )}
    </>
  );
}
