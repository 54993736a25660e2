import { expect, it } from "vitest";
import { plainOf } from "./plain";

const plain = (text: string): string => plainOf(text, (id) => (id === "user_1" ? "Ann" : undefined));

it.each([
  ["**Yes**, @[user_1]:\nuse `x * y` *now*, 2 * 3 is fine", "Yes, @Ann: use x * y now, 2 * 3 is fine"],
  ["# Hall\n\n- [x] call\n- [ ] _pay_ it\n1. ~~old~~ new\n> said\n\n---\nend", "Hall call pay it old new said end"],
  ["```ts\nsnake_case_name = __all__\n```", "snake_case_name = all"],
  ["[the plan](https://example.com/a_b) of ***all*** @[user_2]", "the plan of all @somebody"],
])("%j is %j", (text, shown) => expect(plain(text)).toBe(shown));

// Without bounds this takes minutes, and the test runs out of its time.
it.each(["*a ", "[", "`a ", "_a "])("is through with 100,000 letters of “%s”", (marks) => {
  const text = marks.repeat(100_000 / marks.length).trim();
  expect(plain(text)).toBe(text);
});
