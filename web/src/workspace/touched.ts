/** What pages know of a person's workspaces that open none of them. Who follows a workspace is here in it, too. */
import { useEffect } from "react";
import { stringifyDocument } from "urql";
import { TouchedDocument } from "../gql/graphql";
import { useStored } from "../data/stored";
import { useConnection } from "./connection-context";
import { useViewer } from "./viewer";

const REST_MS = 300; // a burst of changes is one question

/** Counts what waits in this browser, and calls back when something changed in one of the workspaces, and when the link comes back. */
export function useTouched(onTouched: () => void): void {
  const connection = useConnection();
  const { user, workspaces } = useViewer();
  const names = workspaces.map(({ id }) => id).join();
  useStored(user.id);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stops: (() => void)[] = [];
    const stop = (): void => { for (const each of stops) each(); stops = []; };
    const soon = (): void => { clearTimeout(timer); timer = setTimeout(onTouched, REST_MS); };
    const document = stringifyDocument(TouchedDocument);
    const off = connection.listen({
      connected: () => {
        stop();
        stops = names.split(",").filter(Boolean).map((id) => connection.subscribe(document, { id }, { next: soon, error: () => undefined }));
      },
      disconnected: stop,
    });
    return () => { off(); clearTimeout(timer); };
  }, [connection, names]);
}

/** Others see in each of the person's workspaces that they are here, as long as the page is there. */
export const useHere = (): void => useTouched(nothing);

const nothing = (): void => undefined;
