/** The shared worker of an account: a switchboard at the ports of its tabs. Each port is one socket of one tab. */
import { ENDPOINT } from "../session/requests";
import { Switchboard, type FromTab, type Socket } from "./switchboard";

const url = new URL(ENDPOINT, location.href);
url.protocol = url.protocol.replace("http", "ws");

const board = new Switchboard(() => new WebSocket(url, "graphql-transport-ws") as Socket, () => navigator.onLine);

addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  const tab = board.add((said) => port.postMessage(said));
  port.onmessage = ({ data }: MessageEvent<FromTab | { readonly lock: string }>) => {
    if (typeof data === "object" && "lock" in data) void navigator.locks.request(data.lock, () => tab.gone());
    else tab.hear(data);
  };
});
