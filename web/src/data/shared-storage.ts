/**
 * One database for all tabs: every tab stores its own operations, one tab at a time stores rows.
 *
 * Invariant: rows and cursor come from the tab that holds the lock, so that no tab puts older rows below a newer cursor.
 */
import type { Operation, Row } from "../sync/replica";
import type { IndexedDbStorage } from "../sync/indexeddb";
import type { Save, Saved, Storage } from "../sync/storage";

export class SharedStorage<R extends Row> implements Storage<R> {
  private mayStoreRows = false;
  private release: (() => void) | undefined;

  /** `onLead` is called when this tab begins to store rows; it should then store all of them. */
  constructor(
    private readonly inner: IndexedDbStorage<R>,
    lock: string,
    onLead: () => void,
  ) {
    const held = new Promise<void>((release) => (this.release = release));
    const lead = (): Promise<void> => {
      this.mayStoreRows = true;
      onLead();
      return held;
    };
    if ("locks" in navigator) void navigator.locks.request(lock, lead);
    else void lead();
  }

  load(): Promise<Saved<R>> {
    return this.inner.load();
  }

  /** What waits, of all tabs. */
  operations(): Promise<readonly Operation[]> {
    return this.inner.operations();
  }

  async save(save: Save<R>): Promise<void> {
    if (this.mayStoreRows) return this.inner.save(save);
    const operations: { putOperations?: readonly Operation[]; dropOperations?: readonly string[] } = {};
    if (save.putOperations?.length) operations.putOperations = save.putOperations;
    if (save.dropOperations?.length) operations.dropOperations = save.dropOperations;
    if (Object.keys(operations).length) await this.inner.save(operations);
  }

  close(): void {
    this.release?.();
    this.inner.close();
  }
}
