/** The graphql-ws client below all three: it comes back by itself, for ever. */
import { createClient } from "graphql-ws";
import WebSocket from "ws";

/** `gate` is awaited before each reconnect; a real client waits there, with a little randomness, or for the network. */
export function createSocket(url, accessToken, gate) {
  return createClient({
    url: url.replace(/^http/, "ws"),
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization: `Bearer ${accessToken}` }),
    lazy: false,
    keepAlive: 10_000,
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: gate,
    onNonLazyError: (problem) => {
      throw problem instanceof Error ? problem : new Error(`socket closed: ${problem.code} ${problem.reason}`);
    },
  });
}
