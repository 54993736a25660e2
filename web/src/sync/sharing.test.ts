/** Programs that share a storage, as tabs do; how they hear of each other is the platform's. */
import { expect, it, vi } from "vitest";
import { uuidv7 } from "./ids";
import { Replica, type Operation } from "./replica";
import { MemoryStorage } from "./storage";
import { Sync, type Outcome, type Server, type Settled } from "./sync";
import { taskEffects, type TaskRow } from "./tasks";

const row = (id: string, version = 1): TaskRow => ({ id, version, title: id, __typename: "Task" }) as unknown as TaskRow;

/** A server that refuses what happens to "task_refused", and programs that share a storage. */
function sharers() {
  const storage = new MemoryStorage<TaskRow>();
  const sent: string[] = [];
  const here = new Map<string, Sync<TaskRow>>();
  let isReachable = true;
  let follows = 0;
  const server: Server<TaskRow> = {
    snapshot: () => Promise.resolve({ rows: [row("task_1"), row("task_refused")], cursor: "v1:1" }),
    follow: () => {
      follows += 1;
      return () => undefined;
    },
    async send({ key, entityId }): Promise<Outcome<TaskRow>> {
      if (!isReachable) return { kind: "unreachable" };
      sent.push(key);
      return entityId === "task_refused" ? { kind: "refused", reasons: ["no"] } : { kind: "applied", rows: [row(entityId, 9)] };
    },
  };
  return {
    sent,
    storage,
    follows: () => follows,
    reach: (isIt: boolean) => void (isReachable = isIt),
    async open(id: string) {
      const refused: string[] = [];
      const sharing = {
        id,
        isHere: (other: string) => here.has(other),
        tell: (settled: readonly Settled<TaskRow>[]) => [...here].forEach(([other, each]) => other !== id && void each.settledElsewhere(settled)),
      };
      const hooks = { onRefused: (all: readonly Operation[]) => void refused.push(...all.map(({ key }) => key)) };
      const sync = new Sync(new Replica<TaskRow>(taskEffects<TaskRow>("user_me", (made) => made)), server, storage, hooks, sharing);
      here.set(id, sync);
      await sync.loaded;
      return { sync, refused };
    },
    /** One of them dies; `sync` is the first to know. */
    async dies(id: string, ...left: readonly Sync<TaskRow>[]) {
      here.delete(id);
      for (const sync of left) await sync.takeOver(id, (await storage.load()).operations);
    },
  };
}

const change = (id: string): Operation => ({ key: uuidv7(), name: "updateTask", entityId: id, input: { id, title: "other" } });

it("what waits is sent once, by whom it was submitted to, and a refusal is told there", async () => {
  const { open, sent, storage, reach } = sharers();
  const { sync: old, refused } = await open("old");
  reach(false);
  const changes = [change("task_1"), change("task_refused"), change("task_1")];
  for (const each of changes) await old.submit(each);
  const { sync: fresh, refused: refusedThere } = await open("fresh");
  expect(fresh.waitingCount).toBe(3);
  reach(true);
  const later = change("task_1");
  await fresh.submit(later);
  fresh.connected();
  old.connected();
  await Promise.all([old.sent(), fresh.sent()]);
  const keys = changes.map(({ key }) => key);
  expect(sent).toEqual([...keys, later.key]);
  expect([refused, refusedThere]).toEqual([[keys[1]], []]);
  for (const sync of [old, fresh]) await sync.stop();
  expect((await storage.load()).operations).toEqual([]);
});

it("where one is gone, one of the others sends what it has left, also what that one had not heard of", async () => {
  const { open, dies, sent, reach } = sharers();
  reach(false);
  const { sync: old } = await open("old");
  const known = change("task_1");
  await old.submit(known);
  const [{ sync: second, refused }, { sync: third, refused: refusedThere }] = [await open("second"), await open("third")];
  const unknown = change("task_refused");
  await old.submit(unknown);
  await old.stop();
  await dies("old", second, third);
  expect(third.waitingCount).toBe(1);
  reach(true);
  third.connected();
  second.connected();
  await Promise.all([second.sent(), third.sent()]);
  expect(sent).toEqual([known.key, unknown.key]);
  expect([refused, refusedThere]).toEqual([[unknown.key], []]);
  for (const sync of [second, third]) await sync.stop();
});

it("a refused creation takes along what another one did to it, and that is told there", async () => {
  const { open, reach } = sharers();
  reach(false);
  const { sync: old, refused } = await open("old");
  await old.submit({ key: uuidv7(), name: "createTask", entityId: "task_refused", input: { id: "task_refused", title: "new" } });
  const { sync: fresh, refused: refusedThere } = await open("fresh");
  const later = change("task_refused");
  await fresh.submit(later);
  reach(true);
  old.connected();
  await Promise.all([old.sent(), fresh.sent()]);
  expect(refused).toHaveLength(1);
  expect(refusedThere).toEqual([later.key]);
  for (const sync of [old, fresh]) await sync.stop();
});

it("is not waited for without end", async () => {
  vi.useFakeTimers();
  try {
    const { open, sent, reach } = sharers();
    reach(false);
    const { sync: stuck } = await open("stuck");
    const changed = change("task_1");
    await stuck.submit(changed);
    await stuck.stop();
    const { sync: fresh } = await open("fresh");
    reach(true);
    fresh.connected();
    await vi.advanceTimersByTimeAsync(19_000);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sent).toEqual([changed.key]);
    await fresh.stop();
  } finally {
    vi.useRealTimers();
  }
});

it("what waited before it was opened is sent, also where it is left before it had a link", async () => {
  const { open, sent, reach, dies } = sharers();
  const { sync: old } = await open("old");
  reach(false);
  const waiting = change("task_1");
  await old.submit(waiting);
  await old.stop();
  await dies("old");
  const { sync: fresh } = await open("fresh");
  reach(true);
  await fresh.finish(new Promise(() => undefined));
  expect(sent).toEqual([waiting.key]);
});

it("what waits where it was left goes out as soon as the link is back, and nothing is followed any more", async () => {
  vi.useFakeTimers();
  try {
    const { open, sent, follows, reach } = sharers();
    const { sync } = await open("left");
    reach(false);
    const waiting = change("task_1");
    await sync.submit(waiting);
    const finished = sync.finish(new Promise(() => undefined));
    await vi.advanceTimersByTimeAsync(60_000); // the next try is seconds away
    reach(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([]);
    sync.connected();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([waiting.key]);
    await finished;
    expect(follows()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
