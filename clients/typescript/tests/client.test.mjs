/** The built package against a real server: `TUTTI_URL=http://127.0.0.1:8000 node --test tests/`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "graphql";
import WebSocket from "ws";
import { BulkUpdateTasksDocument, CreateTaskDocument, MemoryStorage, newId, openWorkspace, Refused, TasksDocument, Tutti, Unauthenticated, Unavailable, UpdateTaskDocument, WorkspaceEventsDocument } from "tutti-client";
import { post, payloadOf, twoPeopleInOneWorkspace } from "../../../tests/clients/harness.mjs";

const url = process.env.TUTTI_URL;
const api = `${url}/graphql`;

/** What a client reaches the server by: it can be cut, it can lose the next answer, and it sees what is sent. */
class Link {
  isCut = false;
  losesAnswer = false;
  requestCount = 0;
  onFrame = () => undefined;
  #sockets = new Set();
  #requests = new AbortController();

  options() {
    const link = this;
    return {
      webSocket: class extends WebSocket {
        constructor(address, protocols) {
          super(link.isCut ? "ws://127.0.0.1:1" : address, protocols);
          link.#sockets.add(this);
        }
        send(frame) {
          link.onFrame(JSON.parse(frame).type);
          super.send(frame);
        }
      },
      fetch: async (address, init) => {
        if (link.isCut) throw new TypeError("the link is cut");
        link.requestCount++;
        const response = await fetch(address, { ...init, signal: AbortSignal.any([init.signal, link.#requests.signal]) });
        if (!link.losesAnswer) return response;
        link.losesAnswer = false;
        throw new TypeError("the answer was lost");
      },
    };
  }

  cut() {
    this.isCut = true;
    for (const socket of this.#sockets) socket.terminate();
    this.#sockets.clear();
    this.#requests.abort();
    this.#requests = new AbortController();
  }

  mend() {
    this.isCut = false;
  }
}

async function scene() {
  const { a, b, workspaceId } = await twoPeopleInOneWorkspace(api);
  const link = new Link();
  const ann = new Tutti({ url, token: a.accessToken, webSocket: WebSocket });
  const open = (more = {}) => new Tutti({ url, token: () => b.accessToken, ...link.options(), ...more });
  const create = async (title) => (await ann.mutate(CreateTaskDocument, { input: { workspaceId, title } })).createTask.task;
  const truth = async () => {
    const { workspace } = await ann.query(TasksDocument, { workspaceId });
    return workspace.tasks.nodes.map(({ id, version, title }) => ({ id, version, title })).sort((x, y) => (x.id < y.id ? -1 : 1));
  };
  return { a, b, workspaceId, ann, link, open, create, truth };
}

/** Waits until something holds, looking whenever the copy has changed. */
function until(workspace, holds) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("it did not come to be")), 30_000);
    const look = () => {
      if (!holds()) return;
      clearTimeout(timer);
      unlisten();
      resolve();
    };
    const unlisten = workspace.replica.listen(look);
    look();
  });
}

const copy = (workspace) => workspace.rows("Task").map(({ id, version, title }) => ({ id, version, title })).sort((x, y) => (x.id < y.id ? -1 : 1));

test("what is refused says why, and what is not answered is not taken for done", async () => {
  const { ann, create } = await scene();
  const task = await create("Tune the violin");
  await ann.mutate(UpdateTaskDocument, { input: { id: task.id, title: "Tune both violins" } });
  await assert.rejects(ann.mutate(UpdateTaskDocument, { input: { id: task.id, title: "Sell it", baseVersion: 1 } }), (problem) => {
    assert.ok(problem instanceof Refused);
    assert.equal(problem.code, "CONFLICT");
    assert.equal(problem.reasons[0].conflicts[0].theirs, "Tune both violins");
    return true;
  });
  await assert.rejects(new Tutti({ url, token: "tutti_no", transport: "sse" }).query(TasksDocument, { workspaceId: "x" }), Unauthenticated);
  await assert.rejects(new Tutti({ url: "http://127.0.0.1:1", token: "", transport: "sse" }).once(TasksDocument, { workspaceId: "x" }), Unavailable);
  await ann.close();
});

test("a mutation whose answer was lost has one effect, also if it says that it has no key", async () => {
  const { ann, link, open, truth, workspaceId } = await scene();
  const bob = open();
  for (const key of [{}, { clientMutationId: null }, { clientMutationId: undefined }]) {
    link.losesAnswer = true;
    const { createTask } = await bob.mutate(CreateTaskDocument, { input: { workspaceId, title: "Once", ...key } });
    assert.equal(createTask.replayed, true);
  }
  assert.deepEqual((await truth()).map(({ title }) => title), ["Once", "Once", "Once"]);
  await Promise.all([ann.close(), bob.close()]);
});

test("an input that takes no key gets none, and is not sent again when the answer was lost", async () => {
  const { ann, link, open, workspaceId } = await scene();
  const document = parse("mutation ($input: UpdatePresenceInput!) { updatePresence(input: $input) { userErrors { code } presence { status } } }");
  const variables = { input: { workspaceId, clientId: crypto.randomUUID(), status: "DO_NOT_DISTURB" } };
  const bob = open();
  assert.equal((await bob.mutate(document, variables)).updatePresence.presence.status, "DO_NOT_DISTURB");
  link.requestCount = 0;
  link.losesAnswer = true;
  await assert.rejects(bob.mutate(document, variables), Unavailable);
  assert.equal(link.requestCount, 1);
  await Promise.all([ann.close(), bob.close()]);
});

for (const transport of ["ws", "sse"]) {
  test(`a stream over ${transport} misses and repeats nothing over a cut`, { timeout: 120_000 }, async () => {
    const { ann, link, open, create, workspaceId } = await scene();
    const bob = open({ transport });
    const { workspace } = await bob.query(TasksDocument, { workspaceId });
    await create("before");
    const titles = [];
    for await (const batch of bob.workspaceEvents(workspaceId, { after: workspace.eventCursor })) {
      titles.push(...batch.events.filter(({ __typename }) => __typename === "TaskCreatedEvent").map(({ task }) => task.title));
      if (titles.length === 1 && batch.events.length) {
        link.cut();
        await create("meanwhile");
        await create("as well");
        link.mend();
      } else if (titles.length === 3 && batch.events.length) {
        await create("live again");
      } else if (titles.length > 3) break;
    }
    assert.deepEqual(titles, ["before", "meanwhile", "as well", "live again"]);
    await Promise.all([ann.close(), bob.close()]);
  });
}

test("a program that takes a long replay slowly holds a part of it, and gets all of it", { timeout: 120_000 }, async () => {
  const { ann, link, open, create, workspaceId } = await scene();
  const bob = open();
  const { workspace } = await bob.query(TasksDocument, { workspaceId });
  const tasks = await Promise.all(Array.from({ length: 50 }, (_, number) => create(`Task ${number}`)));
  const rounds = 25;
  for (let round = 1; round <= rounds; round++) {
    await ann.mutate(BulkUpdateTasksDocument, { input: { updates: tasks.map(({ id }) => ({ id, title: `Round ${round}` })) } });
  }
  const frames = [];
  const rested = new Promise((done) => (link.onFrame = (type) => frames.push(type) && type === "complete" && done()));
  const batches = bob.workspaceEvents(workspaceId, { after: workspace.eventCursor });
  const seen = (await batches.next()).value.events;
  await rested; // while this program does nothing
  while (seen.length < tasks.length * (rounds + 1)) seen.push(...(await batches.next()).value.events);
  assert.deepEqual(frames.filter((type) => type !== "pong" && type !== "ping"), ["subscribe", "complete", "subscribe"]);
  assert.equal(new Set(seen.map(({ cursor, taskId, task }) => `${cursor} ${taskId ?? task.id}`)).size, seen.length);
  const told = seen.filter(({ __typename }) => __typename === "TaskUpdatedEvent").map(({ changes }) => changes[0].after);
  assert.deepEqual(told, Array.from({ length: rounds }, (_, round) => tasks.map(() => `Round ${round + 1}`)).flat());
  const last = batches.next();
  await bob.close();
  while (!(await last).done && !(await batches.next()).done);
  await ann.close();
});

test("a stream that was one too many comes when there is room", { timeout: 120_000 }, async () => {
  const { ann, open, workspaceId } = await scene();
  const bob = open();
  const first = () => {
    let stop;
    const came = new Promise((next, error) => (stop = bob.subscribe(WorkspaceEventsDocument, { workspaceId }, { next, error })));
    return { came, stop };
  };
  const streams = Array.from({ length: 50 }, first);
  await Promise.all(streams.map(({ came }) => came));
  const oneTooMany = first();
  const isRefused = await Promise.race([oneTooMany.came.then(() => false), new Promise((done) => setTimeout(done, 300, true))]);
  assert.ok(isRefused, "the server takes 50 operations on a socket");
  streams[0].stop();
  assert.ok((await oneTooMany.came).workspaceEvents.caughtUp);
  await Promise.all([ann.close(), bob.close()]);
});

test("a stream ends when its token is revoked", { timeout: 120_000 }, async () => {
  const { a, ann, workspaceId } = await scene();
  const input = { workspaceId, name: "Bot", scopes: ["TASK_READ"] };
  const made = payloadOf(await post(api, a.accessToken, "mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret apiToken { id } userErrors { code } } }", { input }));
  const bot = new Tutti({ url, token: made.secret, webSocket: WebSocket });
  const batches = bot.workspaceEvents(workspaceId);
  assert.equal((await batches.next()).value.caughtUp, true);
  await post(api, a.accessToken, "mutation ($input: RevokeApiTokenInput!) { revokeApiToken(input: $input) { userErrors { code } } }", { input: { id: made.apiToken.id } });
  await assert.rejects(async () => {
    for await (const _ of batches);
  }, Unauthenticated);
  await Promise.all([ann.close(), bot.close()]);
});

test("a copy shows changes at once, also offline, and comes to what the server says", { timeout: 60_000 }, async () => {
  const { ann, link, open, create, truth, workspaceId } = await scene();
  const first = await create("Tune the violin");
  const storage = new MemoryStorage();
  const bob = open();
  let copied = await openWorkspace(bob, workspaceId, storage);
  await until(copied, () => copied.rows("Task").length === 1);
  assert.ok(copied.rows("Status").length > 1 && copied.rows("Membership").length === 2 && copied.rows("Workspace").length === 1);

  link.cut();
  const id = newId("task");
  await copied.submit("createTask", { workspaceId, id, title: "Made offline" });
  await copied.submit("updateTask", { id: first.id, title: "Renamed offline" });
  const raised = await copied.submit("updateTask", { id: first.id, priority: "URGENT" });
  assert.equal(await copied.undo(raised), true);
  assert.deepEqual(copied.rows("Task").map(({ priority }) => priority), ["NONE", "NONE"]);
  assert.deepEqual(copy(copied).map(({ title }) => title).sort(), ["Made offline", "Renamed offline"]);
  const third = await create("Meanwhile");
  await copied.close();

  const again = open();
  link.mend();
  copied = await openWorkspace(again, workspaceId, storage);
  assert.ok(copied.rows("Task").some(({ title }) => title === "Made offline"), "what was stored is there at once");
  await copied.sent();
  await until(copied, () => copied.rows("Task").some((task) => task.id === third.id));
  assert.deepEqual(copy(copied), await truth());
  assert.deepEqual(copy(copied).map(({ title }) => title).sort(), ["Made offline", "Meanwhile", "Renamed offline"]);
  await copied.close();
  await Promise.all([ann.close(), bob.close(), again.close()]);
});
