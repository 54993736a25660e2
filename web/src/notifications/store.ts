/**
 * The notifications that this tab knows: what was told live and what was read of the history, by id.
 *
 * Invariant: `unread` is what the server said last, changed only by what this tab has marked and not yet heard of.
 */
import { create } from "zustand";
import type { NoticeFragment } from "../gql/later/graphql";
import { useUnread } from "../ui/unread";

export type Notice = NoticeFragment;

export interface NoticeBatch {
  readonly isSnapshot: boolean;
  readonly notifications: readonly Notice[];
  readonly removedIds: readonly string[];
  readonly unreadCount: number;
}

/** `isTold`: the server has said what is unread, so that nothing else is. */
export const useNotices = create<{ known: ReadonlyMap<string, Notice>; isTold: boolean }>(() => ({ known: new Map(), isTold: false }));

/** Takes what the server told; -> those that are news: unread, and not known as they are now. */
export function take({ isSnapshot, notifications, removedIds, unreadCount }: NoticeBatch): readonly Notice[] {
  const { known } = useNotices.getState();
  const next = new Map(known);
  for (const id of removedIds) next.delete(id);
  const told = new Set(notifications.map(({ id }) => id));
  // A snapshot is all that is unread: what it does not name was read elsewhere, or is gone.
  if (isSnapshot) for (const notice of known.values()) if (!notice.readAt && !told.has(notice.id)) next.delete(notice.id);
  for (const notice of notifications) next.set(notice.id, notice);
  useNotices.setState({ known: next, isTold: true });
  useUnread.setState({ count: unreadCount });
  return isSnapshot ? [] : notifications.filter((notice) => isNews(known.get(notice.id), notice));
}

function isNews(before: Notice | undefined, now: Notice): boolean {
  return !now.readAt && (!before || Date.parse(now.createdAt) > Date.parse(before.createdAt));
}

/** Puts what a page or an answer holds. */
export function put(notices: readonly Notice[], unreadCount: number): void {
  useNotices.setState(({ known }) => {
    const next = new Map(known);
    for (const notice of notices) next.set(notice.id, notice);
    return { known: next };
  });
  useUnread.setState({ count: unreadCount });
}

export function forgetNotices(): void {
  useNotices.setState({ known: new Map(), isTold: false });
  useUnread.setState({ count: 0 });
}

/** The newest first. */
export const inOrder = (notices: Iterable<Notice>): readonly Notice[] =>
  [...notices].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? 1 : -1));
