/**
 * Keeps a replica in step with a server: reads it once, follows its changes, sends what waits, and survives everything
 * in between: a lost link, a reload, a cursor that is too old.
 *
 * Invariants: an operation is stored before it is sent and leaves only with an answer; they are sent one at a time, in
 * order. Batches are applied one after the other, and a batch that came over a link we have left is not applied: it
 * comes again behind the cursor. An answer is waited for over one link only: with the next link the operation is sent again,
 * and a snapshot is read again, as what was on its way when a link was lost may never come. Where programs share a storage, what
 * was submitted in one of them is sent by that one, or, when it is gone, by one of the others.
 */
import type { Changes, Operation, Replica, Row } from "./replica";
import type { Storage } from "./storage";

export interface Snapshot<R extends Row> {
  readonly rows: readonly R[];
  /** The position of the oldest part of the snapshot: what was read later comes again as events, which changes nothing. */
  readonly cursor: string;
}

export interface Batch<R extends Row> extends Changes<R> {
  /** The log no longer reaches back to our cursor, or our access changed: read a snapshot, then go on. */
  readonly needsSnapshot: boolean;
}

export type Outcome<R extends Row> =
  | { readonly kind: "applied"; readonly rows?: readonly R[]; readonly dropped?: readonly string[]; readonly changeSetId?: string | null }
  | { readonly kind: "refused"; readonly reasons: readonly unknown[]; readonly rows?: readonly R[] }
  /** No answer, or one that says to try again: the operation is kept. */
  | { readonly kind: "unreachable" };

export interface Settled<R extends Row> {
  readonly operation: Operation;
  readonly outcome: Exclude<Outcome<R>, { readonly kind: "unreachable" }>;
}

/** Programs that share a storage, as tabs do: each sends what was submitted there, for as long as it is there. */
export interface Sharing<R extends Row> {
  /** This one. */
  readonly id: string;
  /** Whether another one is there; when it is not any more, one of the others takes over (`takeOver`). */
  isHere(id: string): boolean;
  /** What has its answer and was stored: the others are to hear of it (`settledElsewhere`). */
  tell(settled: readonly Settled<R>[]): void;
}

/** What is read is not there, or not for this person: to ask again would change nothing. */
export class Gone extends Error {}

export interface Server<R extends Row> {
  /** Rejects if the server cannot be asked, with `Gone` if there is nothing to read any more. `onBeginning` may be given what was read first, while the rest is read. */
  snapshot(onBeginning: (rows: readonly R[]) => void): Promise<Snapshot<R>>;
  /**
   * Follows everything after a cursor over the link as it is now. Returns how to stop. An error ends the stream while the
   * link stays; a final one says that there is nothing to follow any more, after any other one it is tried again.
   */
  follow(after: string, sink: { next(batch: Batch<R>): void; error(problem: unknown, isFinal: boolean): void }): () => void;
  send(operation: Operation): Promise<Outcome<R>>;
}

export interface Hooks {
  /** The operations that were refused (the first one) and fell with it, and why. Their effects are undone already. */
  onRefused?(operations: readonly Operation[], reasons: readonly unknown[]): void;
  /** There is nothing to read or to follow any more, by this word of the server; nothing more will come. */
  onEnded?(problem: unknown): void;
  /** The number of waiting operations, or whether all is caught up, has changed. */
  onChange?(): void;
}

const FLUSH_MS = 200;
/** So long after the link is back, or after the beginning, what another program is to send is left to it. */
const OTHERS_MS = 20_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** Milliseconds until the next try, longer after each failure; with some randomness, so that many do not come at once. */
const retryIn = (failures: number): number => Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2);

export class Sync<R extends Row> {
  readonly replica: Replica<R>;
  /** Whether the replica has something to show, from the storage or from the server: a snapshot, or the beginning of one. */
  isReady = false;

  private readonly server: Server<R>;
  private readonly storage: Storage<R>;
  private readonly hooks: Hooks;
  private readonly sharing: Sharing<R> | undefined;
  private turn: Promise<void> = Promise.resolve();
  private unfollow: (() => void) | null = null;
  private link = 0; // which connection this is; 0 while there is none
  private links = 0;
  private isStopped = false;
  private isFinishing = false; // nothing is followed any more, and what waits is sent
  private isSending = false;
  private run = 0; // which one sends: with every link another one
  private giveUpReading: (() => void) | null = null;
  private isLoaded = false;
  private failures = 0;
  private followFailures = 0; // since something came over the stream
  private followTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly unsaved = new Set<string>();
  private readonly doneKeys = new Set<string>();
  private readonly whenSent = new Set<() => void>();
  private settled: Settled<R>[] = []; // which others have not heard of
  private othersUntil = Date.now() + OTHERS_MS;
  private isWholeUnsaved = false;
  private flushTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly whenLoaded: Promise<void>;

  /** `sharing`: who else has the storage open. */
  constructor(replica: Replica<R>, server: Server<R>, storage: Storage<R>, hooks: Hooks = {}, sharing?: Sharing<R>) {
    this.replica = replica;
    this.server = server;
    this.storage = storage;
    this.hooks = hooks;
    this.sharing = sharing;
    this.whenLoaded = this.load();
  }

  /** Resolves when what was stored is in the replica. */
  get loaded(): Promise<void> {
    return this.whenLoaded;
  }

  /** How many changes the server has not confirmed. */
  get waitingCount(): number {
    return this.replica.operations.length;
  }

  /** The link is there: catch up over it, and send what waits. */
  connected(): void {
    this.link = ++this.links;
    this.failures = 0;
    this.followFailures = 0;
    this.run += 1;
    this.isSending = false;
    this.othersUntil = Date.now() + OTHERS_MS;
    void this.whenLoaded.then(() => this.catchUp(this.link));
    this.drainSoon(0);
  }

  /** The link is gone. What came over it and was not applied yet is forgotten. */
  disconnected(): void {
    this.link = 0;
    clearTimeout(this.followTimer);
    this.unfollow?.();
    this.unfollow = null;
    this.giveUpReading?.();
  }

  /** Whether a whole snapshot has been here. */
  get isWhole(): boolean {
    return this.replica.cursor !== null;
  }

  /** Shows changes at once, stores them together, and sends them when their turn comes. Resolves when they are stored. */
  async submit(...operations: readonly Operation[]): Promise<void> {
    const by = this.sharing?.id;
    const putOperations = this.replica.submit(...(by === undefined ? operations : operations.map((operation) => ({ ...operation, by }))));
    this.hooks.onChange?.();
    await this.storage.save({ putOperations }).catch(() => undefined); // without a database they still are sent
    this.drainSoon(0);
  }

  /**
   * Takes rows that were read beside the stream, and those that were found to be gone by that. What is here already is
   * followed, so it is as new at the same version.
   */
  learn(rows: readonly R[], gone: readonly string[] = []): boolean {
    const { cursor } = this.replica;
    if (cursor === null) return false;
    const steps = [...rows.map((row) => ({ kind: "put", row }) as const), ...gone.map((id) => ({ kind: "drop", id }) as const)];
    this.remember(this.replica.apply({ cursor, steps }));
    return true;
  }

  /** What another program that shares the storage was answered; whoever did it was told there. */
  async settledElsewhere(all: readonly Settled<R>[]): Promise<void> {
    await this.whenLoaded;
    if (this.isStopped) return;
    for (const { operation, outcome } of all) {
      if (this.replica.operations.some(({ key }) => key === operation.key)) await this.settle(operation, outcome, false);
    }
    this.drainSoon(0);
  }

  /** Takes over what a program has left that is gone; `stored` is what waits in the storage. Resolves when it is stored as ours. */
  async takeOver(from: string, stored: readonly Operation[]): Promise<void> {
    await this.whenLoaded;
    const by = this.sharing?.id;
    if (this.isStopped || by === undefined) return;
    const known = new Set(this.replica.operations.flatMap((operation) => (operation.by === from ? operation.key : [])));
    const left = stored.filter((operation) => operation.by === from).map((operation) => ({ ...operation, by }));
    // Of what is known to be its, what has another name by now was taken over by a third one.
    this.replica.takeOver(from, [...left, ...stored.filter((operation) => operation.by !== from && known.has(operation.key))]);
    if (left.length) await this.storage.save({ putOperations: left }).catch(() => undefined);
    this.hooks.onChange?.();
    this.tellIfSent();
    this.drainSoon(0);
  }

  /** Lets rows go, here and where they are stored, that are not needed any more. */
  forget(ids: Iterable<string>): void {
    this.remember(this.replica.forget(ids));
  }

  /** Stores everything anew: whoever kept the storage until now may have left it anywhere. */
  storeAll(): void {
    this.isWholeUnsaved = this.isWhole;
    if (this.isWhole) this.remember(new Set());
  }

  /** Resolves when nothing waits for the server. */
  async sent(): Promise<void> {
    await this.whenLoaded;
    if (this.waitingCount > 0) await new Promise<void>((resolve) => this.whenSent.add(resolve));
  }

  /**
   * Follows nothing any more, and stops when all that waits was sent, or `atLatest`: it is stored, and goes out next time.
   * Until then it is to be told of the link as before: what waits goes out as soon as that is back.
   */
  async finish(atLatest: Promise<void>): Promise<void> {
    this.isFinishing = true;
    this.disconnected();
    this.drainSoon(0); // what was stored before goes out, too, where there has been no link since
    await Promise.race([this.sent(), atLatest]);
    await this.stop();
  }

  /** Stops for good; what is not stored yet is stored, and nothing is written after that. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.disconnected();
    clearTimeout(this.retryTimer);
    await this.turn;
    await this.flush();
  }

  private async load(): Promise<void> {
    try {
      const saved = await this.storage.load();
      if (saved.cursor !== null) this.replica.reset(saved.rows, saved.cursor);
      this.isReady = saved.cursor !== null;
      const known = new Set(this.replica.operations.map((operation) => operation.key));
      for (const operation of saved.operations) if (!known.has(operation.key)) this.replica.submit(operation);
    } catch {
      // a database that cannot be read is as good as an empty one
    }
    this.isLoaded = true;
    this.hooks.onChange?.();
  }

  // --- from the server --------------------------------------------------------------------------------------------

  private catchUp(link: number): void {
    this.turn = this.turn.then(async () => {
      if (link !== this.link || this.isStopped || this.isFinishing) return;
      try {
        if (this.replica.cursor === null) await this.readSnapshot(link);
      } catch (problem) {
        if (problem instanceof Gone) this.hooks.onEnded?.(problem);
        else this.catchUpLater(link);
        return;
      }
      if (link !== this.link || this.isStopped || this.replica.cursor === null) return;
      this.unfollow?.();
      this.unfollow = this.server.follow(this.replica.cursor, {
        next: (batch) => this.take(batch, link),
        error: (problem, isFinal) => {
          if (link !== this.link) return;
          if (isFinal) this.hooks.onEnded?.(problem);
          else this.catchUpLater(link);
        },
      });
    });
  }

  private catchUpLater(link: number): void {
    clearTimeout(this.followTimer);
    if (link === this.link && !this.isStopped) this.followTimer = setTimeout(() => this.catchUp(link), retryIn(this.followFailures++));
  }

  private take(batch: Batch<R>, link: number): void {
    this.turn = this.turn.then(async () => {
      if (link !== this.link || this.isStopped) return;
      this.followFailures = 0;
      if (batch.needsSnapshot) {
        try {
          await this.readSnapshot(link);
        } catch {
          this.replica.cursor = null; // what was read is not enough to go on from: read it again
          this.catchUp(link);
          return;
        }
        if (link !== this.link) return;
      }
      this.remember(this.replica.apply(batch));
      this.hooks.onChange?.();
    });
  }

  private async readSnapshot(link: number): Promise<void> {
    const { rows, cursor } = await new Promise<Snapshot<R>>((resolve, reject) => {
      this.giveUpReading = () => reject(new Error("The link is gone."));
      this.server.snapshot((beginning) => this.preview(beginning, link)).then(resolve, reject);
    });
    if (link !== this.link || this.isStopped) return;
    this.replica.reset(rows, cursor);
    this.isReady = true;
    this.isWholeUnsaved = true;
    this.remember(new Set());
    this.hooks.onChange?.();
  }

  /** Only where there is nothing yet: what is shown is not to be mixed with half of what comes. */
  private preview(rows: readonly R[], link: number): void {
    if (this.isReady || link !== this.link || this.isStopped) return;
    this.replica.preview(rows);
    this.isReady = true;
    this.hooks.onChange?.();
  }

  // --- to the server ----------------------------------------------------------------------------------------------

  private drainSoon(afterMs: number): void {
    clearTimeout(this.retryTimer);
    if (!this.isStopped) this.retryTimer = setTimeout(() => void this.drain(), afterMs);
  }

  private async drain(): Promise<void> {
    await this.whenLoaded;
    if (this.isSending || this.isStopped) return;
    this.isSending = true;
    const { run } = this;
    try {
      for (let next = this.replica.operations[0]; next && run === this.run; next = this.replica.operations[0]) {
        const waitMs = this.isOthers(next) ? this.othersUntil - Date.now() : 0;
        if (waitMs > 0) return this.drainSoon(waitMs);
        const outcome = await this.server.send(next).catch((): Outcome<R> => ({ kind: "unreachable" }));
        if (this.isStopped || run !== this.run) return; // it is stored, and will be sent again: its answer belongs to whoever is next
        if (outcome.kind === "unreachable") {
          this.drainSoon(retryIn(this.failures++));
          return;
        }
        this.failures = 0;
        await this.settle(next, outcome);
      }
    } finally {
      if (run === this.run) this.isSending = false;
    }
  }

  private readonly isOurs = ({ by }: Operation): boolean => by === undefined || by === this.sharing?.id;

  private isOthers(operation: Operation): boolean {
    return !this.isOurs(operation) && this.sharing !== undefined && this.sharing.isHere(operation.by!);
  }

  private async settle(operation: Operation, outcome: Settled<R>["outcome"], isHere = true): Promise<void> {
    const before = this.replica.operations;
    if (outcome.kind === "applied") {
      this.remember(this.replica.confirm(operation.key, outcome));
      const waiting = new Set(this.replica.operations.map(({ key }) => key));
      for (const { key } of before) if (!waiting.has(key)) this.doneKeys.add(key);
      const rebased = this.replica.operations.filter((each) => !before.includes(each));
      // Others store their own: this one might put back what they have done by now.
      const ours = rebased.filter(this.isOurs);
      if (ours.length) await this.storage.save({ putOperations: ours }).catch(() => undefined);
    } else {
      const went = this.replica.refuse(operation.key, outcome.rows);
      for (const each of went) this.doneKeys.add(each.key);
      this.remember(new Set(outcome.rows?.map((row) => row.id)));
      const ours = isHere ? went : went.filter(this.isOurs);
      if (ours.length) this.hooks.onRefused?.(ours, outcome.reasons);
    }
    if (isHere && this.sharing) this.settled.push({ operation, outcome });
    this.hooks.onChange?.();
    this.tellIfSent();
  }

  private tellIfSent(): void {
    if (this.waitingCount > 0) return;
    for (const resolve of this.whenSent) resolve();
    this.whenSent.clear();
  }

  // --- to the storage ---------------------------------------------------------------------------------------------

  private remember(ids: ReadonlySet<string>): void {
    for (const id of ids) this.unsaved.add(id);
    this.flushTimer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  private async flush(): Promise<void> {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    if (!this.isLoaded) return;
    const isWhole = this.isWholeUnsaved;
    const put: R[] = isWhole ? [...this.replica.confirmedRows()] : [];
    const drop: string[] = [];
    for (const id of isWhole ? [] : this.unsaved) {
      const row = this.replica.confirmed(id);
      if (row) put.push(row);
      else drop.push(id);
    }
    const dropOperations = [...this.doneKeys];
    const { settled } = this;
    this.settled = [];
    this.unsaved.clear();
    this.doneKeys.clear();
    this.isWholeUnsaved = false;
    // Rows and cursor are as they are at this moment, in one transaction.
    const save = { isWhole, cursor: this.replica.cursor, put, drop, dropOperations };
    await this.storage.save(save).catch(() => undefined); // it is read from the server again next time
    // Only now: whoever reads the storage before that, and finds them waiting, hears this.
    if (settled.length) this.sharing?.tell(settled);
  }
}
