/** How many changes lie in this browser that the server has not got, also of workspaces that are not open in this tab. */
import { promisifyRequest } from "idb-keyval";
import { useEffect } from "react";
import { OPERATION, PREFIX, STORE } from "../sync/indexeddb";
import { isCounted, setWaiting } from "./waiting";

const LOOK_MS = 500;

/** 0 where it cannot be told. `isMeant`: of which workspaces, by the person's id, a dot, and theirs. */
export async function countStored(accountId: string, isMeant: (name: string) => boolean = () => true): Promise<number> {
  const names = (await indexedDB.databases()).flatMap(({ name }) => (name?.startsWith(PREFIX + accountId) && isMeant(name.slice(PREFIX.length)) ? [name] : []));
  const counts = await Promise.all(names.map(countIn)).catch(() => []);
  return counts.reduce((sum, count) => sum + count, 0);
}

async function countIn(name: string): Promise<number> {
  const opening = indexedDB.open(name);
  opening.onupgradeneeded = () => opening.transaction?.abort(); // it was deleted meanwhile, and is not to be made again
  const database = await promisifyRequest(opening);
  try {
    return await promisifyRequest(database.transaction(STORE).objectStore(STORE).count(IDBKeyRange.bound(OPERATION, `${OPERATION}\uffff`)));
  } finally {
    database.close();
  }
}

/** Counts, on a page that opens no workspace, what this tab has not counted: from before it was loaded, until another tab has sent it. */
export function useStored(accountId: string): void {
  useEffect(() => {
    const name = `${accountId}.stored`;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    async function look(): Promise<void> {
      const count = await countStored(accountId, (each) => !isCounted(each)).catch(() => 0);
      if (isOver) return;
      setWaiting(name, count);
      if (count > 0) timer = setTimeout(() => void look(), LOOK_MS);
    }
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
      setWaiting(name, 0);
    };
  }, [accountId]);
}
