/**
 * Random edits of several people, offline and online, over links that are cut in the middle of answers: in the end all
 * copies are the server's, and nothing that was acknowledged is lost. Needs TUTTI_URL; with TUTTI_PACKAGE it is played on the
 * package that is published.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { newId, uuidv7 } from "./ids";
import { opened, PACKAGE, type Device, type Person } from "./testing/device";
import { Link } from "./testing/link";
import { ask, readSnapshot, type BoardRow } from "./testing/wire";

const SERVER = process.env.TUTTI_URL!;
const RUNS = Number(process.env.TUTTI_RUNS ?? 6);
const PATIENCE_MS = PACKAGE ? 60_000 : 40_000; // the package waits longer and longer before it connects again
const PEOPLE = 3;

/** What somebody does; `pick` chooses among the tasks they see. */
interface Act {
  who: number;
  what: "create" | "title" | "careful" | "describe" | "priority" | "due" | "assign" | "unassign" | "bulk" | "move" | "archive" | "restore" | "delete" | "undo" | "cut" | "deafen" | "mend" | "reopen" | "wait";
  pick: number;
  other: number;
}

const act: fc.Arbitrary<Act> = fc.record({
  who: fc.nat(PEOPLE - 1),
  what: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom("create" as const, "title" as const, "careful" as const, "move" as const) },
    { weight: 3, arbitrary: fc.constantFrom("describe" as const, "priority" as const, "due" as const, "assign" as const, "unassign" as const, "bulk" as const) },
    { weight: 1, arbitrary: fc.constantFrom("archive" as const, "restore" as const, "delete" as const) },
    { weight: 1, arbitrary: fc.constant("undo" as const) },
    { weight: 3, arbitrary: fc.constantFrom("cut" as const, "deafen" as const, "mend" as const, "reopen" as const, "wait" as const) },
  ),
  pick: fc.nat(1000),
  other: fc.nat(1000),
});

async function perform({ who, what, pick, other }: Act, devices: readonly Device[], serial: number): Promise<void> {
  const device = devices[who]!;
  const tasks = device.tasks();
  const task = tasks.length ? tasks[pick % tasks.length]! : null;
  const statuses = [...device.replica.all()].filter((row) => row.__typename === "Status");
  const someone = devices[other % devices.length]!.person.id;
  const text = `${what} ${serial} by ${who}`;
  if (what === "cut") return device.link.cut();
  if (what === "deafen") return device.link.deafen();
  if (what === "mend") return device.link.mend();
  if (what === "reopen") return device.reopen();
  if (what === "wait") return void (await until(() => device.link.isDown || device.sync.waitingCount === 0));
  if (what === "create") return device.do("createTask", { id: newId("task"), workspaceId: device.workspaceId, title: text });
  if (what === "undo") return device.undo(pick);
  if (!task) return;
  const id = task.id;
  switch (what) {
    case "title":
      return device.do("updateTask", { id, title: text });
    case "careful": {
      const seen = device.replica.confirmed(id)?.version; // none yet while its creation waits
      return device.do("updateTask", { id, title: text }, seen);
    }
    case "describe":
      return device.do("updateTask", { id, description: text });
    case "priority":
      return device.do("updateTask", { id, priority: ["LOW", "HIGH", "URGENT"][other % 3] });
    case "due":
      return device.do("updateTask", { id, dueDate: other % 4 ? `2026-0${1 + (other % 9)}-15` : null });
    case "assign":
      return device.do("updateTask", { id, addAssigneeIds: [someone] });
    case "unassign":
      return device.do("updateTask", { id, removeAssigneeIds: [someone] });
    case "bulk": {
      const both = [...new Set([task, tasks[other % tasks.length]!])];
      return device.do("bulkUpdateTasks", { id, updates: both.map((each) => ({ id: each.id, priority: "MEDIUM", addAssigneeIds: [someone] })) });
    }
    case "archive":
      return device.do("archiveTask", { id });
    case "restore":
      return device.do("restoreTask", { id });
    case "delete":
      return device.do("deleteTask", { id });
    case "move": {
      const statusId = statuses[other % statuses.length]?.id ?? task.status.id;
      const neighbours = tasks.filter((each) => each.status.id === statusId && each.id !== id);
      const anchor = neighbours[other % Math.max(1, neighbours.length)];
      const position = anchor && other % 3 ? { [other % 2 ? "after" : "before"]: anchor.id } : { edge: other % 2 ? "FIRST" : "LAST" };
      return device.do("moveTask", { id, statusId, position });
    }
  }
}

let team: Person[];

beforeAll(async () => {
  team = await teamOf(PEOPLE);
});

describe("several people, offline and online", () => {
  it("all copies end as the server's, and nothing acknowledged is lost", async () => {
    let mostCuts = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 40, maxLength: 60, size: "max" }), async (acts) => {
        const workspaceId = await newWorkspace(team);
        const start = await readSnapshot(SERVER, team[0]!.token, workspaceId);
        const devices: Device[] = [];
        for (const person of team) devices.push(opened(person, await Link.to(SERVER), workspaceId));
        try {
          await until(() => devices.every((device) => device.sync.isReady));
          for (const [serial, each] of acts.entries()) await perform(each, devices, serial);
          mostCuts = Math.max(mostCuts, acts.filter(({ what }) => what === "cut" || what === "deafen").length);

          for (const { link } of devices) link.mend();
          await until(() => devices.every((device) => device.sync.waitingCount === 0));
          const end = await readSnapshot(SERVER, team[0]!.token, workspaceId);
          await until(() => devices.every((device) => device.replica.cursor! >= end.cursor));

          const truth = PACKAGE ? await readAnew(workspaceId) : sorted(end.rows);
          for (const device of devices) expect(device.rows()).toEqual(truth);
          for (const device of devices) {
            device.link.cut();
            await device.reopen();
            expect(device.rows()).toEqual(truth); // what is stored is the same, without any server
          }
          await expectNothingLost(devices, workspaceId, start.cursor, end.rows);
          for (const { refused } of devices) {
            for (const code of refused) expect(["CONFLICT", "NOT_FOUND", "INVALID"]).toContain(code);
          }
        } finally {
          for (const device of devices) {
            await device.close();
            await device.link.close();
          }
        }
      }),
      { numRuns: RUNS, endOnFailure: true, includeErrorInReport: true },
    );
    expect(mostCuts).toBeGreaterThan(0);
  });

  it("an acknowledgement that is lost leads to the same answer, not to a second effect", async () => {
    const workspaceId = await newWorkspace(team);
    const link = await Link.to(SERVER);
    const device = opened(team[0]!, link, workspaceId);
    await until(() => device.sync.isReady && device.replica.cursor !== null);
    const before = await readSnapshot(SERVER, team[0]!.token, workspaceId);
    link.deafen();
    device.do("createTask", { id: newId("task"), workspaceId, title: "Once" });
    await until(() => link.isDown);
    await until(async () => (await readSnapshot(SERVER, team[0]!.token, workspaceId)).rows.length > before.rows.length);
    expect(device.sync.waitingCount).toBe(1);
    await device.reopen();
    expect(device.tasks().map(({ title }) => title)).toEqual(["Once"]);
    link.mend();
    await until(() => device.sync.waitingCount === 0);
    expect((await readSnapshot(SERVER, team[0]!.token, workspaceId)).rows.length).toBe(before.rows.length + 1);
    expect(device.tasks()).toHaveLength(1);
    await device.close();
    await link.close();
  });

  it("a cursor of another life of the database leads to a fresh snapshot, and what waits stays", async () => {
    const workspaceId = await newWorkspace(team);
    const link = await Link.to(SERVER);
    const device = opened(team[0]!, link, workspaceId);
    await until(() => device.sync.isReady && device.replica.cursor !== null);
    link.cut();
    await ask(SERVER, team[1]!.token, CREATE_TASK, { input: { workspaceId, title: "Meanwhile" } });
    device.do("createTask", { id: newId("task"), workspaceId, title: "Mine" });
    const [version, workspace, epoch, seq] = device.replica.cursor!.split(":");
    const stale = [version, workspace, epoch!.replace(/./, (first) => (first === "a" ? "b" : "a")), seq].join(":");
    device.replica.cursor = stale;
    link.mend();
    await until(() => device.tasks().length === 2 && device.sync.waitingCount === 0);
    expect(device.tasks().map(({ title }) => title).sort()).toEqual(["Meanwhile", "Mine"]);
    expect(device.replica.cursor).not.toBe(stale);
    await device.close();
    await link.close();
  });
});

// --- the oracle ---------------------------------------------------------------------------------------------------

const LOG = `query Log($id: ID!, $after: EventCursor!) {
  workspaceEvents(workspaceId: $id, after: $after, first: 500) {
    cursor caughtUp
    events {
      __typename clientMutationId
      ... on TaskCreatedEvent { task { id } }
      ... on TaskUpdatedEvent { taskId changes { field before after } }
      ... on TaskRemovedEvent { taskId }
    }
  }
}`;

interface LogEvent {
  __typename: string;
  clientMutationId: string | null;
  task?: { id: string } | null;
  taskId?: string;
  changes?: { field: string; before: unknown; after: unknown }[];
}

const FIELDS: Record<string, string> = { title: "TITLE", description: "DESCRIPTION", priority: "PRIORITY", dueDate: "DUE_DATE" };

/** Every value that was acknowledged is in the state, or in what the log says was there. */
async function expectNothingLost(devices: readonly Device[], workspaceId: string, since: string, rows: readonly BoardRow[]): Promise<void> {
  const log: LogEvent[] = [];
  for (let after = since, caughtUp = false; !caughtUp; ) {
    const { workspaceEvents: page }: { workspaceEvents: { cursor: string; caughtUp: boolean; events: LogEvent[] } } = await ask(
      SERVER, devices[0]!.person.token, LOG, { id: workspaceId, after },
    );
    log.push(...page.events);
    ({ cursor: after, caughtUp } = page);
  }
  const state = new Map(rows.map((row) => [row.id, row as unknown as Record<string, unknown>]));
  const removed = new Set(log.filter((event) => event.__typename === "TaskRemovedEvent").map((event) => event.taskId));
  for (const operation of devices.flatMap(({ applied }) => applied)) {
    const events = log.filter((event) => event.clientMutationId === operation.key);
    const updates = operation.input.updates as readonly unknown[] | undefined;
    const most = operation.name === "revertChanges" ? 2 : (updates?.length ?? 1); // what is undone has changed two at most
    expect(events.length, `effects of ${JSON.stringify(operation)}`).toBeLessThanOrEqual(most);
    if (operation.name === "createTask") expect(events).toHaveLength(1);
    for (const [name, field] of Object.entries(FIELDS)) {
      const value = operation.input[name];
      if (operation.name === "createTask" || value === undefined) continue;
      const known = log
        .filter((event) => event.taskId === operation.entityId)
        .flatMap((event) => event.changes ?? [])
        .filter((change) => change.field === field)
        .flatMap((change) => [change.before, change.after]);
      const now = state.get(operation.entityId)?.[name];
      if (now === undefined && known.length === 0) expect(removed).toContain(operation.entityId);
      else expect([...known, now], `${name} of ${JSON.stringify(operation)}`).toContainEqual(value);
    }
  }
}

// --- the scene ----------------------------------------------------------------------------------------------------

const SIGN_UP = `mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken userErrors { message } viewer { user { id } } } }`;
const CREATE_WORKSPACE = `mutation ($input: CreateWorkspaceInput!) { createWorkspace(input: $input) { workspace { id } } }`;
const CREATE_INVITE = `mutation ($input: CreateInviteInput!) { createInvite(input: $input) { url } }`;
const ACCEPT = `mutation ($input: AcceptInviteInput!) { acceptInvite(input: $input) { userErrors { message } } }`;
const CREATE_TASK = `mutation ($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }`;

async function teamOf(count: number): Promise<Person[]> {
  const people: Person[] = [];
  for (let at = 0; at < count; at++) {
    const input = { email: `${uuidv7()}@example.com`, password: `password ${uuidv7()}`, name: `Person ${at}` };
    const { signUp } = await ask<{ signUp: { accessToken: string; viewer: { user: { id: string } } } }>(SERVER, null, SIGN_UP, { input });
    people.push({ id: signUp.viewer.user.id, name: input.name, token: signUp.accessToken });
  }
  return people;
}

async function newWorkspace(people: readonly Person[]): Promise<string> {
  const [owner, ...others] = people;
  const { createWorkspace } = await ask<{ createWorkspace: { workspace: { id: string } } }>(SERVER, owner!.token, CREATE_WORKSPACE, {
    input: { name: "Team" },
  });
  const workspaceId = createWorkspace.workspace.id;
  const invite = { workspaceId, role: "MEMBER" };
  const { createInvite } = await ask<{ createInvite: { url: string } }>(SERVER, owner!.token, CREATE_INVITE, { input: invite });
  const token = createInvite.url.split("#")[1];
  for (const other of others) await ask(SERVER, other.token, ACCEPT, { input: { token } });
  return workspaceId;
}

/** What a copy has that has just been made: the package reads more of each row than we do here. */
async function readAnew(workspaceId: string): Promise<BoardRow[]> {
  const link = await Link.to(SERVER);
  const device = opened(team[0]!, link, workspaceId);
  await until(() => device.sync.isReady);
  const rows = device.rows();
  await device.close();
  await link.close();
  return rows;
}

const sorted = (rows: readonly BoardRow[]): BoardRow[] => [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await holds()); ) {
    if (Date.now() > deadline) throw new Error(`It did not come about in time: ${holds.toString()}`);
    await new Promise((again) => setTimeout(again, 10));
  }
}
