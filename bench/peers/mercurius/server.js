// Mercurius with mqemitter-redis, as its documentation of subscriptions shows it. `jit` is on; Mercurius runs
// subscriptions by graphql-js all the same.
import { readFileSync } from "node:fs";
import Fastify from "fastify";
import mercurius from "mercurius";
import redis from "mqemitter-redis";

const app = Fastify();

app.register(mercurius, {
  schema: readFileSync(new URL("../schema.graphql", import.meta.url), "utf8"),
  resolvers: {
    Query: { version: () => "1" },
    Subscription: { workspaceEvents: { subscribe: (_root, _args, { pubsub }) => pubsub.subscribe("bench:mercurius") } },
  },
  jit: 1,
  subscription: { emitter: redis({ connectionString: process.env.REDIS_URL }) },
});

await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
