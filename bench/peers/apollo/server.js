// Apollo Server with graphql-ws and graphql-redis-subscriptions, as Apollo's documentation of subscriptions shows it.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginDrainHttpServer } from "@apollo/server/plugin/drainHttpServer";
import { expressMiddleware } from "@as-integrations/express5";
import { makeExecutableSchema } from "@graphql-tools/schema";
import express from "express";
import { RedisPubSub } from "graphql-redis-subscriptions";
import { useServer } from "graphql-ws/use/ws";
import { Redis } from "ioredis";
import { WebSocketServer } from "ws";

const pubsub = new RedisPubSub({
  publisher: new Redis(process.env.REDIS_URL),
  subscriber: new Redis(process.env.REDIS_URL),
});

const schema = makeExecutableSchema({
  typeDefs: readFileSync(new URL("../schema.graphql", import.meta.url), "utf8"),
  resolvers: {
    Query: { version: () => "1" },
    Subscription: { workspaceEvents: { subscribe: () => pubsub.asyncIterator("bench:apollo") } },
  },
});

const app = express();
const httpServer = createServer(app);
const sockets = new WebSocketServer({ server: httpServer, path: "/graphql" });
const cleanup = useServer({ schema }, sockets);

const server = new ApolloServer({
  schema,
  plugins: [
    ApolloServerPluginDrainHttpServer({ httpServer }),
    { serverWillStart: async () => ({ drainServer: async () => cleanup.dispose() }) },
  ],
});
await server.start();
app.use("/graphql", express.json(), expressMiddleware(server));

httpServer.listen(Number(process.env.PORT), "127.0.0.1");
