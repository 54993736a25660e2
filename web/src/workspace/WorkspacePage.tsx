/** A workspace: opens it, follows it while it is shown, and shows the page that the address names. */
import { Suspense, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useClient } from "urql";
import { Link, Redirect } from "wouter";
import { Later, lazily, nowShown, unseen, whenThere } from "../app/later";
import { BoardPage } from "../board/BoardPage";
import { setWaiting } from "../data/waiting";
import { OpenWorkspace } from "../data/workspace";
import { forgetReplicas } from "../sync/indexeddb";
import { Empty, Loading } from "../ui/controls";
import { toast } from "../ui/toasts";
import { useConnection } from "./connection-context";
import { WorkspaceContext } from "./context";
import { Shell } from "./Shell";
import { useViewer } from "./viewer";
import { leaveConflicts, recallConflicts, tookConflict, useConflicts } from "../task/conflict";

const ConflictDialog = lazily(() => import("../task/ConflictDialog"));
const KeptTasks = unseen(() => import("../find/KeptTasks"));
const SearchPage = lazily(() => import("../find/SearchPage"));
const MembersPage = lazily(() => import("../members/MembersPage"));
const DeletedPage = lazily(() => import("../deleted/DeletedPage"));
const Spoken = unseen(() => import("./Spoken"));
const Unsent = lazily(() => import("../task/Unsent"));
const SettingsPage = lazily(() => import("../settings/SettingsPage"));

const fetchRefusals = (): Promise<typeof import("./refusals")> => import("./refusals");

const TITLES: Record<string, string> = { board: "Board", list: "List", search: "Search", members: "Members", deleted: "Deleted tasks", settings: "Settings" };

export function WorkspacePage({ slug, view, taskKey }: { slug: string; view: string; taskKey: string | undefined }) {
  const client = useClient();
  const connection = useConnection();
  const { workspaces, user, isAsking } = useViewer();
  const id = workspaces.find((workspace) => workspace.slug === slug)?.id;
  const [open, setOpen] = useState<OpenWorkspace | null>(null);

  useEffect(() => {
    if (!id) return;
    localStorage.setItem("tutti.workspace", id);
    const workspace = new OpenWorkspace(client, connection, id, { id: user.id, name: user.name });
    const offRefused = workspace.onRefused((refused) => tookConflict(workspace, refused) || void whenThere(fetchRefusals).then(({ tellRefusal }) => tellRefusal(workspace, refused)));
    recallConflicts(workspace);
    setOpen(workspace);
    return () => void workspace.close().then(offRefused);
  }, [id, client, connection, user.id, user.name]);

  const moved = open && !id && workspaces.find((workspace) => workspace.id === open.id);
  const about = useSyncExternalStore(open?.subscribe ?? never, () => openTask(open, view, taskKey));
  const hasEnded = useNews(open, Boolean(open && !id && !moved));
  if (moved) return <Redirect to={location.pathname.replace(`/w/${slug}`, `/w/${moved.slug}`)} replace />;
  if (hasEnded) {
    const name = open?.model().workspace?.name;
    return (
      <Shell title="Not here any more">
        <div className="overflow-y-auto">
          <Empty title={`You are no longer in ${name ? `“${name}”` : "this workspace"}.`}>
            <p>You were removed from it, and what was saved there stays with the others; or it was deleted with all that was in it. <Link className="text-accent underline" href="/">To your other tasks</Link></p>
          </Empty>
          {open && <Suspense fallback={null}><Unsent taskById={open.model().taskById} /></Suspense>}
        </div>
      </Shell>
    );
  }

  const title = TITLES[view];
  if (!id && isAsking) return <Shell title="Opening"><Loading what="the workspace" /></Shell>;
  if (!id || !title) {
    return (
      <Shell title="Not found">
        <Empty title={id ? "There is no such page." : "There is no such workspace for you."}>
          <p>{id ? "The address may be mistyped." : "The address may be mistyped, or somebody has to invite you first."} <Link className="text-accent underline" href={id ? `/w/${slug}/board` : "/"}>Go to the board</Link></p>
        </Empty>
      </Shell>
    );
  }
  if (!open) return null;
  return (
    <WorkspaceContext.Provider value={open}>
      <Shell title={title} about={about || title} slug={slug} view={view}>
        <Ready>
          <Conflicts />
          <Later what={title.toLowerCase()}>
            {(view === "board" || view === "list") && <BoardPage slug={slug} view={view} taskKey={taskKey} />}
            {view === "search" && <SearchPage slug={slug} />}
            {view === "members" && <MembersPage />}
            {view === "deleted" && <DeletedPage />}
            {view === "settings" && <SettingsPage slug={slug} section={taskKey} />}
          </Later>
          <Spoken />
          <KeptTasks />
        </Ready>
      </Shell>
    </WorkspaceContext.Provider>
  );
}

/** Key and title of the task that the address names, "" where it is not known. */
function openTask(open: OpenWorkspace | null, view: string, name: string | undefined): string {
  if (!name || (view !== "board" && view !== "list")) return "";
  const task = open?.model().tasks.find(({ key, id }) => key === name || id === name);
  return task ? `${task.key} ${task.title}`.trim() : "";
}

/** Shows its children once there are rows; what was stored is enough. */
function Ready({ children }: { children: React.ReactNode }) {
  const workspace = useContext(WorkspaceContext)!;
  const isReady = useSyncExternalStore(workspace.subscribe, () => workspace.sync.isReady);
  useEffect(() => {
    if (isReady) nowShown();
  }, [isReady]);
  return isReady ? children : <Loading what="tasks" />;
}

/**
 * Tells the person what becomes of them here, and asks anew when it is called otherwise; -> whether they are out of it, by
 * the stream's word or because it `isGone` from their workspaces: that may have been while they were away.
 */
function useNews(open: OpenWorkspace | null, isGone: boolean): boolean {
  const { workspaces, refresh, left } = useViewer();
  const subscribe = open?.subscribe ?? never;
  const hasEnded = useSyncExternalStore(subscribe, () => Boolean(open?.ended)) || isGone;
  const row = useSyncExternalStore(subscribe, () => open?.model().workspace);
  const role = useSyncExternalStore(subscribe, () => open?.model().me?.role);
  const before = useRef<string | undefined>(undefined);
  const known = workspaces.find(({ id }) => id === row?.id);
  useEffect(() => {
    if (!hasEnded && row && known && row.version > known.version) refresh();
  }, [hasEnded, row, known?.version]);
  useEffect(() => {
    if (!hasEnded || !open) return;
    left(open.id);
    leaveConflicts(open);
    void open.close().then(() => forgetWorkspace(`${open.me.id}.${open.id}`));
  }, [hasEnded, open]);
  useEffect(() => {
    if (role && before.current && role !== before.current) toast(`You are ${ROLES[role]} here now`);
    before.current = role ?? before.current;
  }, [role]);
  return hasEnded;
}

async function forgetWorkspace(name: string): Promise<void> {
  setWaiting(name, 0);
  await forgetReplicas(name);
}

const ROLES: Record<string, string> = { OWNER: "the owner", ADMIN: "an admin", MEMBER: "a member", GUEST: "a guest", VIEWER: "a viewer" };

const never = (): (() => void) => () => undefined;

/** What this person and somebody else have both written, to choose from now, or from a line above the page. */
function Conflicts() {
  const areThere = useConflicts(({ all }) => all.length > 0);
  return areThere && <Suspense fallback={null}><ConflictDialog /></Suspense>;
}
