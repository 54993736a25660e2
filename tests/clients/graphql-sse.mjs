/**
 * graphql-sse, where WebSockets are blocked: Bob follows by an event stream that is cut, and comes back by itself with the
 * last cursor as `Last-Event-ID`. Queries and mutations go the same way.
 */
import { createClient } from "graphql-sse";
import * as documents from "./documents.mjs";
import { assert, assertEqual, expectation, payloadOf, program, step, twoPeopleInOneWorkspace, withResolvers } from "./harness.mjs";

await program("graphql-sse", async (url) => {
  const { a, b, workspaceId } = await twoPeopleInOneWorkspace(url);
  const ann = createClient({ url, headers: { authorization: `Bearer ${a.accessToken}` } });
  const once = async (client, query, variables) => {
    for await (const { data, errors } of client.iterate({ query, variables })) {
      assert(!errors, JSON.stringify(errors));
      return data;
    }
    throw new Error("no result");
  };
  const create = async (title) =>
    payloadOf(await once(ann, documents.CREATE_TASK, { input: { clientMutationId: crypto.randomUUID(), workspaceId, title } }));

  step("Bob follows by an event stream");
  const follower = follow(url, b.accessToken, workspaceId);
  await follower.connected.promise;
  const { eventCursor: first } = await create("Tune the violin");
  await follower.reaches(first);

  step("his stream is cut, and Ann goes on");
  const gate = follower.cut();
  await create("Sell the tuba");
  const { eventCursor: last } = await create("Book the hall");
  assertEqual(follower.titles, ["Tune the violin"], "a cut stream delivers nothing");

  step("it comes back with the cursor, and misses and repeats nothing");
  gate.resolve();
  await follower.reaches(last);
  assertEqual(follower.titles, ["Tune the violin", "Sell the tuba", "Book the hall"], "what Bob saw");

  step("what is refused is told, and not tried again");
  const refused = expectation("the refusal");
  createClient({ url }).subscribe({ query: documents.FOLLOW, variables: { workspaceId } }, { ...refused, next: refused.resolve, error: refused.resolve, complete: refused.reject });
  const { errors } = await refused.promise;
  assertEqual(errors?.map(({ extensions }) => extensions.code), ["UNAUTHENTICATED"], "the refusal of a stranger");
});

function follow(url, accessToken, workspaceId) {
  let cursor = null;
  let link = new AbortController();
  let gate = withResolvers();
  let waiting = null;
  const connected = expectation("the event stream");
  const titles = [];
  const client = createClient({
    url,
    headers: () => ({ authorization: `Bearer ${accessToken}`, ...(cursor ? { "last-event-id": cursor } : {}) }),
    fetchFn: (address, init) => fetch(address, { ...init, signal: AbortSignal.any([init.signal, link.signal]) }),
    retryAttempts: Infinity,
    retry: () => gate.promise,
    on: { connected: connected.resolve },
  });
  client.subscribe(
    { query: documents.FOLLOW, variables: { workspaceId } },
    {
      next({ data, errors }) {
        assert(!errors, JSON.stringify(errors));
        titles.push(...data.workspaceEvents.events.map((event) => event.task.title));
        cursor = data.workspaceEvents.cursor;
        if (waiting && cursor >= waiting.cursor) waiting.resolve();
      },
      error: (problem) => void Promise.reject(problem),
      complete: () => void Promise.reject(new Error("the stream has no end")),
    },
  );
  return {
    connected,
    titles,
    /** Cuts the connection; it comes back when the returned gate is opened. */
    cut() {
      gate = withResolvers();
      link.abort();
      link = new AbortController();
      return gate;
    },
    async reaches(position) {
      waiting = { cursor: position, ...expectation(`the stream to reach ${position} (it is at ${cursor})`) };
      if (cursor >= position) waiting.resolve();
      await waiting.promise;
    },
  };
}
