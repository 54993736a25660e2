// GraphQL Yoga over graphql-ws as its documentation shows it, events from Redis by its own event target, graphql-jit on.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { useGraphQlJit } from "@envelop/graphql-jit";
import { createRedisEventTarget } from "@graphql-yoga/redis-event-target";
import { useServer } from "graphql-ws/use/ws";
import { createPubSub, createSchema, createYoga } from "graphql-yoga";
import { Redis } from "ioredis";
import { WebSocketServer } from "ws";

const pubSub = createPubSub({
  eventTarget: createRedisEventTarget({
    publishClient: new Redis(process.env.REDIS_URL),
    subscribeClient: new Redis(process.env.REDIS_URL),
  }),
});

const yoga = createYoga({
  schema: createSchema({
    typeDefs: readFileSync(new URL("../schema.graphql", import.meta.url), "utf8"),
    resolvers: {
      Query: { version: () => "1" },
      Subscription: {
        workspaceEvents: {
          subscribe: () => pubSub.subscribe("bench:yoga"),
          resolve: (payload) => payload.workspaceEvents,
        },
      },
    },
  }),
  plugins: [useGraphQlJit()],
  graphiql: false,
  logging: "error",
});

const server = createServer(yoga);
const sockets = new WebSocketServer({ server, path: yoga.graphqlEndpoint });

useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (ctx, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...ctx,
        req: ctx.extra.request,
        socket: ctx.extra.socket,
        params,
      });
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
      const errors = validate(args.schema, args.document);
      return errors.length ? errors : args;
    },
  },
  sockets,
);

server.listen(Number(process.env.PORT), "127.0.0.1");
