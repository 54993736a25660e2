import { expect, it } from "vitest";
import type { Notice } from "./store";
import { excerpt, sentence } from "./words";

const notice = (kind: Notice["kind"], groupCount: number): string => sentence({ kind, groupCount, actor: { id: "user_1", name: "Bob" } } as Notice);

it("names only the one who is known to have done it", () => {
  expect(notice("MENTION", 1)).toBe("Bob mentioned you");
  expect(notice("MENTION", 2)).toBe("Bob mentioned you, 2 mentions in all");
  expect(notice("REACTION", 3)).toBe("Bob reacted, 3 reactions in all");
});

it("says when a task is due as it is said elsewhere", () => {
  const task = { dueDate: "2031-05-17" };
  expect(sentence({ kind: "DUE_SOON", groupCount: 1, task } as Notice)).toBe("Due May 17, 2031");
  expect(sentence({ kind: "OVERDUE", groupCount: 1, task } as Notice)).toBe("Late: it was due May 17, 2031");
});

it("shows a comment as text, with the names of those it mentions", () => {
  const comment = { id: "comment_1", body: "**Yes**, @[user_1]:\nuse `x * y` *now*, 2 * 3 is fine", mentions: [{ id: "user_1", name: "Ann" }] };
  expect(excerpt({ comment } as unknown as Notice)).toBe("Yes, @Ann: use x * y now, 2 * 3 is fine");
});
