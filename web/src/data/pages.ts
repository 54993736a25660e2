/**
 * Lists that the server gives page by page, read to their end.
 *
 * Invariant: a list is whole or not there; what was read of one that could not be finished is not shown.
 */
import { useCallback, useEffect, useState } from "react";
import { useClient, type TypedDocumentNode } from "urql";

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

/** All rows of a list of a workspace, and how to read it anew; what was read before stays meanwhile. `pageOf` is a constant. */
export function useRows<Data, Pick extends PageOf<Data>>(document: TypedDocumentNode<Data, { id: string; after: string | null }>, id: string, pageOf: Pick, isWanted = true) {
  const client = useClient();
  const [rows, setRows] = useState<readonly RowOf<Data, Pick>[]>([]);
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
      if (all && isCurrent) setRows(all);
    };
    void readAll().catch(() => undefined);
    return () => { isCurrent = false; };
  }, [client, document, id, pageOf, isWanted, asked]);
  return [rows, useCallback(() => setAsked((times) => times + 1), [])] as const;
}
