/** What components know of the accounts of this browser. */
import { useSyncExternalStore } from "react";
import { accounts, onAccountsChange, type Account } from "./accounts";

/** All accounts that are signed in here, the one that signed in last or was renewed last at the top. */
export function useAccounts(): readonly Account[] {
  // A string is compared by value, so that unchanged accounts cause no new rendering.
  return JSON.parse(useSyncExternalStore(onAccountsChange, () => JSON.stringify(accounts()))) as Account[];
}
