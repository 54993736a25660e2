import { expect, it } from "vitest";
import type { Notice } from "./store";
import { excerpt } from "./words";

it("shows a comment as text, with the names of those it mentions", () => {
  const comment = { id: "comment_1", body: "**Yes**, @[user_1]:\nuse `x * y` *now*, 2 * 3 is fine", mentions: [{ id: "user_1", name: "Ann" }] };
  expect(excerpt({ comment } as unknown as Notice)).toBe("Yes, @Ann: use x * y now, 2 * 3 is fine");
});
