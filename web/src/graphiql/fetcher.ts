/**
 * How GraphiQL reaches the API: as the person this browser tab acts as, over HTTP and over the socket alike.
 *
 * Invariant: an `Authorization` typed into GraphiQL's Headers editor beats the signed-in person.
 */
import type { Fetcher, FetcherOpts, FetcherParams } from "@graphiql/toolkit";
import { getOperationAST, parse, type ExecutionResult, type OperationDefinitionNode } from "graphql";
import { activeAccount, adoptIfSession, freshToken } from "../session/accounts";
import { ask, bearer, hasCode, type Operation } from "../session/requests";
import { subscribe, type LinkState } from "./live";

/** Called with the state of the subscription's connection whenever that changes. */
export function tuttiFetcher(onLink: (state: LinkState) => void): Fetcher {
  return (params, options) => {
    const typed = typedHeaders(options);
    const definition = definitionOf(params);
    const operation = { ...params, operationName: definition ? definition.name?.value : params.operationName };
    if (definition?.operation === "subscription") {
      return subscribe(operation, definition, {
        authorization: async (afterRefusal) => typed.authorization ?? (await ownAuthorization(afterRefusal)),
        onLink,
      });
    }
    return send(operation, typed);
  };
}

async function send(params: Operation, typed: Record<string, string>): Promise<ExecutionResult> {
  const own = typed.authorization ? null : await ownAuthorization(false);
  let answer = await ask<Record<string, unknown>>(params, withAuthorization(typed, own));
  if (own && hasCode(answer, "UNAUTHENTICATED")) {
    const renewed = await ownAuthorization(true);
    if (renewed && renewed !== own) answer = await ask(params, withAuthorization(typed, renewed));
  }
  // Whoever signs up or in by running the mutation here is signed in here.
  for (const payload of Object.values(answer.data ?? {})) adoptIfSession(payload);
  return answer as unknown as ExecutionResult; // its errors are plain JSON, which GraphiQL only prints
}

/**
 * The operation that is meant; undefined if the text has a mistake, which the server then explains. GraphiQL's own name
 * and tree lag behind the text for a moment after a change of tabs, so the text decides.
 */
function definitionOf({ query, operationName }: FetcherParams): OperationDefinitionNode | undefined {
  try {
    const document = parse(query);
    return getOperationAST(document, operationName) ?? getOperationAST(document) ?? undefined;
  } catch {
    return undefined;
  }
}

async function ownAuthorization(force: boolean): Promise<string | null> {
  const account = activeAccount();
  const token = account && (await freshToken(account.id, force));
  return token ? bearer(token) : null;
}

const withAuthorization = (typed: Record<string, string>, own: string | null): Record<string, string> =>
  own ? { ...typed, authorization: own } : typed;

function typedHeaders(options: FetcherOpts | undefined): Record<string, string> {
  const entries = Object.entries((options?.headers ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}
