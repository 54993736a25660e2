/**
 * The last answers to what pages outside of workspaces ask, in the browser by person: shown until the server answers, also after
 * a reload without a connection.
 *
 * Invariant: nothing is kept of somebody who has left this browser. `forgetReplicas` takes it away with all else that is theirs.
 */
import { useEffect, useState, type ReactNode } from "react";
import { RECONNECTING_AFTER_MS, useIsCutOff } from "../data/connection";
import { accounts } from "../session/accounts";
import { IndexedDbStorage } from "../sync/indexeddb";
import type { Row } from "../sync/replica";
import { useLasting } from "../ui/lasting";
import { Ago } from "../ui/time";
import { useViewer } from "./viewer";

export interface Kept<Data> {
  /** Another build may ask for more. */
  readonly shape?: string;
  readonly data: Data;
  /** RFC 3339: when the server said so. */
  readonly readAt: string;
}

/** What was kept under this name, undefined until that is known. `fresh`: what the server says now, which is kept from now on. */
export function useKept<Data>(name: string, fresh: Data | null): Kept<Data> | null | undefined {
  const personId = useViewer().user.id;
  const [kept, setKept] = useState<Kept<Data> | null>();
  useEffect(() => {
    void recallKept<Data>(personId, name).catch(() => null).then((found) => setKept((newer) => newer ?? found));
  }, [personId, name]);
  useEffect(() => {
    if (fresh === null) return;
    const answer = { data: fresh, readAt: new Date().toISOString() };
    setKept(answer);
    void keep(personId, name, answer).catch(() => undefined); // without a database it is there until the page is left
  }, [personId, name, fresh]);
  return kept;
}

/** Says of when it is what is shown, while that cannot be read anew. */
export function KeptNote({ readAt, isMissing, children }: { readAt: string; isMissing: boolean; children?: ReactNode }) {
  const isCutOff = useLasting(useIsCutOff(), RECONNECTING_AFTER_MS);
  if (!isMissing && !isCutOff) return null;
  return <p role="status" className="text-sm text-dim">As it was <Ago at={readAt} />. It is read again as soon as there is a connection.{children}</p>;
}

export async function recallKept<Data>(personId: string, name: string): Promise<Kept<Data> | null> {
  const { rows } = await within(personId, (storage) => storage.load());
  return (rows.find(({ id, shape }) => id === name && shape === SHAPE_OF_ANSWERS) as Kept<Data> | undefined) ?? null;
}

export async function keep(personId: string, name: string, answer: Kept<unknown>): Promise<void> {
  const isHere = accounts().some(({ id }) => id === personId);
  if (isHere) await within(personId, (storage) => storage.save({ put: [{ ...answer, id: name, version: 1, shape: SHAPE_OF_ANSWERS }] }));
}

async function within<Result>(personId: string, work: (storage: IndexedDbStorage<Row & Kept<unknown>>) => Promise<Result>): Promise<Result> {
  const storage = new IndexedDbStorage<Row & Kept<unknown>>(`${personId}.kept`);
  try {
    return await work(storage);
  } finally {
    storage.close();
  }
}
