/** Marks notifications as read or unread: seen at once, and as it was again if the server refuses. */
import { useCallback } from "react";
import { useAct } from "../data/act";
import { MarkNoticesDocument, type NotificationTarget } from "../gql/later/graphql";
import { toast } from "../ui/toasts";
import { useUnread } from "../ui/unread";
import { put, useNotices, type Notice } from "./store";

/** `isQuiet`: the person did not ask for it, so they are not told that it was refused. */
export type Mark = (target: NotificationTarget, read: boolean, isQuiet?: boolean) => Promise<void>;

export function useMark(): Mark {
  const act = useAct();
  return useCallback(async (target, read, isQuiet = false) => {
    const before = [...useNotices.getState().known.values()].filter((notice) => isMeant(target, notice) && Boolean(notice.readAt) !== read);
    const { count } = useUnread.getState();
    const readAt = read ? new Date().toISOString() : null;
    const marked = before.map((notice) => ({ ...notice, readAt }));
    const left = "all" in target ? 0 : Math.max(0, count + (read ? -before.length : before.length));
    put(marked, left);
    const { payload, problems } = await act(MarkNoticesDocument, { target, read });
    if (payload) return put(payload.notifications, payload.unreadCount);
    // What the server has told meanwhile stays.
    const { known } = useNotices.getState();
    const now = useUnread.getState().count;
    const unheard = before.filter(({ id }, at) => known.get(id) === marked[at]);
    put(unheard, unheard.length > 0 && now === left ? count : now);
    if (!isQuiet) toast("They are as they were", problems.form);
  }, [act]);
}

function isMeant(target: NotificationTarget, { id, task, workspace }: Notice): boolean {
  if (target.ids) return target.ids.includes(id);
  if (target.taskId) return task?.id === target.taskId;
  if (target.workspaceId) return workspace?.id === target.workspaceId;
  return true;
}
