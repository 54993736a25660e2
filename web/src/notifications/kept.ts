/**
 * The newest notifications in the browser, for when there is no connection: kept as they are told, wherever in the client the
 * person is.
 *
 * Invariant: nothing is kept of what is marked without a connection, as the server has not heard of it.
 */
import { useEffect } from "react";
import { useIsCutOff } from "../data/connection";
import { keep, recallKept } from "../workspace/kept";
import { useViewer } from "../workspace/viewer";
import { inOrder, recall, together, useNotices, type Notice } from "./store";

const NAME = "notifications";
const AT_MOST = 50;

export function useKeeping(): void {
  const personId = useViewer().user.id;
  const notices = useNotices();
  const isCutOff = useIsCutOff();
  const { isTold, earlier, toldAt } = notices;
  const isDue = isTold && earlier !== null && toldAt !== null && !isCutOff;
  useRecalled();
  useEffect(() => {
    if (!isDue) return;
    const newest = inOrder(together(notices).values()).slice(0, AT_MOST);
    void keep(personId, NAME, { data: newest, readAt: toldAt }).catch(() => undefined); // without a database they are here until the page is left
  }, [personId, notices, isDue]);
}

/** Puts what was kept to what is known. */
export function useRecalled(): void {
  const personId = useViewer().user.id;
  useEffect(() => {
    let isOver = false;
    void recallKept<readonly Notice[]>(personId, NAME).catch(() => null).then((kept) => isOver || recall(kept?.data ?? [], kept?.readAt ?? null));
    return () => void (isOver = true);
  }, [personId]);
}
