/**
 * Asks the API of this server, and says in plain words what went wrong when it cannot be asked.
 *
 * Invariants: answers are returned as they came, also with errors; only a missing or unreadable answer throws. Every request
 * ends, by an answer or without one.
 */

export const ENDPOINT = "/graphql";

export interface GraphQLProblem {
  message: string;
  extensions?: { code?: string };
}

export interface Answer<Data> {
  data?: Data | null;
  errors?: GraphQLProblem[];
}

/** `path` is that of the input, e.g. ["input", "email"]. */
export interface UserError {
  code: string;
  message: string;
  path: string[] | null;
}

export interface Operation {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | null | undefined;
}

/** Milliseconds in which the whole of an answer has to be here: a page of tasks also over a slow line. */
const LONGEST_REQUEST_MS = 30_000;

/** As `fetch`, and rejects with a `TimeoutError` when the answer is not here in time: a line that went silent says nothing. */
export function fetchInTime(input: RequestInfo | URL, init: RequestInit = {}, withinMs = LONGEST_REQUEST_MS): Promise<Response> {
  const { signal } = init;
  const ended = new AbortController();
  setTimeout(() => ended.abort(new DOMException("No answer came in time.", "TimeoutError")), withinMs);
  return fetch(input, { ...init, signal: signal ? AbortSignal.any([signal, ended.signal]) : ended.signal });
}

/** Sends one query or mutation. Throws an Error for a person to read if no GraphQL answer came back, in so many milliseconds. */
export async function ask<Data>(operation: Operation, headers: Record<string, string> = {}, withinMs?: number): Promise<Answer<Data>> {
  let response: Response;
  try {
    response = await fetchInTime(ENDPOINT, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/graphql-response+json, application/json;q=0.9",
        ...headers,
      },
      body: JSON.stringify(operation),
    }, withinMs);
  } catch {
    throw new Error("The server does not answer. Is it running, and are you online?");
  }
  try {
    return (await response.json()) as Answer<Data>;
  } catch {
    throw new Error(`The server answered ${response.status} ${response.statusText} without a GraphQL result.`);
  }
}

export const bearer = (accessToken: string): string => `Bearer ${accessToken}`;

/** The problems of an answer as one sentence, or null if it has none. */
export const problemsOf = (answer: Answer<unknown>): string | null =>
  answer.errors?.length ? answer.errors.map((problem) => problem.message).join(" ") : null;

export const hasCode = (answer: Answer<unknown>, code: string): boolean =>
  answer.errors?.some((problem) => problem.extensions?.code === code) ?? false;
