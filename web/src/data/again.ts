/** Asks again for what could not be read while there was no connection. */
import { useEffect, useRef } from "react";
import { useLink } from "./connection";

/** Calls `ask` once the link is live while something `isMissing`, as the server could not be asked for it. */
export function useAgain(isMissing: boolean, ask: () => void): void {
  const isLive = useLink(({ link }) => link === "live");
  const latest = useRef(ask);
  useEffect(() => void (latest.current = ask));
  useEffect(() => {
    if (isLive && isMissing) latest.current();
  }, [isLive, isMissing]);
}
