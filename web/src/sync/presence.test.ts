import { describe, expect, it } from "vitest";
import { Room, type Activity, type Presence } from "./presence";

const person = (name: string, status = "ONLINE", ...activities: Activity[]): Presence => ({
  id: `presence_${name}`, status, lastSeenAt: status === "OFFLINE" ? "2026-01-01T00:00:00Z" : null, user: { id: name, name }, activities,
});
const doing = (mode: string, task: string, field: string | null = null): Activity => ({ mode, field, since: "2026-01-01T00:00:00Z", task: { id: task } });
const batch = (rev: number, isSnapshot: boolean, ...presences: Presence[]) => ({ isSnapshot, isStale: false, rev, presences });
const here = (room: Room): string[] => room.online().map(({ user }) => user.id);

describe("a room", () => {
  it("has who is in the snapshot, and forgets who is not in the next one", () => {
    const room = new Room("me");
    expect(room.apply(batch(7, true, person("ann"), person("bob")))).toBe(true);
    expect(here(room)).toEqual(["ann", "bob"]);
    room.apply(batch(8, true, person("bob", "AWAY")));
    expect(here(room)).toEqual(["bob"]);
  });

  it("remembers when those were last seen who left", () => {
    const room = new Room("me");
    room.apply(batch(1, true, person("ann")));
    room.apply(batch(2, false, person("ann", "OFFLINE")));
    room.apply(batch(3, true));
    expect(here(room)).toEqual([]);
    expect(room.of("ann")?.lastSeenAt).toBe("2026-01-01T00:00:00Z");
  });

  it("does not take a batch when some are missing before it", () => {
    const room = new Room("me");
    expect(room.apply(batch(1, false, person("ann")))).toBe(false);
    room.apply(batch(1, true));
    expect(room.apply(batch(3, false, person("ann")))).toBe(false);
    expect(here(room)).toEqual([]);
    expect(room.apply(batch(2, false, person("ann")))).toBe(true);
  });

  it("tells who is at a task, in the same array until that changes", () => {
    const room = new Room("me");
    room.apply(batch(1, true, person("ann", "ONLINE", doing("EDITING", "t1", "TITLE")), person("bob", "ONLINE", doing("VIEWING", "t1")), person("me", "ONLINE", doing("VIEWING", "t1"))));
    const first = room.at("t1");
    expect(first.map(({ user, mode, field }) => [user.id, mode, field])).toEqual([["ann", "EDITING", "TITLE"], ["bob", "VIEWING", null]]);
    room.apply(batch(2, false, person("cid", "ONLINE", doing("VIEWING", "t2"))));
    expect(room.at("t1")).toBe(first);
    room.apply(batch(3, false, person("bob")));
    expect(room.at("t1")).toHaveLength(1);
    room.lost();
    expect(room.at("t1")).toEqual([]);
    expect(room.isStale).toBe(true);
  });
});
