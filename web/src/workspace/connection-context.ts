/** The connection of the account that is signed in. */
import { createContext, useContext } from "react";
import type { Connection } from "../data/connection";

export const ConnectionContext = createContext<Connection | null>(null);

export function useConnection(): Connection {
  const connection = useContext(ConnectionContext);
  if (!connection) throw new Error("Nobody is signed in here.");
  return connection;
}
