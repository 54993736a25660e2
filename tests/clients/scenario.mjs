/**
 * The same two people with any client: Ann writes with it, Bob follows with it, his socket is cut, and he misses nothing.
 *
 * A client is given as `connect(url, accessToken, gate)`, which returns
 *   query(document, variables), mutate(document, variables)   resolve to `data`, reject on errors
 *   subscribe(document, variables, { next(data), error })     returns how to stop
 *   socket     the graphql-ws client below it, `lazy: false`; before each reconnect it awaits `gate()`
 *   replica    where this client keeps tasks (recipe.mjs)
 *   close()
 */
import * as documents from "./documents.mjs";
import { assert, assertEqual, expectation, payloadOf, step, twoPeopleInOneWorkspace, withResolvers } from "./harness.mjs";
import { applyBatch, followWorkspace, keepNewer } from "./recipe.mjs";

export async function twoPeople(url, connect) {
  const { a, b, workspaceId } = await twoPeopleInOneWorkspace(url);
  const ann = new Writer(connect(url, a.accessToken, async () => undefined), workspaceId);
  const bob = new Follower(url, b.accessToken, workspaceId, connect);

  step("Bob reads the board and follows it from there");
  const { statuses } = await bob.readBoard();
  const doing = statuses.find((status) => status.category === "IN_PROGRESS");
  assert(doing, `a new workspace has a status in progress: ${JSON.stringify(statuses)}`);
  bob.follow();

  step("Ann creates, updates, moves and deletes tasks");
  const first = await ann.create("Tune the violin");
  const second = await ann.create("Sell the tuba");
  await ann.update(first, "Tune both violins");
  await ann.move(first, doing.id);
  await ann.delete(second);
  await bob.reaches(ann.cursor);
  assertEqual(bob.seen, ann.wrote, "Bob saw not exactly what Ann did, in order");
  const middle = ann.cursor;

  step("Bob's socket is cut, and Ann goes on");
  await bob.cut();
  await ann.update(first, "Tune all violins");
  const third = await ann.create("Book the hall");
  await ann.delete(first);
  assertEqual(bob.seen.length, 5, "a cut socket delivers nothing");

  step("Bob is back and catches up from his last cursor");
  bob.letReconnect();
  await bob.reaches(ann.cursor);
  await ann.update(third, "Book the large hall");
  await bob.reaches(ann.cursor);
  assertEqual(bob.seen, ann.wrote, "Bob missed or repeated something over the cut");

  step("the copies equal what the server says");
  const truth = await bob.truth();
  assertEqual(truth.map((task) => task.title), ["Book the large hall"], "the tasks at the end");
  assertEqual(bob.copy(), truth, "Bob's copy");
  assertEqual(ann.copy(truth), truth, "Ann's copy, kept by the answers to her own mutations");

  step("an old batch that comes again changes nothing, as lower versions are not written");
  const old = bob.batches.find((batch) => batch.events.some((event) => event.task?.id === third));
  assert(old.events.some((event) => event.task?.title === "Book the hall"), "the old batch has the old title");
  await applyBatch(bob.replica, old, refuseResync);
  assertEqual(bob.copy(), truth, "Bob's copy after an old batch came again");

  step("another tab resumes from a cursor in the middle, by subscription and by query");
  const late = new Follower(url, b.accessToken, workspaceId, connect);
  late.replica.cursor = middle;
  late.follow();
  await late.reaches(ann.cursor);
  assertEqual(late.seen, ann.wrote.slice(5), "events since the middle, by subscription");
  const { workspaceEvents } = await late.client.query(documents.CATCH_UP, { workspaceId, after: middle });
  assertEqual(workspaceEvents.events.map(told), ann.wrote.slice(5), "events since the middle, by query");

  step("a copy of another life of the database is replaced: higher versions, tasks that are gone, one that was removed");
  const odd = new Follower(url, b.accessToken, workspaceId, connect);
  await odd.readBoard();
  const [known] = truth;
  const kept = odd.replica.read(known.id);
  odd.replica.write({ ...kept, version: kept.version + 100, title: "Of a life that was lost" });
  odd.replica.write({ ...kept, id: first, title: "Deleted in this life" });
  const fourth = await ann.create("Hidden for a while");
  odd.replica.removed.add(fourth);
  odd.replica.cursor = ann.cursor.replace(/:[^:]+:(\d+)$/, ":00000000:$1");
  odd.resyncs = [];
  odd.follow();
  await odd.reaches(ann.cursor);
  assertEqual(odd.resyncs, ["CURSOR_EXPIRED"], "why it read again");
  assertEqual(odd.copy(), await odd.truth(), "the copy after it was read again");
  await ann.update(fourth, "Seen again");
  await ann.update(third, "Book the small hall");
  await odd.reaches(ann.cursor);
  assertEqual(odd.copy().map(({ title }) => title).sort(), ["Book the small hall", "Seen again"], "what comes after that");
  assertEqual(odd.copy(), await odd.truth(), "the copy at the end");

  for (const each of [ann, bob, late, odd]) await each.close();
}

/** Somebody who writes through a client, and remembers what that must lead to. */
class Writer {
  wrote = [];
  cursor = "";

  constructor(client, workspaceId) {
    this.client = client;
    this.workspaceId = workspaceId;
  }

  async create(title) {
    const { task } = await this.#mutate(documents.CREATE_TASK, { workspaceId: this.workspaceId, title });
    this.#expect("TaskCreatedEvent", task.id);
    return task.id;
  }

  async update(id, title) {
    await this.#mutate(documents.UPDATE_TASK, { id, title });
    this.#expect("TaskUpdatedEvent", id, "TITLE");
  }

  async move(id, statusId) {
    await this.#mutate(documents.MOVE_TASK, { id, statusId, position: { edge: "FIRST" } });
    this.#expect("TaskUpdatedEvent", id, "STATUS");
  }

  async delete(id) {
    await this.#mutate(documents.DELETE_TASK, { id });
    this.#expect("TaskRemovedEvent", id, "DELETED");
  }

  copy(tasks) {
    return tasks.map(({ id }) => this.client.replica.read(id)).map(plain);
  }

  close() {
    return this.client.close();
  }

  async #mutate(document, input) {
    this.mutationId = crypto.randomUUID();
    const data = await this.client.mutate(document, { input: { clientMutationId: this.mutationId, ...input } });
    const payload = payloadOf(data);
    assert(payload.eventCursor > this.cursor, `cursors rise: ${this.cursor} then ${payload.eventCursor}`);
    this.cursor = payload.eventCursor;
    if (payload.task) keepNewer(this.client.replica, payload.task);
    return payload;
  }

  #expect(type, taskId, detail = null) {
    this.wrote.push({ type, taskId, detail, cursor: this.cursor, clientMutationId: this.mutationId });
  }
}

/** Somebody who follows the workspace by the recipe, and notes every event. */
class Follower {
  seen = [];
  batches = [];
  /** Why the workspace was read again; null where that is not expected. */
  resyncs = null;
  #gate = null;
  #waiting = null;

  constructor(url, token, workspaceId, connect) {
    this.client = connect(url, token, () => this.#gate?.promise);
    this.replica = this.client.replica;
    this.workspaceId = workspaceId;
  }

  async readBoard() {
    const workspace = await this.#board();
    for (const task of workspace.tasks.nodes) keepNewer(this.replica, task);
    this.replica.cursor = workspace.eventCursor;
    return workspace;
  }

  follow() {
    this.stop = followWorkspace({
      socket: this.client.socket,
      workspaceId: this.workspaceId,
      replica: this.replica,
      refetch: async (reason) => {
        if (!this.resyncs) return refuseResync(reason);
        this.resyncs.push(reason);
        return (await this.#board()).tasks.nodes;
      },
      subscribe: (variables, sink) =>
        this.client.subscribe(documents.FOLLOW, variables, {
          next: (data) => sink.next(data.workspaceEvents),
          error: sink.error,
        }),
      onBatch: (batch) => {
        this.batches.push(batch);
        this.seen.push(...batch.events.map(told));
        this.#check();
      },
      onError: (problem) => void Promise.reject(problem), // ends the program
    });
  }

  /** Waits until everything up to this position has been applied. */
  async reaches(cursor) {
    this.#waiting = { cursor, ...expectation(`the stream to reach ${cursor} (it is at ${this.replica.cursor})`) };
    this.#check();
    await this.#waiting.promise;
  }

  /** Cuts the socket without a word, and holds the reconnect back until `letReconnect`. */
  async cut() {
    this.#gate = withResolvers();
    const closed = expectation("the socket to close");
    this.client.socket.on("closed", closed.resolve);
    this.client.socket.terminate();
    await closed.promise;
  }

  letReconnect() {
    this.#gate.resolve();
  }

  copy() {
    return [...this.replica.ids()].sort().map((id) => plain(this.replica.read(id)));
  }

  async truth() {
    return (await this.#board()).tasks.nodes.map(plain).sort((x, y) => (x.id < y.id ? -1 : 1));
  }

  async close() {
    this.stop?.();
    await this.client.close();
  }

  async #board() {
    return (await this.client.query(documents.BOARD, { workspaceId: this.workspaceId })).workspace;
  }

  #check() {
    if (this.#waiting && this.replica.cursor >= this.#waiting.cursor) this.#waiting.resolve();
  }
}

const told = (event) => ({
  type: event.__typename,
  taskId: event.taskId ?? event.task?.id,
  detail: event.reason ?? event.changes?.map((change) => change.field).find((field) => field !== "RANK") ?? null,
  cursor: event.cursor,
  clientMutationId: event.clientMutationId,
});

const plain = ({ id, version, title, status }) => ({ id, version, title, category: status.category });

async function refuseResync(reason) {
  throw new Error(`no resync was expected: ${reason}`);
}
