/** What this browser forgets of somebody who leaves it. */
import { countStored } from "../data/stored";
import { activeAccount, forgetAccount, signOut } from "../session/accounts";
import { forgetReplicas } from "../sync/indexeddb";

const SENT_WITHIN_MS = 2_000;
const LOOK_MS = 100;

/**
 * How many changes in this browser have not reached the server, and would be lost; 0 where that cannot be told. What was changed
 * just now is given the time to arrive.
 */
export async function waitingHere(): Promise<number> {
  const account = activeAccount();
  if (!account) return 0;
  const until = performance.now() + SENT_WITHIN_MS;
  for (;;) {
    const count = await countStored(account.id);
    if (count === 0 || performance.now() > until) return count;
    await new Promise((again) => setTimeout(again, LOOK_MS));
  }
}

/** Ends this session on the server, too. */
export async function leave(): Promise<void> {
  const account = activeAccount();
  if (!account) return;
  localStorage.removeItem(`tutti.viewer.${account.id}`);
  await signOut(account);
  await forgetReplicas(account.id);
}

/** After this account's session was ended in another way, by its last request: the tab may know that already. */
export async function forgetHere(id: string): Promise<void> {
  localStorage.removeItem(`tutti.viewer.${id}`);
  forgetAccount(id);
  await forgetReplicas(id);
}
