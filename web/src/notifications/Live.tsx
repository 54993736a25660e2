/**
 * Follows what this person is told, wherever they are in the client: counts it, shows it at the edge, keeps it, and marks
 * it read when its task is opened. There is nothing to see of it.
 *
 * Invariant: what is in view is not announced, and what one did oneself is never told by the server.
 */
import { useEffect, useRef } from "react";
import { stringifyDocument } from "urql";
import { useLocation } from "wouter";
import { NoticesDocument, type NoticesSubscription } from "../gql/later/graphql";
import { toast } from "../ui/toasts";
import { useConnection } from "../workspace/connection-context";
import { useKeeping } from "./kept";
import { useMark } from "./mark";
import { forgetNotices, take, useNotices, type Notice } from "./store";
import { isOfDates, pathOf, sentence, subject } from "./words";

const RETRY_MS = 2_000;

export default function Live() {
  const connection = useConnection();
  const [path, go] = useLocation();
  const known = useNotices((state) => state.known);
  const mark = useMark();
  useKeeping();
  const shown = useRef({ path, go });
  const tried = useRef({ path, marks: new Set<string>() });
  useEffect(() => void (shown.current = { path, go }));

  useEffect(() => {
    const query = stringifyDocument(NoticesDocument);
    let stop: (() => void) | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    function follow(): void {
      leave();
      tried.current.marks.clear();
      stop = connection.subscribe<NoticesSubscription>(query, {}, {
        next: ({ notificationEvents }) => tell(take(notificationEvents)),
        error: () => (timer = setTimeout(follow, RETRY_MS)),
      });
    }
    function leave(): void {
      clearTimeout(timer);
      stop?.();
      stop = undefined;
    }
    function tell(news: readonly Notice[]): void {
      const { path: here, go: goTo } = shown.current;
      for (const notice of news) {
        const to = pathOf(notice);
        if (isOpen(notice, here) || (here === "/inbox" && !document.hidden)) continue;
        toast(sentence(notice), subject(notice), to ? { label: "Open", run: () => goTo(to), leads: true } : undefined, notice.task && !isOfDates(notice) ? `${notice.task.id} ${notice.actor.id}` : undefined);
      }
    }
    const unlisten = connection.listen({ connected: follow, disconnected: leave });
    return () => {
      unlisten();
      forgetNotices();
    };
  }, [connection]);

  useEffect(() => {
    function read(): void {
      if (tried.current.path !== path) tried.current = { path, marks: new Set() };
      const { marks } = tried.current;
      const opened = inOpenTask(known.values(), path).filter(({ readAt }) => !readAt);
      const [first] = opened.filter((notice) => !marks.has(markOf(notice)));
      if (!first?.task || document.hidden) return;
      for (const notice of opened) marks.add(markOf(notice)); // what is refused shows as unread again, and is not tried again
      void mark({ taskId: first.task.id }, true, true);
    }
    read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [known, path, mark]);
  return null;
}

/** A notification as it is now: when others fold into it, it is news again. */
const markOf = ({ id, createdAt }: Notice): string => `${id} ${createdAt}`;

const inOpenTask = (notices: Iterable<Notice>, path: string): readonly Notice[] => [...notices].filter((notice) => isAt(notice, path));

/** Whether the address shows the task that it is about. */
function isAt({ workspace, task }: Notice, path: string): boolean {
  const [, w, slug, , shown] = path.split("/");
  return w === "w" && Boolean(task && workspace?.slug === slug && (shown === task.key || shown === task.id));
}

const isOpen = (notice: Notice, path: string): boolean => !document.hidden && isAt(notice, path);
