import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { Provider, type Client, type TypedDocumentNode } from "urql";
import { expect, it } from "vitest";
import type { RefusalFragment } from "../gql/graphql";
import { problemsOf, useAct, type Act, type Answer } from "./act";

it("takes the answers to what was asked at the same time in whatever order they come", async () => {
  const answers: (() => void)[] = [];
  const answer = { data: { update: { userErrors: [] } } };
  const client = { mutation: () => ({ toPromise: () => new Promise((resolve) => answers.push(() => resolve(answer))) }) };
  let act: Act | undefined;
  const Form = (): null => {
    act = useAct();
    return null;
  };
  renderToString(createElement(Provider, { value: client as unknown as Client }, createElement(Form)));
  const ask = (id: string): Promise<Answer<object>> => act!({} as TypedDocumentNode<object, { input: { id: string } }>, { id });
  const both = [ask("first"), ask("second")];
  answers.toReversed().forEach((give) => give());
  expect((await Promise.all(both)).map(({ problems }) => problems)).toEqual([null, null]);
});

it("says who wrote there meanwhile, also where that was oneself", () => {
  const conflicts = [{ field: "NAME", theirs: "Brass", changedBy: { id: "user_1", name: "Ann" } }];
  const refusal = { __typename: "ConflictError", conflicts } as unknown as RefusalFragment;
  const said = (myId: string): string | undefined => problemsOf([refusal], ["name"], myId).name;
  expect(said("user_2")).toBe("Ann wrote “Brass” meanwhile. Save again to put yours in its place.");
  expect(said("user_1")).toBe("Elsewhere you wrote “Brass” meanwhile. Save again to put yours in its place.");
});
