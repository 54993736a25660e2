/** The accounts of this browser as React state, and the clock that renews their tokens. */
import { useEffect, useSyncExternalStore } from "react";
import { activeAccount, freshToken, onAccountsChange, renewalDueIn, type Account } from "../session/accounts";
import { renewInBand } from "./live";

const RETRY_MS = 10_000;

/** The account this tab acts as; the same object until something about it changes. */
export function useActiveAccount(): Account | null {
  // A string is compared by value, so that an unchanged account causes no new rendering.
  return JSON.parse(useSyncExternalStore(onAccountsChange, () => JSON.stringify(activeAccount()))) as Account | null;
}

/** Renews the account's token shortly before it expires, also for subscriptions that are open. */
export function useRenewal(account: Account | null): void {
  const id = account?.id;
  const due = account?.accessTokenExpiresAt;
  useEffect(() => {
    if (!account || id === undefined) return;
    let timer: ReturnType<typeof setTimeout>;
    const renew = async (): Promise<void> => {
      try {
        const token = await freshToken(id);
        if (token) renewInBand(token);
      } catch {
        timer = setTimeout(renew, RETRY_MS); // the server is away: the token may outlive that
      }
    };
    const wait = renewalDueIn(account);
    if (wait !== null) timer = setTimeout(renew, wait);
    return () => clearTimeout(timer);
  }, [id, due]);
}
