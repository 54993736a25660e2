/**
 * Keeps a replica in the browser's IndexedDB: a row, an operation and the cursor are an entry each.
 *
 * Invariant: one `save` is one transaction. The database is opened at the first use, never at import.
 */
import { createStore, promisifyRequest, type UseStore } from "idb-keyval";
import type { Operation, Row } from "./replica";
import type { Save, Saved, Storage } from "./storage";

const ROW = "row:";
const OPERATION = "operation:";
const CURSOR = "cursor";
const PREFIX = "tutti.replica.";

export class IndexedDbStorage<R extends Row> implements Storage<R> {
  private readonly name: string;
  private store: UseStore | undefined;

  /** `name` is unique for a person and a workspace. */
  constructor(name: string) {
    this.name = PREFIX + name;
  }

  async load(): Promise<Saved<R>> {
    const [keys, values] = await this.use("readonly", (store) =>
      Promise.all([promisifyRequest(store.getAllKeys()), promisifyRequest<unknown[]>(store.getAll())]),
    );
    const saved: { cursor: string | null; rows: R[]; operations: Operation[] } = { cursor: null, rows: [], operations: [] };
    keys.forEach((key, at) => {
      const name = String(key);
      if (name.startsWith(ROW)) saved.rows.push(values[at] as R);
      else if (name.startsWith(OPERATION)) saved.operations.push(values[at] as Operation);
      else if (name === CURSOR) saved.cursor = values[at] as string | null;
    });
    return saved; // keys come in their order, so operations do
  }

  save(save: Save<R>): Promise<void> {
    return this.use("readwrite", (store) => {
      if (save.isWhole) store.delete(IDBKeyRange.bound(ROW, ROW + "\uffff"));
      for (const row of save.put ?? []) store.put(row, ROW + row.id);
      for (const id of save.drop ?? []) store.delete(ROW + id);
      for (const operation of save.putOperations ?? []) store.put(operation, OPERATION + operation.key);
      for (const key of save.dropOperations ?? []) store.delete(OPERATION + key);
      if (save.cursor !== undefined) store.put(save.cursor, CURSOR);
      return promisifyRequest(store.transaction);
    });
  }

  private use<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => Promise<T>): Promise<T> {
    this.store ??= createStore(this.name, "replica");
    return this.store(mode, work);
  }
}

/** Removes every replica whose name begins so, e.g. all of one person at sign-out. */
export async function forgetReplicas(beginning: string): Promise<void> {
  for (const { name } of await indexedDB.databases()) {
    if (name?.startsWith(PREFIX + beginning)) indexedDB.deleteDatabase(name);
  }
}
