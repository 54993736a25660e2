import { describe, expect, it } from "vitest";
import { uuidv7 } from "./ids";
import { Replica } from "./replica";
import { MemoryStorage } from "./storage";
import { Sync, type Outcome, type Server, type Snapshot } from "./sync";
import { taskEffects, type TaskRow } from "./tasks";

/** A server that leaves the first request of each kind without an answer. */
function silentServer() {
  const sent: string[] = [];
  const followed: string[] = [];
  let asked = 0;
  const never = <T>(): Promise<T> => new Promise(() => undefined);
  const server: Server<TaskRow> = {
    snapshot: () => (++asked === 1 ? never<Snapshot<TaskRow>>() : Promise.resolve({ rows: [], cursor: "v1:7" })),
    follow: (after) => {
      followed.push(after);
      return () => undefined;
    },
    send: ({ key }) => {
      sent.push(key);
      return sent.length === 1 ? never<Outcome<TaskRow>>() : Promise.resolve({ kind: "applied" });
    },
  };
  const sync = new Sync(new Replica<TaskRow>(taskEffects<TaskRow>("user_me", (made) => made)), server, new MemoryStorage<TaskRow>());
  return { sync, sent, followed };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe("a request that was on its way when the link was lost", () => {
  it("is made again over the next link, and nothing waits for its answer", async () => {
    const { sync, sent, followed } = silentServer();
    sync.connected();
    const keys = [uuidv7(), uuidv7()];
    for (const key of keys) await sync.submit({ key, name: "deleteTask", entityId: "task_1", input: { id: "task_1" } });
    await until(() => sent.length === 1);
    sync.disconnected();
    sync.connected();
    await sync.sent();
    expect(sent).toEqual([keys[0], ...keys]);
    await until(() => followed.length > 0);
    expect(followed).toEqual(["v1:7"]);
    await sync.stop();
  });
});
