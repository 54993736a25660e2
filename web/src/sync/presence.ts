/**
 * Who is in a workspace and what they do, from batches of the `presence` subscription.
 *
 * Invariant: after a snapshot nobody is here who is not in it, and a batch is applied only if none is missing before it:
 * otherwise `apply` says so, and the stream has to be followed anew.
 */

export interface Activity {
  readonly mode: string;
  /** The field that is edited; null: none in particular. */
  readonly field?: string | null;
  readonly since: string;
  readonly task?: { readonly id: string } | null;
}

export interface Presence {
  readonly id: string;
  readonly status: string;
  readonly lastSeenAt?: string | null;
  readonly user: { readonly id: string; readonly name: string };
  readonly activities: readonly Activity[];
}

export interface PresenceBatch {
  readonly isSnapshot: boolean;
  readonly isStale: boolean;
  readonly rev: number;
  readonly presences: readonly Presence[];
}

/** One person at a task. */
export interface AtTask {
  readonly user: { readonly id: string; readonly name: string };
  readonly mode: string;
  readonly field: string | null;
}

const NOBODY: readonly AtTask[] = [];

export class Room {
  /** What is known may be old: the store of presences is away, or the link. */
  isStale = true;
  private rev = -1;
  private people = new Map<string, Presence>();
  private atTasks: ReadonlyMap<string, readonly AtTask[]> = new Map();
  private here: readonly Presence[] = [];

  /** `me` is left out of who is at a task. */
  constructor(private readonly me: string) {}

  /** Returns false if batches are missing before this one; then it was not applied. */
  apply(batch: PresenceBatch): boolean {
    if (!batch.isSnapshot && batch.rev !== this.rev + 1) return false;
    this.rev = batch.rev;
    this.isStale = batch.isStale;
    const before = this.people;
    this.people = new Map(batch.isSnapshot ? [...before].filter(([, { status }]) => status === "OFFLINE") : before);
    for (const presence of batch.presences) this.people.set(presence.user.id, presence);
    this.arrange();
    return true;
  }

  /** The link is gone: who was here may still be, but what they do has ended by the time that we hear of it again. */
  lost(): void {
    this.isStale = true;
    this.people = new Map([...this.people].map(([id, presence]) => [id, { ...presence, activities: [] }]));
    this.arrange();
  }

  /** Undefined: never seen here since we follow. */
  of(userId: string): Presence | undefined {
    return this.people.get(userId);
  }

  /** Everybody of whom something is known. */
  all(): Iterable<Presence> {
    return this.people.values();
  }

  /** Everybody who is here, by name; the same array until something changes. */
  online(): readonly Presence[] {
    return this.here;
  }

  /** Who else does something with a task; the same array until that changes. */
  at(taskId: string): readonly AtTask[] {
    return this.atTasks.get(taskId) ?? NOBODY;
  }

  private arrange(): void {
    this.here = [...this.people.values()].filter(({ status }) => status !== "OFFLINE").sort((a, b) => a.user.name.localeCompare(b.user.name));
    const next = new Map<string, AtTask[]>();
    for (const { user, activities } of this.people.values()) {
      for (const { mode, field, task } of activities) {
        if (!task || user.id === this.me) continue;
        const others = next.get(task.id) ?? [];
        next.set(task.id, [...others, { user, mode, field: field ?? null }]);
      }
    }
    const before = this.atTasks;
    this.atTasks = new Map([...next].map(([id, people]) => [id, isSame(before.get(id), people) ? before.get(id)! : people]));
  }
}

const isSame = (a: readonly AtTask[] | undefined, b: readonly AtTask[]): boolean =>
  a?.length === b.length && a.every((one, at) => one.user.id === b[at]!.user.id && one.mode === b[at]!.mode && one.field === b[at]!.field);
