/** Who is here, and which page that address is. Pages that not everybody opens at once are loaded when they are. */
import { useEffect, useState, useSyncExternalStore } from "react";
import { Provider, type Client } from "urql";
import { Link, Redirect, Route, Switch } from "wouter";
import { createGraphQLClient } from "../data/client";
import { Connection } from "../data/connection";
import { activeAccount, endedIds, knownIds, onAccountsChange } from "../session/accounts";
import { Welcome } from "../session/Welcome";
import { Announcer } from "../ui/announce";
import { Empty, Loading } from "../ui/controls";
import { keepDraftsOf } from "../ui/drafts";
import { Toasts } from "../ui/toasts";
import { ViewerProvider, useViewer } from "../workspace/viewer";
import { ConnectionContext } from "../workspace/connection-context";
import { WorkspacePage } from "../workspace/WorkspacePage";
import { Shell } from "../workspace/Shell";
import { fetchLater, Later, lazily, unseen, whenThere } from "./later";

const AccountPage = lazily(() => import("../account/AccountPage"));

const MyTasksPage = lazily(() => import("../find/MyTasksPage"));
const InboxPage = lazily(() => import("../notifications/InboxPage"));
const Notifications = unseen(() => import("../notifications/Live"));

const LAST = "tutti.workspace"; // localStorage: the id of the workspace that was open last

export function App() {
  const accountId = useSyncExternalStore(onAccountsChange, () => activeAccount()?.id ?? null);
  const known = useSyncExternalStore(onAccountsChange, () => knownIds().join(" "));
  useEffect(() => keepDraftsOf(known.split(" ")), [known]);
  const ended = useSyncExternalStore(onAccountsChange, () => endedIds().join(" "));
  useEffect(() => {
    if (ended) void whenThere(() => import("../account/leave")).then(({ forgetSaved }) => Promise.all(ended.split(" ").map(forgetSaved)));
  }, [ended]);
  return (
    <>
      {accountId ? <SignedIn key={accountId} accountId={accountId} /> : <Welcome />}
      <Toasts />
      <Announcer />
    </>
  );
}

function SignedIn({ accountId }: { accountId: string }) {
  const [session, setSession] = useState<{ client: Client; connection: Connection } | null>(null);
  useEffect(() => {
    const opened = { client: createGraphQLClient(accountId), connection: new Connection(accountId) };
    setSession(opened);
    return () => opened.connection.close();
  }, [accountId]);
  useEffect(() => fetchLater(keepFiles), []);
  if (!session) return null;
  return (
    <Provider value={session.client}>
      <ConnectionContext.Provider value={session.connection}>
        <ViewerProvider accountId={accountId}>
          <Pages />
          <Notifications />
        </ViewerProvider>
      </ConnectionContext.Provider>
    </Provider>
  );
}

/** From then on pages open without a connection. The dev server's do not: their files are of no build. */
async function keepFiles(): Promise<void> {
  if (import.meta.env.PROD) await navigator.serviceWorker?.register("/sw.js"); // there is none where the address is not secure
}

function Pages() {
  const { workspaces } = useViewer();
  const last = workspaces.find(({ id }) => id === localStorage.getItem(LAST)) ?? workspaces.at(-1);
  return (
    <Switch>
      <Route key="start" path="/">{last ? <Redirect to={`/w/${last.slug}/board`} replace /> : <Loading what="your workspaces" />}</Route>
      <Route key="sign-in" path="/sign-in"><Redirect to="/" replace /></Route>
      <Route path="/tasks"><Shell title="My tasks"><Later what="your tasks"><MyTasksPage /></Later></Shell></Route>
      <Route path="/inbox"><Shell title="Inbox"><Later what="what you were told"><InboxPage /></Later></Shell></Route>
      <Route<{ section?: string }> path="/account/:section?">{({ section }) => <Shell title="Account"><Later what="your account"><AccountPage section={section} /></Later></Shell>}</Route>
      <Route<{ slug: string; view?: string; taskKey?: string }> path="/w/:slug/:view?/:taskKey?">
        {({ slug, view = "board", taskKey }) => <WorkspacePage key={slug} slug={slug} view={view} taskKey={taskKey} />}
      </Route>
      <Route>
        <Shell title="Not found">
          <Empty title="There is nothing here."><p>The address may be mistyped. <Link className="text-accent underline" href="/">Go to the board</Link></p></Empty>
        </Shell>
      </Route>
    </Switch>
  );
}
