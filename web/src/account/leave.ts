/** What this browser forgets of somebody who leaves it. */
import { activeAccount, forgetAccount, signOut } from "../session/accounts";
import { forgetReplicas } from "../sync/indexeddb";

/** Ends this session on the server, too. */
export async function leave(): Promise<void> {
  const account = activeAccount();
  if (!account) return;
  localStorage.removeItem(`tutti.viewer.${account.id}`);
  await signOut(account);
  await forgetReplicas(account.id);
}

/** After the session was ended in another way, by its last request. */
export async function forgetHere(): Promise<void> {
  const account = activeAccount();
  if (!account) return;
  localStorage.removeItem(`tutti.viewer.${account.id}`);
  forgetAccount(account.id);
  await forgetReplicas(account.id);
}
