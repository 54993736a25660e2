/**
 * Queries and mutations of one account, by urql: what is not in the replica.
 *
 * Invariant: every request carries a token that is fresh when it is sent, and ends in time.
 */
import { cacheExchange, Client, fetchExchange } from "urql";
import { freshToken } from "../session/accounts";
import { bearer, ENDPOINT, fetchInTime } from "../session/requests";

export function createGraphQLClient(accountId: string): Client {
  return new Client({
    url: ENDPOINT,
    preferGetMethod: false,
    exchanges: [cacheExchange, fetchExchange],
    fetch: async (input, init) => {
      const token = await freshToken(accountId);
      const headers = new Headers(init?.headers);
      if (token) headers.set("authorization", bearer(token));
      return fetchInTime(input, { ...init, headers });
    },
  });
}
