/** Tabs of one person in one workspace, which tell what the person does over one socket. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Connection } from "./connection";
import { PresenceRoom } from "./presence";

interface Tab {
  readonly room: PresenceRoom;
  /** What it said of the person, since that was looked at last. */
  said(): readonly string[];
  look(isAt: boolean): void;
}

let tabs: Tab[];
type Page = EventTarget & { hidden: boolean };

let page: Page;
let pages: Page[];

beforeEach(() => {
  tabs = [];
  pages = [];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  for (const { room } of tabs) room.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Each tab has a page of its own, which is the global one while its code begins or hears of something; else it is one in sight. */
function inPage<Result>(own: Page, work: () => Result): Result {
  page = own;
  vi.stubGlobal("document", { get hidden() { return page.hidden; }, addEventListener: page.addEventListener.bind(page), removeEventListener: page.removeEventListener.bind(page) });
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  const result = work();
  page = pages.find(({ hidden }) => !hidden) ?? own;
  return result;
}

function tab(): Tab {
  const own = Object.assign(new EventTarget(), { hidden: false });
  pages.push(own);
  const said: string[] = [];
  const connection = {
    listen(listener: { connected(): void }) {
      setTimeout(() => listener.connected(), 0);
      return () => undefined;
    },
    subscribe(_: string, { input }: { input?: { status: string; activity: { taskId: string } | null } }) {
      if (input) said.push(`${input.status} ${input.activity?.taskId ?? "-"}`);
      return () => undefined;
    },
  } as unknown as Connection;
  const room = inPage(own, () => new PresenceRoom(connection, "workspace_1", "user_1", String(tabs.length)));
  const opened: Tab = {
    room,
    said: () => said.splice(0),
    look: (isAt) => inPage(own, () => {
      own.hidden = !isAt;
      own.dispatchEvent(new Event("visibilitychange"));
    }),
  };
  tabs.push(opened);
  return opened;
}

/** Time passes, and what was said over channels is heard meanwhile. */
async function pass(seconds: number): Promise<void> {
  for (let at = 0; at < seconds; at++) {
    vi.advanceTimersByTime(1_000);
    for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
  }
}

const doing = (taskId: string) => ({ taskId, mode: "VIEWING" as const });

/** Two tabs in which the person looked at a task, in the first one and then in the other; what was said of that is forgotten. */
async function twoAtTasks(): Promise<readonly [Tab, Tab]> {
  const [first, second] = [tab(), tab()];
  await pass(1);
  first.room.say(doing("task_1"));
  await pass(1);
  second.room.say(doing("task_2"));
  await pass(1);
  for (const each of [first, second]) each.said();
  return [first, second];
}

it("lets one tab say again what the person does, the one in which they did something last", async () => {
  const [first, second] = await twoAtTasks();
  await pass(20);
  expect(first.said()).toEqual([]);
  expect(new Set(second.said())).toEqual(new Set(["ONLINE task_2"]));
  first.look(true);
  await pass(2);
  second.said();
  await pass(20);
  expect(new Set(first.said())).toEqual(new Set(["ONLINE task_1"]));
  expect(second.said()).toEqual([]);
});

it("says that they are away a minute after the last tab went out of sight, and once", async () => {
  const [first, second] = [tab(), tab()];
  await pass(2);
  second.look(false);
  await pass(2);
  for (const each of [first, second]) each.said();
  await pass(70);
  expect([first.said(), second.said()]).toEqual([[], []]);
  first.look(false);
  await pass(58);
  expect([first.said(), second.said()]).toEqual([[], []]);
  await pass(70);
  expect([first.said(), second.said()]).toEqual([["AWAY -"], []]);
  second.look(true);
  await pass(70);
  expect([first.said(), second.said()]).toEqual([[], ["ONLINE -"]]);
});

it("goes on in another tab when the one that spoke is closed", async () => {
  const [first, second] = await twoAtTasks();
  second.room.close();
  await pass(2);
  expect(first.said()).toEqual(["ONLINE task_1"]);
});
