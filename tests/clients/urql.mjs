/** The two people with urql: HTTP for queries and mutations, graphql-ws for the stream, a replica beside it. */
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { program } from "./harness.mjs";
import { MapReplica } from "./map-replica.mjs";
import { twoPeople } from "./scenario.mjs";
import { createSocket } from "./socket.mjs";

function connect(url, accessToken, gate) {
  const socket = createSocket(url, accessToken, gate);
  const client = new Client({
    url,
    preferGetMethod: false,
    requestPolicy: "network-only",
    fetchOptions: { headers: { authorization: `Bearer ${accessToken}` } },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
  const dataOf = ({ data, error }) => {
    if (error) throw error;
    return data;
  };
  return {
    socket,
    replica: new MapReplica(),
    query: async (document, variables) => dataOf(await client.query(document, variables).toPromise()),
    mutate: async (document, variables) => dataOf(await client.mutation(document, variables).toPromise()),
    subscribe: (document, variables, { next, error }) =>
      client.subscription(document, variables).subscribe((result) => {
        if (result.error) error(result.error);
        else next(result.data);
      }).unsubscribe,
    close: () => socket.dispose(),
  };
}

await program("urql", (url) => twoPeople(url, connect));
