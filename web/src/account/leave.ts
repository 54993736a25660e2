/** What this browser forgets of somebody who leaves it. */
import { promisifyRequest } from "idb-keyval";
import { activeAccount, forgetAccount, signOut } from "../session/accounts";
import { forgetReplicas, OPERATION, PREFIX, STORE } from "../sync/indexeddb";

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
    const count = await countOf(account.id);
    if (count === 0 || performance.now() > until) return count;
    await new Promise((again) => setTimeout(again, LOOK_MS));
  }
}

async function countOf(accountId: string): Promise<number> {
  const counts = (await indexedDB.databases()).map(({ name }) => (name?.startsWith(PREFIX + accountId) ? waitingIn(name) : 0));
  return (await Promise.all(counts).catch(() => [])).reduce((sum, count) => sum + count, 0);
}

async function waitingIn(name: string): Promise<number> {
  const database = await promisifyRequest(indexedDB.open(name));
  try {
    return await promisifyRequest(database.transaction(STORE).objectStore(STORE).count(IDBKeyRange.bound(OPERATION, `${OPERATION}\uffff`)));
  } finally {
    database.close();
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
