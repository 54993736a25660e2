/**
 * Mutations that wait for their answer: what was refused comes back by the name of the field it belongs to.
 *
 * Invariant: nothing is shown as done before the server said so. What people do all day goes through the replica instead.
 */
import { useCallback, useRef } from "react";
import { useClient, type TypedDocumentNode } from "urql";
import type { RefusalFragment } from "../gql/graphql";
import { activeAccount } from "../session/accounts";
import { uuidv7 } from "../sync/ids";

/** Plain words by field; `form` is for what belongs to none of them. */
export type Problems = Readonly<Record<string, string>>;

export const NO_PROBLEMS: Problems = {};

const UNREACHABLE = "The server cannot be reached. Nothing was changed.";
const LATE = "No answer came in time. It may have been changed, or not.";

interface Payload {
  readonly userErrors: readonly RefusalFragment[];
}

type PayloadOf<Data> = Extract<Data[keyof Data], Payload>;

export type Answer<Data> =
  | { readonly payload: PayloadOf<Data>; readonly problems: null }
  /** `currentVersion`: somebody else changed it meanwhile; sent again with it, ours stands. */
  | { readonly payload: null; readonly problems: Problems; readonly currentVersion?: number };

export type Act = <Data, Input extends object>(
  document: TypedDocumentNode<Data, { input: Input }>,
  input: Input,
  fields?: readonly string[],
) => Promise<Answer<Data>>;

/**
 * `fields` are those with a place of their own on the screen. `isKeyed`: the input takes a `clientMutationId`, so that the same
 * again, where no answer has come, has its effect once.
 */
export function useAct(isKeyed = true): Act {
  const client = useClient();
  const unanswered = useRef<{ readonly text: string; readonly key: string }>(undefined);
  return useCallback(
    async <Data, Input extends object>(document: TypedDocumentNode<Data, { input: Input }>, input: Input, fields: readonly string[] = []): Promise<Answer<Data>> => {
      const text = JSON.stringify(input);
      const key = unanswered.current?.text === text ? unanswered.current.key : uuidv7();
      unanswered.current = { text, key };
      const sent = isKeyed ? { ...input, clientMutationId: key } : input;
      const { data, error } = await client.mutation(document, { input: sent }).toPromise();
      const payload = data && (Object.values(data)[0] as PayloadOf<Data> | undefined);
      // What was asked later may have been answered before.
      if ((payload || error?.graphQLErrors.length) && unanswered.current?.key === key) unanswered.current = undefined;
      if (!payload) return { payload: null, problems: { form: error?.graphQLErrors[0]?.message ?? (error?.networkError?.name === "TimeoutError" ? LATE : UNREACHABLE) } };
      if (payload.userErrors.length === 0) return { payload, problems: null };
      const conflict = payload.userErrors.find((each) => each.__typename === "ConflictError");
      const problems = problemsOf(payload.userErrors, fields, activeAccount()?.id);
      return { payload: null, problems, ...(conflict?.__typename === "ConflictError" && { currentVersion: conflict.currentVersion }) };
    },
    [client, isKeyed],
  );
}

export function problemsOf(refusals: readonly RefusalFragment[], fields: readonly string[], myId: string | undefined): Problems {
  const found: Record<string, string> = {};
  const say = (field: string, words: string): void => {
    const place = fields.includes(field) ? field : "form";
    found[place] = found[place] ? `${found[place]} ${words}` : words;
  };
  for (const refusal of refusals) {
    if (refusal.__typename !== "ConflictError") say(refusal.path?.at(-1) ?? "form", refusal.message);
    else for (const { field, theirs, changedBy } of refusal.conflicts) {
      const who = changedBy.id === myId ? "Elsewhere you" : changedBy.name;
      say(field.toLowerCase(), `${who} wrote “${String(theirs ?? "")}” meanwhile. Save again to put yours in its place.`);
    }
  }
  return found;
}
