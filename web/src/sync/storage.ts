/**
 * Where a replica is kept while the program is not running, and one that keeps it in memory.
 *
 * Invariant: `save` is all or nothing, and its cursor is never ahead of its rows.
 */
import type { Operation, Row } from "./replica";

export interface Saved<R extends Row> {
  readonly cursor: string | null;
  readonly rows: readonly R[];
  /** In the order of their keys. */
  readonly operations: readonly Operation[];
}

export interface Save<R extends Row> {
  /** Forget all rows first. */
  readonly isWhole?: boolean;
  readonly cursor?: string | null;
  readonly put?: readonly R[];
  readonly drop?: readonly string[];
  readonly putOperations?: readonly Operation[];
  readonly dropOperations?: readonly string[];
}

export interface Storage<R extends Row> {
  load(): Promise<Saved<R>>;
  save(save: Save<R>): Promise<void>;
  /** Nothing is read or written after that. */
  close(): void;
}

/** Keeps a replica for as long as this object lives: for tests, and where a browser has no database. */
export class MemoryStorage<R extends Row> implements Storage<R> {
  private cursor: string | null = null;
  private readonly rows = new Map<string, R>();
  private readonly operations = new Map<string, Operation>();

  async load(): Promise<Saved<R>> {
    const keys = [...this.operations.keys()].sort();
    return { cursor: this.cursor, rows: [...this.rows.values()], operations: keys.map((key) => this.operations.get(key)!) };
  }

  async save(save: Save<R>): Promise<void> {
    if (save.isWhole) this.rows.clear();
    for (const row of save.put ?? []) this.rows.set(row.id, row);
    for (const id of save.drop ?? []) this.rows.delete(id);
    for (const operation of save.putOperations ?? []) this.operations.set(operation.key, operation);
    for (const key of save.dropOperations ?? []) this.operations.delete(key);
    if (save.cursor !== undefined) this.cursor = save.cursor;
  }

  close(): void {}
}
