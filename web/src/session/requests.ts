/**
 * Asks the API of this server, and says in plain words what went wrong when it cannot be asked.
 *
 * Invariant: answers are returned as they came, also with errors; only a missing or unreadable answer throws.
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

/** Sends one query or mutation. Throws an Error for a person to read if no GraphQL answer came back. */
export async function ask<Data>(operation: Operation, headers: Record<string, string> = {}): Promise<Answer<Data>> {
  let response: Response;
  try {
    response = await fetch(ENDPOINT, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/graphql-response+json, application/json;q=0.9",
        ...headers,
      },
      body: JSON.stringify(operation),
    });
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
