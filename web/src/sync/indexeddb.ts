/**
 * Keeps a replica in the browser's IndexedDB: a row, an operation and the cursor are an entry each.
 *
 * Invariants: one `save` is one transaction. Rows of another shape, as an older program has stored them, are none: they are read
 * anew; what waits for the server is kept. The database is opened at the first use, never at import; once it was closed or
 * forgotten, here or by another tab, it is not made again by what was still to be written.
 */
import { promisifyRequest } from "idb-keyval";
import type { Operation, Row } from "./replica";
import type { Save, Saved, Storage } from "./storage";

const ROW = "row:";
export const OPERATION = "operation:";
const CURSOR = "cursor";
const SHAPE = "shape";
export const PREFIX = "tutti.replica.";
export const STORE = "replica";
const AT_ONCE = 200; // rows are copied as they are put; more of them would keep the page from its next frame

/** Those of this tab, each until it is closed. */
const open = new Set<{ isNamed(beginning: string): boolean; close(): void }>();

export class IndexedDbStorage<R extends Row> implements Storage<R> {
  private readonly name: string;
  private opened: Promise<IDBDatabase> | undefined;
  private isClosed = false;

  /** `name` is unique for a person and a workspace, `shape` for what the program asks of a row. */
  constructor(name: string, private readonly shape = "") {
    this.name = PREFIX + name;
    open.add(this);
  }

  /** What waits, in the order of the keys. */
  operations(): Promise<readonly Operation[]> {
    return this.use("readonly", (store) => promisifyRequest<Operation[]>(store.getAll(IDBKeyRange.bound(OPERATION, `${OPERATION}\uffff`))));
  }

  /** Rejects after `close`. */
  async load(): Promise<Saved<R>> {
    const [keys, values] = await this.use("readonly", (store) =>
      Promise.all([promisifyRequest(store.getAllKeys()), promisifyRequest<unknown[]>(store.getAll())]),
    );
    const saved: { cursor: string | null; rows: R[]; operations: Operation[] } = { cursor: null, rows: [], operations: [] };
    const isOfThisShape = (values[keys.indexOf(SHAPE)] ?? "") === this.shape;
    keys.forEach((key, at) => {
      const name = String(key);
      if (!isOfThisShape && !name.startsWith(OPERATION)) return;
      if (name.startsWith(ROW)) saved.rows.push(values[at] as R);
      else if (name.startsWith(OPERATION)) saved.operations.push(values[at] as Operation);
      else if (name === CURSOR) saved.cursor = values[at] as string | null;
    });
    return saved; // keys come in their order, so operations do
  }

  save(save: Save<R>): Promise<void> {
    return this.use("readwrite", async (store) => {
      const done = promisifyRequest(store.transaction);
      done.catch(() => undefined); // it is awaited at the end
      if (save.isWhole) store.delete(IDBKeyRange.bound(ROW, ROW + "\uffff"));
      if (save.isWhole) store.put(this.shape, SHAPE);
      for (const id of save.drop ?? []) store.delete(ROW + id);
      for (const operation of save.putOperations ?? []) store.put(operation, OPERATION + operation.key);
      for (const key of save.dropOperations ?? []) store.delete(OPERATION + key);
      if (save.cursor !== undefined) store.put(save.cursor, CURSOR);
      const { put = [] } = save;
      for (let at = 0; at < put.length; at += AT_ONCE) {
        let last: IDBRequest | undefined;
        for (const row of put.slice(at, at + AT_ONCE)) last = store.put(row, ROW + row.id);
        if (last && at + AT_ONCE < put.length) await promisifyRequest(last); // the transaction stays open meanwhile
      }
      return done;
    });
  }

  close(): void {
    this.isClosed = true;
    open.delete(this);
    void this.opened?.then((database) => database.close(), () => undefined);
  }

  /** Whether this is one of the databases whose name begins so. */
  isNamed(beginning: string): boolean {
    return this.name.startsWith(PREFIX + beginning);
  }

  private async use<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => Promise<T>): Promise<T> {
    if (this.isClosed) throw new Error("The database is closed.");
    this.opened ??= this.open();
    return work((await this.opened).transaction(STORE, mode).objectStore(STORE));
  }

  private async open(): Promise<IDBDatabase> {
    const opening = indexedDB.open(this.name);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const database = await promisifyRequest(opening);
    database.onversionchange = () => this.close(); // somebody wants to delete it
    return database;
  }
}

/** Closes and removes every replica whose name begins so, e.g. all of one person at sign-out; resolves when they are gone. */
export async function forgetReplicas(beginning: string): Promise<void> {
  const found = await closed(beginning);
  await Promise.all(found.map(({ name }) => promisifyRequest(indexedDB.deleteDatabase(name))));
}

/** As `forgetReplicas`, but what waits for the server stays; whoever opens one of them afterwards reads the rest anew. */
export async function forgetRows(beginning: string): Promise<void> {
  const found = await closed(beginning);
  await Promise.all(found.map(({ name, version }) => keepOperations(name, version).catch(() => undefined))); // it was deleted meanwhile
}

/** Another version has the database to itself: all who hold it open, in any tab, let go of it, and write nothing more. */
async function keepOperations(name: string, version: number): Promise<void> {
  const opening = indexedDB.open(name, version + 1);
  opening.onupgradeneeded = () => {
    const { result, transaction } = opening;
    if (!result.objectStoreNames.contains(STORE)) return transaction?.abort();
    const store = transaction!.objectStore(STORE);
    store.delete(IDBKeyRange.bound(ROW, ROW + "\uffff"));
    store.delete(CURSOR);
    store.delete(SHAPE);
  };
  const database = await promisifyRequest(opening);
  const left = await promisifyRequest(database.transaction(STORE).objectStore(STORE).count());
  database.close();
  if (left === 0) await promisifyRequest(indexedDB.deleteDatabase(name));
}

/** The databases whose name begins so; those that this tab has open are closed. */
async function closed(beginning: string): Promise<{ name: string; version: number }[]> {
  for (const storage of open) if (storage.isNamed(beginning)) storage.close();
  return (await indexedDB.databases()).flatMap(({ name, version = 1 }) => (name?.startsWith(PREFIX + beginning) ? [{ name, version }] : []));
}
