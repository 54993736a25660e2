/**
 * The two people with Apollo: its normalised cache is the replica. Results are not written to it by Apollo itself
 * (`no-cache`), since it would let an older answer overwrite a newer event; recipe.mjs writes them, by version.
 */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode, parse } from "graphql";
import { program } from "./harness.mjs";
import { twoPeople } from "./scenario.mjs";
import { createSocket } from "./socket.mjs";

const CARD = parse("fragment KeptTask on Task { __typename id version key title status { __typename id category } }");

class CacheReplica {
  cursor = null;
  removed = new Set();

  constructor(cache) {
    this.cache = cache;
  }
  read(id) {
    return this.cache.readFragment({ id: `Task:${id}`, fragment: CARD });
  }
  write(task) {
    this.cache.writeFragment({ id: `Task:${task.id}`, fragment: CARD, data: task });
  }
  remove(id) {
    this.cache.evict({ id: `Task:${id}` });
    this.cache.gc();
  }
  ids() {
    const keys = Object.keys(this.cache.extract()).filter((key) => key.startsWith("Task:"));
    return keys.map((key) => key.slice("Task:".length));
  }
}

function connect(url, accessToken, gate) {
  const socket = createSocket(url, accessToken, gate);
  const cache = new InMemoryCache();
  const client = new ApolloClient({
    cache,
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url, headers: { authorization: `Bearer ${accessToken}` } }),
    ),
  });
  const fetchPolicy = "no-cache";
  return {
    socket,
    replica: new CacheReplica(cache),
    query: async (document, variables) => (await client.query({ query: parse(document), variables, fetchPolicy })).data,
    mutate: async (document, variables) =>
      (await client.mutate({ mutation: parse(document), variables, fetchPolicy })).data,
    subscribe: (document, variables, { next, error }) => {
      const subscription = client.subscribe({ query: parse(document), variables, fetchPolicy }).subscribe({
        next: (result) => (result.error ? error(result.error) : next(result.data)),
        error,
      });
      return () => subscription.unsubscribe();
    },
    close: () => {
      client.stop();
      return socket.dispose();
    },
  };
}

await program("apollo", (url) => twoPeople(url, connect));
