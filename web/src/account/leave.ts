/** What this browser forgets of somebody who leaves it, or whose session was ended elsewhere (decision 0097). */
import { countStored } from "../data/stored";
import { accounts, activeAccount, forgetAccount, signOut } from "../session/accounts";
import { forgetReplicas, forgetRows } from "../sync/indexeddb";
import { undecidedOf } from "../task/conflict";

const SENT_WITHIN_MS = 2_000;
const LOOK_MS = 100;

/** How many changes of somebody are in this browser and nowhere else: they wait for the server, or for a decision. */
export const unsavedOf = async (personId: string): Promise<number> => (await countStored(personId)) + undecidedOf(personId);

/**
 * How many changes of whoever this tab acts as have not reached the server; 0 where that cannot be told. What was changed just
 * now is given the time to arrive, after `onWait`.
 */
export async function waitingHere(onWait: () => void): Promise<number> {
  const account = activeAccount();
  const until = performance.now() + SENT_WITHIN_MS;
  for (let isFirst = true; ; isFirst = false) {
    const count = account ? await countStored(account.id) : 0;
    if (count === 0 || performance.now() > until) return count;
    if (isFirst) onWait();
    await new Promise((again) => setTimeout(again, LOOK_MS));
  }
}

/** How many of their changes wait for their decision. */
export function undecidedHere(): number {
  const account = activeAccount();
  return account ? undecidedOf(account.id) : 0;
}

/** Ends this session on the server, too. */
export async function leave(): Promise<void> {
  const account = activeAccount();
  if (!account) return;
  localStorage.removeItem(`tutti.viewer.${account.id}`);
  await signOut(account);
  forgetTyped();
  await forgetReplicas(account.id);
}

/** After this account's session was ended in another way, by its last request: the tab may know that already. */
export async function forgetHere(id: string): Promise<void> {
  localStorage.removeItem(`tutti.viewer.${id}`);
  forgetAccount(id);
  forgetTyped();
  await forgetReplicas(id);
}

/** GraphiQL keeps what was typed there for whoever opens it next: it goes with the last account of this browser. */
function forgetTyped(): void {
  if (accounts().length > 0) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith("graphiql:")) localStorage.removeItem(key);
}

/** After a session was ended elsewhere: what the server can say again goes, and what is in this browser alone waits for its person. */
export async function forgetSaved(id: string): Promise<void> {
  if (accounts().some((account) => account.id === id)) return; // they have signed in again meanwhile
  localStorage.removeItem(`tutti.viewer.${id}`);
  await forgetRows(id);
}
