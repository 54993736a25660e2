/** The frame of every page: where one is, where one can go, and whether the page is live. */
import { Bell, CircleCheck, Columns3, LayoutList, Search, Settings, UserRound, Users } from "lucide-react";
import { useContext, useEffect, useState, type ReactNode } from "react";
import { Link, useSearch } from "wouter";
import { RECONNECTING_AFTER_MS, useLink } from "../data/connection";
import { useWaitingOf } from "../data/waiting";
import { GlobalKeys } from "../find/GlobalKeys";
import { Here } from "../presence/Presence";
import { useAccounts } from "../session/use-accounts";
import { Avatar } from "../ui/controls";
import { useLasting } from "../ui/lasting";
import { useUndecidedOf } from "../task/conflict";
import { useUnread } from "../ui/unread";
import { useArrival } from "./arrival";
import { WorkspaceContext } from "./context";
import { pathTo } from "./places";
import { useViewer } from "./viewer";
import { WorkspaceSwitcher } from "./WorkspaceSwitcher";

const PLACES = [
  { view: "board", label: "Board", Icon: Columns3 },
  { view: "list", label: "List", Icon: LayoutList },
  { view: "search", label: "Search", Icon: Search },
  { view: "members", label: "Members", Icon: Users },
  { view: "settings", label: "Settings", Icon: Settings },
];

const PLACE = "flex min-h-9 items-center gap-2 rounded-lg px-2.5 text-sm max-md:order-2 max-md:grow max-md:justify-center max-md:px-0 hover:bg-hover aria-[current=page]:bg-soft aria-[current=page]:font-semibold pointer-coarse:min-h-11";

/** `about`: what the title of the tab begins with, where that is not the page's own title. */
export function Shell({ title, about = title, slug: shown, view, children }: { title: string; about?: string; slug?: string; view?: string; children: ReactNode }) {
  const workspace = useContext(WorkspaceContext);
  const { user, workspaces } = useViewer();
  const isOneOfSeveral = useAccounts().length > 1;
  // A page outside of workspaces still leads into the one that was open last.
  const slug = shown ?? (workspaces.find(({ id }) => id === localStorage.getItem("tutti.workspace")) ?? workspaces.at(-1))?.slug;
  const query = useSearch();
  const unread = useUnread(({ count }) => count);
  useEffect(() => {
    document.title = `${unread ? `(${unread}) ` : ""}${about} · Tutti`;
  }, [about, unread]);
  return (
    <div className="flex h-dvh flex-col md:flex-row">
      <a href="#page" className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:border focus:border-line focus:bg-surface focus:px-3 focus:py-2 focus:text-sm focus:font-medium focus:whitespace-nowrap focus:shadow-lg">To the page</a>
      <nav aria-label="Pages" className="relative flex shrink-0 flex-wrap items-center border-b border-line bg-raised p-1 md:w-56 md:flex-col md:flex-nowrap md:items-stretch md:gap-1 md:overflow-y-auto md:border-r md:border-b-0 md:p-2">
        <WorkspaceSwitcher slug={slug} />
        <span aria-hidden className="grow md:hidden" />
        <span aria-hidden className="order-1 basis-full md:hidden" />
        {slug && PLACES.map(({ view: name, label, Icon }) => (
          <Link key={name} href={pathTo(slug, name, view, query)} className={PLACE} aria-current={view === name ? "page" : undefined} aria-label={label}>
            <Icon size={18} aria-hidden /><span className="max-md:sr-only">{label}</span>
          </Link>
        ))}
        <Link href="/inbox" className={PLACE} aria-current={title === "Inbox" ? "page" : undefined}>
          <span className="relative"><Bell size={18} aria-hidden />{unread > 0 && <span aria-hidden className="absolute -top-1 -right-1 size-2.5 rounded-full border-2 border-raised bg-bad md:hidden" />}</span>
          <span className="max-md:sr-only">Inbox</span>
          {unread > 0 && <><span className="sr-only">{unread} unread</span><span aria-hidden className="ml-auto rounded-full bg-bad px-1.5 text-xs font-semibold text-accent-text max-md:hidden">{unread > 99 ? "99+" : unread}</span></>}
        </Link>
        <Link href="/tasks" className={PLACE} aria-current={title === "My tasks" ? "page" : undefined} aria-label="My tasks">
          <CircleCheck size={18} aria-hidden /><span className="max-md:sr-only">My tasks</span>
        </Link>
        <Link href="/account" className={PLACE} aria-current={title === "Account" ? "page" : undefined} aria-label={isOneOfSeveral ? `Account: ${user.name}` : "Account"}>
          {isOneOfSeveral ? <Avatar id={user.id} name={user.name} size={18} /> : <UserRound size={18} aria-hidden />}<span className="truncate max-md:sr-only">{isOneOfSeveral ? user.name : "Account"}</span>
        </Link>
        <div className="grow" />
        {workspace && <Here />}
        <LinkStatus />
      </nav>
      <main id="page" className="flex min-h-0 min-w-0 grow flex-col" aria-label={title}>
        <h1 ref={useArrival()} tabIndex={-1} className="sr-only">{title}</h1>
        {children}
      </main>
      <GlobalKeys slug={slug} view={view} />
    </div>
  );
}

const WORDS = { live: "Live", connecting: "Connecting…", reconnecting: "Reconnecting…", offline: "Offline" };
const LOOKS = { live: "text-good", connecting: "text-dim", reconnecting: "text-warn", offline: "text-warn" };

const WAITING_AFTER_MS = 1_500; // most changes are confirmed long before
const SAVED_MS = 2_000;

/** Live, or why not, and how many changes wait, for the server or for a decision; that they are saved where it was said that they wait. */
function LinkStatus() {
  const now = useLink((state) => state.link);
  const isLost = useLasting(now === "reconnecting", RECONNECTING_AFTER_MS);
  const [before, setBefore] = useState(now);
  const link = now === "reconnecting" && !isLost ? before : now;
  useEffect(() => setBefore(link), [link]);
  const personId = useViewer().user.id;
  const waiting = useWaitingOf(personId);
  const undecided = useUndecidedOf(personId);
  const isLate = useLasting(waiting > 0, WAITING_AFTER_MS);
  const isWaiting = waiting > 0 && (link !== "live" || isLate);
  const isSaved = useAfter(isWaiting || undecided > 0, SAVED_MS) && waiting === 0 && link === "live";
  return (
    <p role="status" aria-label="Connection" className={`flex shrink-0 items-center gap-2 px-2.5 py-1 text-sm ${isWaiting || undecided > 0 ? "text-warn" : LOOKS[link]}`}>
      <span aria-hidden className="size-2 shrink-0 rounded-full bg-current" />
      <span>{isSaved ? "All changes saved" : WORDS[link]}{isWaiting && <>, {waiting} <span className="max-sm:sr-only">{waiting === 1 ? "change" : "changes"}</span> {waiting === 1 ? "waits" : "wait"}</>}{undecided > 0 && <>, {undecided} <span className="max-sm:sr-only">{undecided === 1 ? "change" : "changes"}</span> to decide</>}</span>
    </p>
  );
}

/** Whether something has ceased to be so within the last milliseconds. */
function useAfter(isSo: boolean, ms: number): boolean {
  const [isAfter, setAfter] = useState(false);
  useEffect(() => {
    if (isSo) return setAfter(true);
    const timer = setTimeout(() => setAfter(false), ms);
    return () => clearTimeout(timer);
  }, [isSo, ms]);
  return !isSo && isAfter;
}
