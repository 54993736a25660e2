/** Who is signed in, and their workspaces; what was known last is kept, so that a page opens without the server. */
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { useQueryAgain } from "../data/again";
import { ViewerDocument, type ViewerQuery } from "../gql/graphql";
import { Button, Empty, Loading, textOf } from "../ui/controls";

type Known = NonNullable<ViewerQuery["viewer"]>;

interface Viewer extends Known {
  /** Asks again which workspaces there are. */
  readonly refresh: () => void;
  /** Whether the answer to that is still on its way: a workspace that is not known may be new. */
  readonly isAsking: boolean;
  /** This workspace is none of theirs any more: not shown from now on, and asked again which there are. */
  readonly left: (id: string) => void;
}

const ViewerContext = createContext<Viewer | null>(null);

export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext);
  if (!viewer) throw new Error("Nobody is signed in here.");
  return viewer;
}

export function ViewerProvider({ accountId, children }: { accountId: string; children: ReactNode }) {
  const [{ data, error, fetching, stale }, ask] = useQueryAgain({ query: ViewerDocument, requestPolicy: "cache-and-network" });
  const key = `tutti.viewer.${accountId}`;
  const known = useMemo(() => data?.viewer ?? read(key), [data, key]);
  useEffect(() => {
    if (data?.viewer) localStorage.setItem(key, JSON.stringify(data.viewer));
  }, [data, key]);
  const [leftIds, setLeftIds] = useState<readonly string[]>([]);
  useEffect(() => setLeftIds([]), [data]); // the answer knows better: they may have been invited again
  const value = useMemo(() => {
    const refresh = (): void => ask({ requestPolicy: "network-only" });
    const left = (id: string): void => {
      setLeftIds((ids) => [...ids, id]);
      refresh();
    };
    return known && { ...known, workspaces: known.workspaces.filter(({ id }) => !leftIds.includes(id)), refresh, left, isAsking: fetching || stale };
  }, [known, leftIds, ask, fetching, stale]);
  if (value) return <ViewerContext.Provider value={value}>{children}</ViewerContext.Provider>;
  if (!error) return <Loading what="your workspaces" />;
  return (
    <Empty title={textOf(error)}>
      <Button onClick={() => ask({ requestPolicy: "network-only" })}>Try again</Button>
    </Empty>
  );
}

function read(key: string): Known | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null") as Known | null;
  } catch {
    return null;
  }
}
