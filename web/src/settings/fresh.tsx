/**
 * What no stream tells of: it is read when it is shown, when somebody comes back to it, and every few seconds while they look.
 *
 * Invariant: what was read stays on the screen while the server cannot be asked, and it is said that it may be old.
 */
import { useCallback, useEffect, useRef } from "react";
import type { TypedDocumentNode } from "urql";
import { useQueryAgain } from "../data/again";
import { RECONNECTING_AFTER_MS, useIsCutOff, useLink } from "../data/connection";
import { Loading, textOf } from "../ui/controls";
import { Problem } from "../ui/forms";
import { useLasting } from "../ui/lasting";

const LOOK_MS = 3_000;

export interface Fresh<Data> {
  readonly data: Data | undefined;
  /** Why it could not be read; null: it was. */
  readonly problem: string | null;
  readonly ask: () => void;
}

export function useFresh<Data>(query: TypedDocumentNode<Data, { id: string }>, id: string): Fresh<Data> {
  const [{ data, error }, askAgain] = useQueryAgain({ query, variables: { id }, requestPolicy: "cache-and-network" });
  const isLive = useLink(({ link }) => link === "live");
  const isCutOff = useLasting(useIsCutOff(), RECONNECTING_AFTER_MS);
  const ask = useCallback(() => askAgain({ requestPolicy: "network-only" }), [askAgain]);
  const wasCutOff = useRef(false);
  useEffect(() => {
    if (!isLive) return void (wasCutOff.current = true);
    const look = (): void => {
      if (document.visibilityState === "visible") ask();
    };
    if (wasCutOff.current) look();
    wasCutOff.current = false;
    const timer = setInterval(look, LOOK_MS);
    addEventListener("focus", look);
    return () => {
      clearInterval(timer);
      removeEventListener("focus", look);
    };
  }, [isLive, ask]);
  return { data, problem: error ? textOf(error) : isCutOff ? "The server cannot be reached." : null, ask };
}

/** Said above what is read so: that it comes, why it does not, or that it may be old. */
export function Freshness({ of: { data, problem }, what }: { of: Fresh<unknown>; what: string }) {
  if (!data) return problem ? <Problem>{problem}</Problem> : <Loading what={what} />;
  return problem && <p role="status" className="text-sm text-dim">{problem} What is shown may have changed since.</p>;
}
