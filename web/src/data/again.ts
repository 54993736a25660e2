/** Asks again for what could not be read while there was no connection. */
import { useEffect, useRef, useState } from "react";
import { useQuery, type AnyVariables, type UseQueryArgs, type UseQueryResponse } from "urql";
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

/** A query that asks again once the link is live, where the server could not be asked; what it has said before stays meanwhile. */
export function useQueryAgain<Data, Variables extends AnyVariables>(args: UseQueryArgs<Variables, Data>): UseQueryResponse<Data, Variables> {
  const [response, ask] = useQuery(args);
  const { data, error, operation } = response;
  useAgain(Boolean(error?.networkError), () => ask({ requestPolicy: "network-only" }));
  const [said, setSaid] = useState<{ key: number | undefined; data: Data } | null>(null);
  if (data && said?.data !== data) setSaid({ key: operation?.key, data });
  return [!data && error?.networkError && said && said.key === operation?.key ? { ...response, data: said.data } : response, ask];
}
