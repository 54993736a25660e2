/** The switchboard at a fake of what is the platform's: sockets, and the ports of tabs. */
import { beforeEach, expect, it } from "vitest";
import { MOST_SILENT, MOST_TABS, Switchboard, type Socket, type TabHandlers, type ToTab } from "./switchboard";

class Wire implements Socket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly sent: unknown[] = [];
  closedWith: number | undefined;

  send(frame: string): void {
    this.sent.push(JSON.parse(frame));
  }

  close(code?: number): void {
    this.readyState = 3;
    this.closedWith = code;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  break(code: number, reason: string): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

let wires: Wire[];
let isOnline: boolean;
let board: Switchboard;

beforeEach(() => {
  wires = [];
  isOnline = true;
  board = new Switchboard(() => wires[wires.push(new Wire()) - 1]!, () => isOnline);
});

interface TestTab extends TabHandlers {
  readonly heard: unknown[];
  say(message: object): void;
  leave(code: number): void;
}

function tab(): TestTab {
  const heard: unknown[] = [];
  const handlers = board.add((said: ToTab) => heard.push(typeof said === "string" ? JSON.parse(said) : said));
  return {
    ...handlers,
    heard,
    say: (message) => handlers.hear(JSON.stringify(message)),
    leave: (code) => handlers.hear({ close: { code, reason: "" }, isLinkDead: code === 4499 }),
  };
}

const OPENED = { open: true };
const INIT = { type: "connection_init", payload: { authorization: "Bearer t" } };
const ACK = { type: "connection_ack" };

/** Two tabs at one initialised socket; what was said until then is forgotten. */
function two(): readonly [Wire, TestTab, TestTab] {
  const [first, second] = [tab(), tab()];
  const [wire] = wires;
  wire!.open();
  first.say(INIT);
  wire!.say(ACK);
  second.say(INIT);
  for (const log of [wire!.sent, first.heard, second.heard]) log.length = 0;
  return [wire!, first, second];
}

it("opens one socket, initialises it once, and acknowledges every tab that asks, before and after", () => {
  const [first, second] = [tab(), tab()];
  expect(first.heard).toEqual([]);
  wires[0]!.open();
  first.say(INIT);
  second.say(INIT);
  expect(first.heard).toEqual([OPENED]);
  wires[0]!.say(ACK);
  const third = tab();
  expect(third.heard).toEqual([OPENED]);
  third.say(INIT);
  for (const { heard } of [first, second, third]) expect(heard).toEqual([OPENED, ACK]);
  expect(wires).toHaveLength(1);
  expect(wires[0]!.sent).toEqual([INIT]);
});

it("does not acknowledge a tab that has not asked", () => {
  const [first, second] = [tab(), tab()];
  wires[0]!.open();
  first.say(INIT);
  wires[0]!.say(ACK);
  expect(second.heard).toEqual([OPENED]);
});

it("hands each answer to whose operation it is, until that ends", () => {
  const [wire, first, second] = two();
  first.say({ id: "a", type: "subscribe" });
  second.say({ id: "b", type: "subscribe" });
  const said = [{ id: "a", type: "next" }, { id: "b", type: "next" }, { id: "b", type: "error" }, { id: "a", type: "complete" }];
  for (const message of [...said, { id: "a", type: "next" }, { id: "b", type: "next" }]) wire.say(message);
  expect(first.heard).toEqual([said[0], said[3]]);
  expect(second.heard).toEqual([said[1], said[2]]);
});

it("tells the server what a tab stops", () => {
  const [wire, first] = two();
  first.say({ id: "a", type: "subscribe" });
  first.say({ id: "a", type: "complete" });
  wire.say({ id: "a", type: "next" });
  expect(wire.sent).toEqual([{ id: "a", type: "subscribe" }, { id: "a", type: "complete" }]);
  expect(first.heard).toEqual([]);
});

it("hands on pings with what they carry, and each answer to who asked", () => {
  const [wire, first, second] = two();
  const renewal = { type: "ping", payload: { authorization: "Bearer u" } };
  second.say(renewal);
  first.say({ type: "ping" });
  wire.say({ type: "pong", payload: { of: 2 } });
  expect(first.heard).toEqual([]);
  wire.say({ type: "pong" });
  expect(wire.sent).toEqual([renewal, { type: "ping" }]);
  expect(second.heard).toEqual([{ type: "pong", payload: { of: 2 } }]);
  expect(first.heard).toEqual([{ type: "pong" }]);
});

it("answers the server itself, and lets a tab go that reads nothing any more", () => {
  const [wire, first, second] = two();
  second.say({ id: "b", type: "subscribe" });
  for (let at = 0; at <= MOST_SILENT; at++) {
    wire.say({ type: "ping" });
    first.say({ type: "pong" });
  }
  const pongs = Array.from({ length: MOST_SILENT + 1 }, () => ({ type: "pong" }));
  expect(wire.sent).toEqual([{ id: "b", type: "subscribe" }, ...pongs, { id: "b", type: "complete" }]);
  expect(second.heard.at(-1)).toEqual({ close: { code: 4408, reason: "The tab does not answer" } });
  expect(first.heard).toEqual(pongs.map(() => ({ type: "ping" })));
});

it("tells all tabs how the socket was closed, and opens a new one for who comes back", () => {
  const [wire, first, second] = two();
  wire.break(4403, "Expired");
  for (const { heard } of [first, second]) expect(heard).toEqual([{ close: { code: 4403, reason: "Expired" } }]);
  first.say({ id: "a", type: "subscribe" });
  first.leave(1000);
  expect(wire.sent).toEqual([]);
  tab();
  expect(wires).toHaveLength(2);
});

it("tells tabs that wait when there is nobody to connect to", () => {
  const waiting = tab();
  wires[0]!.break(1006, "");
  expect(waiting.heard).toEqual([{ close: { code: 1006, reason: "" } }]);
});

it.each(["says so", "dies"])("ends what a tab did when it %s, and keeps the socket for the other one", (how) => {
  const [wire, first, second] = two();
  first.say({ id: "a", type: "subscribe" });
  second.say({ id: "b", type: "subscribe" });
  if (how === "dies") first.gone();
  else first.leave(1000);
  expect(wire.sent.slice(2)).toEqual([{ id: "a", type: "complete" }]);
  wire.say({ id: "b", type: "next" });
  expect(second.heard).toEqual([{ id: "b", type: "next" }]);
  expect(wire.closedWith).toBeUndefined();
  second.leave(1001);
  expect(wire.closedWith).toBe(1000);
});

it("gives the socket up for all when a tab gets no answer to its ping", () => {
  const [wire, first, second] = two();
  first.say({ type: "ping" });
  first.leave(4499);
  expect(wire.closedWith).toBe(4499);
  for (const { heard } of [first, second]) expect(heard).toEqual([{ close: { code: 4499, reason: "" } }]);
  tab();
  second.leave(4499);
  expect(wires[1]!.closedWith).toBeUndefined();
});

it("gives it up for all when the network is gone", () => {
  const [wire, first] = two();
  isOnline = false;
  first.leave(4499);
  expect(wire.closedWith).toBe(4499);
});

it("keeps it when the answer was there, and the tab too slow to see it", () => {
  const [wire, first, second] = two();
  first.say({ type: "ping" });
  wire.say({ type: "pong" });
  first.leave(4499);
  expect(wire.closedWith).toBeUndefined();
  expect(second.heard).toEqual([]);
});

it("opens a further socket when one is full", () => {
  const tabs = Array.from({ length: MOST_TABS + 1 }, tab);
  expect(wires).toHaveLength(2);
  wires[1]!.open();
  expect(tabs[0]!.heard).toEqual([]);
  expect(tabs.at(-1)!.heard).toEqual([OPENED]);
});
