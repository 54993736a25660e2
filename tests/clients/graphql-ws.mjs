/** The two people with graphql-ws alone: queries and mutations go over the socket as well. */
import { program } from "./harness.mjs";
import { MapReplica } from "./map-replica.mjs";
import { twoPeople } from "./scenario.mjs";
import { createSocket } from "./socket.mjs";

function connect(url, accessToken, gate) {
  const socket = createSocket(url, accessToken, gate);
  const once = async (query, variables) => {
    for await (const { data, errors } of socket.iterate({ query, variables })) {
      if (errors) throw errors;
      return data;
    }
    throw new Error("no result");
  };
  return {
    socket,
    replica: new MapReplica(),
    query: once,
    mutate: once,
    subscribe: (query, variables, { next, error }) =>
      socket.subscribe(
        { query, variables },
        { next: ({ data, errors }) => (errors ? error(errors) : next(data)), error, complete: () => undefined },
      ),
    close: () => socket.dispose(),
  };
}

await program("graphql-ws", (url) => twoPeople(url, connect));
