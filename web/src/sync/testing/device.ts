/**
 * One program of one person in the tests, over a link that can be cut: on the replica as it is here, or on the package
 * that is published (TUTTI_PACKAGE: its folder, built).
 *
 * Invariant: both are driven and looked at in the same way, so that a game for one is a game for the other.
 */
import { pathToFileURL } from "node:url";
import WebSocket from "ws";
import { uuidv7 } from "../ids";
import { Replica, type Operation } from "../replica";
import { MemoryStorage } from "../storage";
import { Sync, type Hooks } from "../sync";
import { taskEffects, type TaskRow } from "../tasks";
import { undoEffects, undoing } from "../undo";
import type { Link } from "./link";
import { Wire, type BoardRow } from "./wire";

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

export abstract class Device {
  sync!: Sync<BoardRow>;
  readonly refused: string[] = [];
  protected readonly storage = new MemoryStorage<BoardRow>();
  private readonly submitted: Operation[] = [];
  private readonly fallen = new Set<string>();
  protected readonly hooks: Hooks = {
    onRefused: (operations, reasons) => {
      for (const { key } of operations) this.fallen.add(key);
      this.refused.push(...(reasons as { code: string }[]).map(({ code }) => code));
    },
  };

  constructor(
    readonly person: Person,
    readonly link: Link,
    readonly workspaceId: string,
  ) {}

  abstract open(): void;
  abstract close(): Promise<void>;

  get replica(): Replica<BoardRow> {
    return this.sync.replica;
  }

  /** What must have had its effect, once nothing waits. */
  get applied(): readonly Operation[] {
    return this.submitted.filter(({ key }) => !this.fallen.has(key));
  }

  /** Like a reload of the page: nothing is left but what was stored. */
  async reopen(): Promise<void> {
    await this.close();
    this.open();
    await this.sync.loaded;
  }

  rows(): BoardRow[] {
    return [...this.replica.all()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  tasks(): TaskRow[] {
    return this.rows().filter((row) => row.__typename === "Task");
  }

  do(name: string, input: Record<string, unknown>, baseVersion?: number): void {
    const base = baseVersion === undefined ? {} : { baseVersion };
    const { id, ...many } = input;
    const operation: Operation = { key: uuidv7(), name, entityId: String(id), input: input.updates ? many : input, ...base };
    this.submit(operation);
  }

  /** Undoes one of the operations that wait. */
  undo(pick: number): void {
    const { operations } = this.replica;
    const undone = new Set(operations.map(({ undoes }) => undoes));
    const waiting = operations.filter(({ key, name }) => name !== "createTask" && name !== "revertChanges" && !undone.has(key));
    if (waiting.length) this.submit(undoing(uuidv7(), waiting[pick % waiting.length]!, null));
  }

  private submit(operation: Operation): void {
    this.submitted.push(operation);
    void this.sync.submit(operation);
  }
}

class OwnDevice extends Device {
  private wire!: Wire;

  open(): void {
    const replica = new Replica<BoardRow>({ ...taskEffects<BoardRow>(this.person.id, (task) => task), ...undoEffects<BoardRow>() });
    this.wire = new Wire(this.link.url, this.person.token, this.workspaceId);
    this.sync = new Sync(replica, this.wire, this.storage, this.hooks);
    this.wire.connect(this.sync);
  }

  async close(): Promise<void> {
    await this.wire.close();
    await this.sync.stop();
  }
}

/** What of the package is used, as it is typed there. */
interface Package {
  Tutti: new (options: { url: string; token: string; webSocket: unknown }) => { close(): Promise<void> };
  Workspace: new (tutti: object, id: string, me: Person, storage: object, hooks: Hooks) => { sync: unknown; close(): Promise<void> };
}

export const PACKAGE = process.env.TUTTI_PACKAGE;
const published = PACKAGE ? ((await import(/* @vite-ignore */ pathToFileURL(`${PACKAGE}/dist/index.js`).href)) as Package) : null;

class PublishedDevice extends Device {
  private tutti!: InstanceType<Package["Tutti"]>;
  private workspace!: InstanceType<Package["Workspace"]>;

  open(): void {
    this.tutti = new published!.Tutti({ url: this.link.url, token: this.person.token, webSocket: WebSocket });
    this.workspace = new published!.Workspace(this.tutti, this.workspaceId, this.person, this.storage, this.hooks);
    this.sync = this.workspace.sync as Sync<BoardRow>;
  }

  async close(): Promise<void> {
    await this.workspace.close();
    await this.tutti.close();
  }
}

export function opened(person: Person, link: Link, workspaceId: string): Device {
  const device = new (published ? PublishedDevice : OwnDevice)(person, link, workspaceId);
  device.open();
  return device;
}
