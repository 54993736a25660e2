import { describe, expect, it } from "vitest";
import { uuidv7 } from "./ids";
import { Replica } from "./replica";
import { MemoryStorage } from "./storage";
import { Sync, type Server, type Snapshot } from "./sync";
import { taskEffects, type TaskRow } from "./tasks";

const task = (id: string, title = `Title ${id}`): TaskRow => ({
  __typename: "Task", id: `task_${id}`, version: 1, key: `K-${id}`, title, description: "", priority: "NONE", startDate: null, dueDate: null,
  estimate: null, rank: `a${id}`, createdAt: "2026-01-01T00:00:00.000Z", updatedAt: "2026-01-01T00:00:00.000Z", completedAt: null, archivedAt: null,
  project: null, status: { id: "status_todo" }, assignees: [], labels: [], parent: null, createdBy: { id: "user_me" },
});

/** A server whose snapshot has begun, and comes to its end when it is told to. */
function slowServer(...beginning: TaskRow[]) {
  let end!: (snapshot: Snapshot<TaskRow>) => void;
  let fail!: (problem: Error) => void;
  const followed: string[] = [];
  const server: Server<TaskRow> = {
    snapshot: (onBeginning) => {
      onBeginning(beginning);
      return new Promise((resolve, reject) => [end, fail] = [resolve, reject]);
    },
    follow: (after) => {
      followed.push(after);
      return () => undefined;
    },
    send: () => Promise.resolve({ kind: "unreachable" }),
  };
  const storage = new MemoryStorage<TaskRow>();
  const sync = new Sync(new Replica<TaskRow>(taskEffects<TaskRow>("user_me", (made) => made)), server, storage);
  return { sync, storage, followed, end: (snapshot: Snapshot<TaskRow>) => end(snapshot), fail: () => fail(new Error("cut")) };
}

const titles = (sync: Sync<TaskRow>): string[] => [...sync.replica.all()].map(({ title }) => title).sort();
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe("the beginning of a snapshot", () => {
  it("is shown while the rest is read, and is neither stored nor followed from", async () => {
    const { sync, storage, followed, end } = slowServer(task("1"), task("2"));
    sync.connected();
    await until(() => sync.isReady);
    expect(titles(sync)).toEqual(["Title 1", "Title 2"]);
    expect(sync.isWhole).toBe(false);
    sync.storeAll();
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect((await storage.load()).rows).toEqual([]);
    expect(followed).toEqual([]);
    end({ rows: [task("1"), task("3")], cursor: "v1:7" });
    await until(() => followed.length > 0);
    expect(followed).toEqual(["v1:7"]);
    expect(titles(sync)).toEqual(["Title 1", "Title 3"]);
    expect(sync.isWhole).toBe(true);
    await sync.stop();
    expect((await storage.load()).rows).toHaveLength(2);
  });

  it("lies below what the person changes meanwhile", async () => {
    const { sync, end } = slowServer(task("1"));
    sync.connected();
    await until(() => sync.isReady);
    await sync.submit({ key: uuidv7(), name: "updateTask", entityId: "task_1", input: { id: "task_1", title: "Mine" } });
    expect(titles(sync)).toEqual(["Mine"]);
    end({ rows: [task("1"), task("2")], cursor: "v1:7" });
    await until(() => sync.isWhole);
    expect(titles(sync)).toEqual(["Mine", "Title 2"]);
    await sync.stop();
  });

  it("stays when the link is lost before the end", async () => {
    const { sync, fail } = slowServer(task("1"));
    sync.connected();
    await until(() => sync.isReady);
    sync.disconnected();
    fail();
    expect(titles(sync)).toEqual(["Title 1"]);
    expect(sync.isWhole).toBe(false);
    await sync.stop();
  });
});
