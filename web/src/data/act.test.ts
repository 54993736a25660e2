import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { Provider, type Client, type TypedDocumentNode } from "urql";
import { expect, it } from "vitest";
import { useAct, type Act, type Answer } from "./act";

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
