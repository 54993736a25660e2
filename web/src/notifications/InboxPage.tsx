/** What this person was told, the newest first, by days: opened by a click, which marks it read. */
import { AtSign, Bell, BellOff, CalendarClock, Check, CircleDot, MailPlus, MessageSquare, MoreHorizontal, SmilePlus, UserMinus, UserPlus, type LucideIcon } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { useClient } from "urql";
import { Link, useLocation, useSearchParams } from "wouter";
import { nowShown } from "../app/later";
import { useAgain } from "../data/again";
import { useAct } from "../data/act";
import { KeptNote } from "../workspace/kept";
import { useHere } from "../workspace/touched";
import { MuteTaskDocument, NoticePageDocument, type NotificationKind } from "../gql/later/graphql";
import { Avatar, Button, Empty, Loading, textOf } from "../ui/controls";
import { Problem } from "../ui/forms";
import { Menu, MenuItem, MenuLine } from "../ui/menu";
import { Ago, useNow } from "../ui/time";
import { toast } from "../ui/toasts";
import { useUnread } from "../ui/unread";
import { useRecalled } from "./kept";
import { useMark } from "./mark";
import { inOrder, put, putHistory, together, useNotices, type Notice } from "./store";
import { dayGroup, excerpt, inGroups, isOfDates, pathOf, saidOf, subject, type Group } from "./words";

const ICONS: Record<NotificationKind, LucideIcon> = {
  MENTION: AtSign, ASSIGNED: UserPlus, UNASSIGNED: UserMinus, COMMENT: MessageSquare, REPLY: MessageSquare, STATUS_CHANGED: CircleDot,
  DUE_SOON: CalendarClock, OVERDUE: CalendarClock, INVITED: MailPlus, REACTION: SmilePlus,
};

type Filter = "all" | "unread" | "mentions";

const FILTERS: readonly { id: Filter; label: string }[] = [{ id: "all", label: "All" }, { id: "unread", label: "Unread" }, { id: "mentions", label: "Mentions" }];
const EMPTY: Record<Filter, string> = { all: "Nothing yet. Mentions, assignments and comments on what you follow come here.", unread: "You have read everything.", mentions: "Nobody has mentioned you yet." };

export default function InboxPage() {
  useEffect(nowShown, []);
  useHere();
  const [address, setAddress] = useSearchParams();
  const filter = FILTERS.find(({ id }) => id === address.get("show"))?.id ?? "all";
  const { notices, toldAt, problem, isReading, hasMore, readMore, readAgain } = useHistory(filter);
  const keptAt = notices.length > 0 ? toldAt : null;
  const unread = useUnread(({ count }) => count);
  const mark = useMark();
  const now = useNow();
  const days = new Map<string, Notice[]>();
  for (const notice of notices) {
    const day = dayGroup(notice.createdAt, now);
    days.set(day, [...(days.get(day) ?? []), notice]);
  }
  return (
    <div className="min-h-0 grow overflow-y-auto" tabIndex={-1}>
      <div className="mx-auto grid max-w-3xl grid-cols-1 gap-4 px-4 py-6 sm:px-8">
        <header className="flex flex-wrap items-center justify-between gap-3">
          <h2 className="text-xl font-semibold tracking-tight">Inbox</h2>
          <div className="flex flex-wrap items-center gap-2">
            <div role="group" aria-label="Show" className="flex gap-1 rounded-xl bg-raised p-1">
              {FILTERS.map(({ id, label }) => (
                <Button key={id} kind={id === filter ? "plain" : "quiet"} aria-pressed={id === filter} onClick={() => setAddress(id === "all" ? {} : { show: id }, { replace: true })}>
                  {label}{id === "unread" && unread > 0 && <span className="text-dim">{unread}</span>}
                </Button>
              ))}
            </div>
            <Button disabled={unread === 0} onClick={() => void mark({ all: true }, true)}><Check size={16} aria-hidden />Mark all read</Button>
            <Link href="/account/notifications" className="px-2 text-sm text-accent underline">Preferences</Link>
          </div>
        </header>
        {keptAt && <KeptNote readAt={keptAt} isMissing={problem !== null} />}
        {problem && !keptAt && <div className="flex flex-wrap items-center gap-3"><Problem>{problem}</Problem><Button disabled={isReading} onClick={readAgain}>Try again</Button></div>}
        {notices.length === 0 && (isReading ? <Loading what="what you were told" /> : !problem && <Empty title={filter === "unread" ? "All read." : "Nothing here."}>{EMPTY[filter]}</Empty>)}
        {[...days].map(([day, ofDay]) => (
          <section key={day} aria-label={day} className="grid grid-cols-1 gap-1">
            <h3 className="px-1 text-xs font-semibold tracking-wide text-dim uppercase">{day}</h3>
            <ul className="divide-y divide-line overflow-hidden rounded-xl border border-line">
              {inGroups(ofDay).map((group) => <Item key={group[0].id} group={group} />)}
            </ul>
          </section>
        ))}
        {hasMore && <div className="justify-self-center"><Button disabled={isReading} onClick={readMore}>Show older ones</Button></div>}
      </div>
    </div>
  );
}

/** What is known of the history down to where it was read, with what came live since; until it was read, with what was kept. */
function useHistory(filter: Filter) {
  const client = useClient();
  const all = useNotices();
  useRecalled();
  const [read, setRead] = useState<{ filter: Filter; end: string | null; oldest: number } | null>(null);
  const [isReading, setIsReading] = useState(true);
  const [problem, setProblem] = useState<string | null>(null);
  const isRead = read?.filter === filter;
  const asked = useRef(filter);
  const readFrom = useCallback(async (after: string | null) => {
    asked.current = filter;
    setIsReading(true);
    const variables = { after, unreadOnly: filter === "unread", mentionsOnly: filter === "mentions" };
    const { data, error } = await client.query(NoticePageDocument, variables, { requestPolicy: "network-only" }).toPromise();
    const page = data?.viewer?.notifications;
    const { hasNextPage, endCursor } = page?.pageInfo ?? { hasNextPage: false };
    const oldest = hasNextPage ? Date.parse(page?.nodes.at(-1)?.createdAt ?? "") : 0;
    if (page && filter === "all") putHistory(page.nodes, page.unreadCount, oldest);
    else if (page) put(page.nodes, page.unreadCount);
    if (asked.current !== filter) return; // another one was chosen meanwhile
    setIsReading(false);
    setProblem(page ? null : error ? textOf(error) : "You are signed out.");
    if (page) setRead({ filter, end: hasNextPage ? (endCursor ?? null) : null, oldest });
  }, [client, filter]);
  const readAgain = (): void => void readFrom(null);
  useEffect(readAgain, [readFrom]);
  useAgain(problem !== null, readAgain);
  const isShown = ({ readAt, kind, createdAt }: Notice): boolean =>
    (filter !== "unread" || !readAt) && (filter !== "mentions" || kind === "MENTION") && (!isRead || Date.parse(createdAt) >= read.oldest);
  const end = isRead ? read.end : null;
  return { notices: inOrder((isRead ? all.known : together(all)).values()).filter(isShown), toldAt: all.toldAt, problem, isReading, hasMore: end !== null, readMore: () => void readFrom(end), readAgain };
}

/** Alike ones as one row: what is done to it is done to all of them, and it leads to the newest. */
function Item({ group }: { group: Group }) {
  const [, go] = useLocation();
  const mark = useMark();
  const act = useAct();
  const [notice] = group;
  const { kind, actor, workspace, task, readAt, createdAt } = notice;
  const ids = group.map(({ id }) => id);
  const { who, what } = saidOf(group);
  const path = pathOf(notice);
  const Icon = ICONS[kind] ?? Bell;
  const said = excerpt(notice);

  function open(): void {
    if (!readAt) void mark({ ids }, true);
    if (path) go(path);
  }
  async function mute(): Promise<void> {
    const { problems } = await act(MuteTaskDocument, { taskId: task!.id, muted: true });
    if (problems) return toast("You will still hear of it", problems.form);
    toast(`You hear nothing more of “${task!.title}”`, undefined, { label: "Undo", run: () => void act(MuteTaskDocument, { taskId: task!.id, muted: false }) });
  }

  return (
    <li className={`relative flex items-start gap-3 py-2.5 pr-2 pl-5 hover:bg-hover ${readAt ? "" : "bg-soft/60"}`}>
      {!readAt && <span className="absolute top-5 left-2 size-1.5 rounded-full bg-accent" aria-hidden />}
      <span className="relative shrink-0">
        {isOfDates(notice) ? <span className="flex size-8 items-center justify-center rounded-full bg-raised text-warn"><Icon size={18} aria-hidden /></span> : (
          <>
            <Avatar id={actor.id} name={actor.name} size={32} />
            <span className="absolute -right-2 -bottom-2 flex size-4.5 items-center justify-center rounded-full border border-line bg-surface text-dim"><Icon size={11} aria-hidden /></span>
          </>
        )}
      </span>
      <button type="button" className="min-w-0 grow text-left" onClick={open}>
        <span className={`line-clamp-2 text-sm wrap-anywhere sm:line-clamp-1 ${readAt ? "" : "font-semibold"}`}>{task && <span className="font-normal text-dim">{task.key} </span>}{subject(notice)}</span>
        <span className="block text-sm text-dim">{!readAt && <span className="sr-only">Unread: </span>}{who && <span className="font-medium text-text">{who} </span>}{what}{workspace && <> · {workspace.name}</>}<span className="sm:hidden"> · <Ago at={createdAt} /></span></span>
        {said && <span className="mt-0.5 line-clamp-2 text-sm text-dim">“{said}”</span>}
      </button>
      <span className="shrink-0 pt-0.5 text-xs whitespace-nowrap max-sm:hidden"><Ago at={createdAt} /></span>
      <Menu label={group.length > 1 ? "These notifications" : "This notification"} trigger={<Button kind="quiet" aria-label={`More for ${subject(notice)}`}><MoreHorizontal size={16} aria-hidden /></Button>}>
        <MenuItem onSelect={() => void mark({ ids }, !readAt)}>{readAt ? "Mark unread" : "Mark read"}</MenuItem>
        {task && <><MenuLine /><MenuItem onSelect={() => void mute()}><BellOff size={16} aria-hidden />Mute this task</MenuItem></>}
      </Menu>
    </li>
  );
}
