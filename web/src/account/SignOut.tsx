/** Signs out of this browser, and asks first where changes would be lost by that. */
import { useState } from "react";
import { Button } from "../ui/controls";
import { Confirm } from "../ui/forms";
import { leave, waitingHere } from "./leave";

export function SignOut({ label }: { label?: string }) {
  const [waiting, setWaiting] = useState(0);
  async function begin(): Promise<void> {
    const count = await waitingHere();
    if (count === 0) return leave();
    setWaiting(count);
  }
  const what = waiting === 1 ? "1 change is not saved yet" : `${waiting} changes are not saved yet`;
  return (
    <>
      <Button kind="danger" aria-label={label} onClick={() => void begin()}>Sign out</Button>
      {waiting > 0 && (
        <Confirm title="Sign out and lose changes?" action="Sign out and lose them" onClose={() => setWaiting(0)} onConfirm={async () => { await leave(); return null; }}>
          <p>{what}: the server has not been reached since. Signing out removes what is kept in this browser, so they would be lost.</p>
        </Confirm>
      )}
    </>
  );
}
