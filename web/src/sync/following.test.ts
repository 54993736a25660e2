import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Replica } from "./replica";
import { MemoryStorage } from "./storage";
import { Gone, Sync, type Batch, type Server } from "./sync";
import { taskEffects, type TaskRow } from "./tasks";

type Sink = Parameters<Server<TaskRow>["follow"]>[1];

/** A server that is followed, and ends the stream when it is told to. */
function followed() {
  const sinks: Sink[] = [];
  const ended: unknown[] = [];
  const server: Server<TaskRow> = {
    snapshot: () => Promise.resolve({ rows: [], cursor: "v1:0" }),
    follow: (_, sink) => {
      sinks.push(sink);
      return () => undefined;
    },
    send: () => Promise.resolve({ kind: "unreachable" }),
  };
  const effects = taskEffects<TaskRow>("user_me", (made) => made);
  const sync = new Sync(new Replica<TaskRow>(effects), server, new MemoryStorage<TaskRow>(), { onEnded: (problem) => ended.push(problem) });
  return { sync, sinks, ended, server };
}

const NOTHING: Batch<TaskRow> = { cursor: "v1:1", steps: [], needsSnapshot: false };
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe("a stream that the server ends", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is followed again, later after each failure, and soon again once something came", async () => {
    const { sync, sinks, ended } = followed();
    sync.connected();
    await settled();
    for (const longestMs of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
      const before = sinks.length;
      sinks.at(-1)!.error("RATE_LIMITED", false);
      await vi.advanceTimersByTimeAsync(longestMs / 2 - 1);
      expect(sinks).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(longestMs / 2 + 1);
      expect(sinks).toHaveLength(before + 1);
    }
    sinks.at(-1)!.next(NOTHING);
    await settled();
    sinks.at(-1)!.error("INTERNAL", false);
    await vi.advanceTimersByTimeAsync(500);
    expect(sinks).toHaveLength(9);
    expect(ended).toEqual([]);
    await sync.stop();
  });

  it("ends as well where there is nothing to read, while any other failure to read is tried again", async () => {
    for (const [problem, times] of [[new Gone("not there"), 1], [new Error("no answer"), 2]] as const) {
      const { sync, ended, server, sinks } = followed();
      const snapshot = vi.spyOn(server, "snapshot").mockRejectedValue(problem);
      sync.connected();
      await vi.advanceTimersByTimeAsync(500);
      expect(snapshot).toHaveBeenCalledTimes(times);
      expect(ended).toEqual(times === 1 ? [problem] : []);
      expect(sinks).toHaveLength(0);
      await sync.stop();
    }
  });

  it("is not followed any more after a final error, nor when the link or the workspace was left", async () => {
    const { sync, sinks, ended } = followed();
    sync.connected();
    await settled();
    sinks.at(-1)!.error("INTERNAL", false);
    sync.disconnected();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sinks).toHaveLength(1);
    sync.connected();
    await settled();
    sinks.at(-1)!.error("ACCESS_REVOKED", true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sinks).toHaveLength(2);
    expect(ended).toEqual(["ACCESS_REVOKED"]);
    await sync.stop();
  });
});
