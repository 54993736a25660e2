/**
 * The notifications that this tab knows: what was told live, what was read of the history, and what was kept from before, by id.
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

interface Notices {
  readonly known: ReadonlyMap<string, Notice>;
  /** The server has said what is unread, so that nothing else is. */
  readonly isTold: boolean;
  /** What this browser kept from before, as far as nothing that was told since says otherwise; null until that is known. */
  readonly earlier: ReadonlyMap<string, Notice> | null;
  /** RFC 3339: when the server said the latest of all that. */
  readonly toldAt: string | null;
}

const NOTHING: Notices = { known: new Map(), isTold: false, earlier: null, toldAt: null };

export const useNotices = create<Notices>(() => NOTHING);

/** Takes what the server told; -> those that are news: unread, and not known as they are now. */
export function take({ isSnapshot, notifications, removedIds, unreadCount }: NoticeBatch): readonly Notice[] {
  const { known, earlier } = useNotices.getState();
  const next = new Map(known);
  for (const id of removedIds) next.delete(id);
  const told = new Set(notifications.map(({ id }) => id));
  // A snapshot is all that is unread: what it does not name was read elsewhere, or is gone.
  if (isSnapshot) for (const notice of known.values()) if (!notice.readAt && !told.has(notice.id)) next.delete(notice.id);
  for (const notice of notifications) next.set(notice.id, notice);
  const left = earlier && only(earlier, ({ id, readAt }) => !removedIds.includes(id) && (readAt !== null || !isSnapshot));
  useNotices.setState({ known: next, isTold: true, earlier: left, toldAt: now() });
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

/** Puts what was read of the whole history: there are no others that are newer than `since`, in milliseconds. */
export function putHistory(notices: readonly Notice[], unreadCount: number, since: number): void {
  put(notices, unreadCount);
  useNotices.setState(({ earlier }) => ({ earlier: earlier && only(earlier, ({ createdAt }) => Date.parse(createdAt) < since), toldAt: now() }));
}

/** Puts what this browser kept, once. */
export function recall(notices: readonly Notice[], keptAt: string | null): void {
  useNotices.setState(({ isTold, earlier, toldAt }) => ({
    earlier: earlier ?? new Map(notices.filter(({ readAt }) => readAt !== null || !isTold).map((notice) => [notice.id, notice])),
    toldAt: toldAt ?? keptAt,
  }));
}

/** All that there may be, as far as it is known here. */
export const together = ({ known, earlier }: Notices): ReadonlyMap<string, Notice> => new Map([...(earlier ?? []), ...known]);

export function forgetNotices(): void {
  useNotices.setState(NOTHING);
  useUnread.setState({ count: 0 });
}

const now = (): string => new Date().toISOString();

const only = (notices: ReadonlyMap<string, Notice>, isMeant: (notice: Notice) => boolean): ReadonlyMap<string, Notice> =>
  new Map([...notices].filter(([, notice]) => isMeant(notice)));

/** The newest first. */
export const inOrder = (notices: Iterable<Notice>): readonly Notice[] =>
  [...notices].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? 1 : -1));
