import { beforeEach, expect, it } from "vitest";
import { forgetNotices, inOrder, put, putHistory, recall, take, together, useNotices, type Notice } from "./store";

const notice = (id: string, day: number, readAt: string | null = null): Notice => ({ id, kind: "MENTION", createdAt: `2026-01-0${day}T10:00:00Z`, readAt }) as Notice;
const READ = "2026-01-09T10:00:00Z";
const KEPT = [notice("read", 3, READ), notice("unread", 2), notice("old", 1, READ)];

const shown = (): string[] => inOrder(together(useNotices.getState()).values()).map(({ id, readAt }) => (readAt ? id : `${id}, unread`));

const told = (isSnapshot: boolean, notifications: readonly Notice[], removedIds: readonly string[] = []): void =>
  void take({ isSnapshot, notifications, removedIds, unreadCount: 0 });

beforeEach(forgetNotices);

it("shows what was kept until the server says otherwise, and says of when it is", () => {
  recall(KEPT, READ);
  expect(shown()).toEqual(["read", "unread, unread", "old"]);
  expect(useNotices.getState().toldAt).toBe(READ);
  told(true, [notice("new", 4)]);
  expect(shown()).toEqual(["new, unread", "read", "old"]);
  expect(useNotices.getState().toldAt).not.toBe(READ);
});

it("takes what was kept also after the server has said what is unread", () => {
  told(true, []);
  recall(KEPT, READ);
  expect(shown()).toEqual(["read", "old"]);
});

it("lets go of what is gone, of what is here and of what was kept", () => {
  recall(KEPT, READ);
  told(false, [notice("new", 4), notice("unread", 2, READ)], ["old"]);
  expect(shown()).toEqual(["new, unread", "read", "unread"]);
  told(false, [], ["new", "read"]);
  expect(shown()).toEqual(["unread"]);
});

it("lets go of what the history has no more, as far as it was read", () => {
  recall(KEPT, READ);
  putHistory([notice("unread", 2)], 1, Date.parse("2026-01-02T10:00:00Z"));
  expect(shown()).toEqual(["unread, unread", "old"]);
});

it("shows as read what was marked, over what was kept", () => {
  recall(KEPT, READ);
  put([notice("unread", 2, READ)], 0);
  expect(shown()).toEqual(["read", "unread", "old"]);
});
