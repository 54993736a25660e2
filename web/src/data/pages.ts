/**
 * Lists that the server gives page by page, read to their end.
 *
 * Invariant: a list is whole or not there; what was read of one that could not be finished is not shown.
 */
import { useCallback, useEffect, useState } from "react";
import { useClient, type TypedDocumentNode } from "urql";
import { useAgain } from "./again";

export interface Page<Row> {
  readonly nodes: readonly Row[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null };
}

/** The rows of a page and of all that follow it. Throws if one of them cannot be read. */
export async function allRows<Row>(first: Page<Row>, next: (after: string | null) => Promise<Page<Row> | null | undefined>): Promise<Row[]> {
  const rows = [...first.nodes];
  for (let page = first; page.pageInfo.hasNextPage; rows.push(...page.nodes)) {
    const following = await next(page.pageInfo.endCursor ?? null);
    if (!following) throw new Error("The list ends before its end.");
    page = following;
  }
  return rows;
}

type PageOf<Data> = (data: Data) => Page<unknown> | null | undefined;
type RowOf<Data, Pick extends PageOf<Data>> = NonNullable<ReturnType<Pick>>["nodes"][number];

/**
 * All rows of a list of a workspace, how to read it anew, and whether it could not be read; what was read before stays meanwhile.
 * `pageOf` is a constant.
 */
export function useRows<Data, Pick extends PageOf<Data>>(document: TypedDocumentNode<Data, { id: string; after: string | null }>, id: string, pageOf: Pick, isWanted = true) {
  const client = useClient();
  const [rows, setRows] = useState<readonly RowOf<Data, Pick>[]>([]);
  const [isMissing, setMissing] = useState(false);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (!isWanted) return;
    let isCurrent = true;
    const read = async (after: string | null): Promise<Page<RowOf<Data, Pick>> | null | undefined> => {
      const { data } = await client.query(document, { id, after }, { requestPolicy: "network-only" }).toPromise();
      return data && (pageOf(data) as Page<RowOf<Data, Pick>> | null | undefined);
    };
    const readAll = async (): Promise<void> => {
      const first = await read(null);
      const all = first && (await allRows(first, read));
      if (!isCurrent) return;
      setMissing(!all);
      if (all) setRows(all);
    };
    void readAll().catch(() => isCurrent && setMissing(true));
    return () => { isCurrent = false; };
  }, [client, document, id, pageOf, isWanted, asked]);
  const readAgain = useCallback(() => setAsked((times) => times + 1), []);
  useAgain(isMissing, readAgain);
  return [rows, readAgain, isMissing] as const;
}
