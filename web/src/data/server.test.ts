import { Client, fetchExchange } from "urql";
import { expect, it } from "vitest";
import type { Connection, WireError } from "./connection";
import { workspaceServer } from "./server";

/** Whether an error of this code is the end of following a workspace. */
function isFinal(code: string): boolean {
  const told: boolean[] = [];
  const connection = {
    subscribe: (_: string, __: unknown, sink: { error(errors: readonly WireError[]): void }) => {
      sink.error([{ message: "No.", extensions: { code } }]);
      return () => undefined;
    },
  } as unknown as Connection;
  const client = new Client({ url: "http://127.0.0.1/graphql", preferGetMethod: false, exchanges: [fetchExchange] });
  const server = workspaceServer(client, connection, "workspace_1", { onEvents: () => undefined, onDone: () => undefined });
  server.follow("v1:0", { next: () => undefined, error: (_, isEnd) => void told.push(isEnd) });
  return told[0]!;
}

it.each(["NOT_FOUND", "ACCESS_REVOKED"])("%s means that the workspace is not for this person any more", (code) => expect(isFinal(code)).toBe(true));

it.each(["UNAUTHENTICATED", "BAD_REQUEST", "QUERY_TOO_COMPLEX", "RATE_LIMITED", "INTERNAL", "UNKNOWN"])("%s may be over at the next try", (code) =>
  expect(isFinal(code)).toBe(false));
