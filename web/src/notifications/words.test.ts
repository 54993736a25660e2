import { describe, expect, it } from "vitest";
import type { Notice } from "./store";
import { excerpt, inGroups, saidOf, sentence, type Group } from "./words";

const notice = (kind: Notice["kind"], groupCount: number): string => sentence({ kind, groupCount, actor: { id: "user_1", name: "Bob" } } as Notice);

it("names only the one who is known to have done it", () => {
  expect(notice("MENTION", 1)).toBe("Bob mentioned you");
  expect(notice("MENTION", 2)).toBe("Bob mentioned you, 2 mentions in all");
  expect(notice("REACTION", 3)).toBe("Bob reacted, 3 reactions in all");
});

it("says with what somebody reacted, and to what", () => {
  const reaction = { kind: "REACTION", groupCount: 1, emoji: "🎉", actor: { id: "user_1", name: "Bob" }, task: { id: "task_1" } };
  expect(sentence(reaction as Notice)).toBe("Bob reacted with 🎉 to your task");
  expect(sentence({ ...reaction, comment: { id: "comment_1" } } as Notice)).toBe("Bob reacted with 🎉 to your comment");
  expect(sentence({ ...reaction, groupCount: 2 } as Notice)).toBe("Bob reacted with 🎉, 2 reactions in all");
  const other = { ...reaction, emoji: "👍", actor: { id: "user_2", name: "Ann" } };
  expect(Object.values(saidOf([reaction, other, reaction] as unknown as Group)).join(" ")).toBe("Bob and Ann reacted 3 times, with 🎉 👍");
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

describe("alike notifications that come one after another", () => {
  const one = (id: number, name: string, more: Partial<Notice> = {}): Notice =>
    ({ id: `notification_${id}`, kind: "COMMENT", groupCount: 1, actor: { id: name, name }, task: { id: "task_1" }, readAt: "2031-05-17T10:00:00Z", ...more }) as Notice;
  const of = (...group: Notice[]): string => Object.values(saidOf(group as unknown as Group)).join(" ");

  it("are one, of the same task and kind, and apart where some are not read", () => {
    const other = { task: { id: "task_2" } } as Partial<Notice>;
    const all = [one(7, "Bob", { readAt: null }), one(6, "Bob"), one(5, "Ann"), one(4, "Ann", { kind: "MENTION" }), one(3, "Bob"), one(2, "Bob", other), one(1, "Bob", other)];
    expect(inGroups(all).map((group) => group.map(({ id }) => id.split("_")[1]).join(""))).toEqual(["7", "65", "4", "3", "21"]);
    expect(inGroups([one(2, "Bob", { kind: "INVITED", task: null }), one(1, "Bob", { kind: "INVITED", task: null })])).toHaveLength(2);
  });

  it("say who did it and how often, where that is known of all", () => {
    expect(of(one(1, "Bob"))).toBe("Bob commented");
    expect(of(one(2, "Bob"), one(1, "Bob"))).toBe("Bob commented twice");
    expect(of(one(3, "Bob"), one(2, "Ann"), one(1, "Bob"))).toBe("Bob and Ann commented 3 times");
    expect(of(one(4, "Bob"), one(3, "Ann"), one(2, "Cat"), one(1, "Dan"))).toBe("Bob, Ann and 2 others commented 4 times");
    expect(of(one(2, "Bob", { groupCount: 3 }), one(1, "Ann"))).toBe("Bob commented last, 4 new comments");
    expect(of(one(2, "Bob", { kind: "ASSIGNED" }), one(1, "Ann", { kind: "ASSIGNED" }))).toBe("Bob assigned you");
  });
});
