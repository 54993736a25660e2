/** The page at /graphql: GraphiQL from our own bundle, signed in as whoever this browser tab acts as. */
import "graphiql/setup-workers/vite";
import "@graphiql/react/style.css";
import "@graphiql/plugin-history/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "graphiql/graphiql.css";
import "./page.css";
import { GraphiQL } from "graphiql";
import { useGraphiQLActions } from "@graphiql/react";
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { followOtherTabs } from "../session/accounts";
import { AccountMenu } from "./AccountMenu";
import { useActiveAccount, useRenewal } from "./account-hooks";
import { tuttiFetcher } from "./fetcher";
import type { LinkState } from "./live";
import { tutorialTabs } from "./tutorial";

const LINK_TEXT: Record<LinkState, string> = {
  off: "",
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
};

let reportLink: (state: LinkState) => void = () => undefined;
const fetcher = tuttiFetcher((state) => reportLink(state));
const defaultTabs = tutorialTabs();
if (localStorage.getItem("graphiql:tabState") === null) {
  // GraphiQL takes the queries of default tabs by itself, but what the editors show first only from its storage.
  localStorage.setItem("graphiql:query", defaultTabs[0].query);
  localStorage.setItem("graphiql:variables", defaultTabs[0].variables);
}

function Page() {
  const [link, setLink] = useState<LinkState>("off");
  const account = useActiveAccount();
  useRenewal(account);
  useEffect(() => {
    reportLink = setLink;
  }, []);
  return (
    <>
      <header className="bar">
        <a className="brand" href="/">
          <img src="/favicon.svg" alt="" width="22" height="22" />
          <h1>
            Tutti<span> GraphiQL</span>
          </h1>
        </a>
        <span className={`link ${link}`} role="status">
          {LINK_TEXT[link]}
        </span>
        <a className="schema" href="/schema.graphql">
          Schema
        </a>
        <AccountMenu account={account} />
      </header>
      <main>
        <GraphiQL
          fetcher={fetcher}
          defaultTabs={defaultTabs}
          defaultEditorToolsVisibility="variables"
        >
          <GraphiQL.Logo> </GraphiQL.Logo>
          <StopOnSwitch accountId={account?.id ?? null} />
          <RunFromAnywhere />
        </GraphiQL>
      </main>
    </>
  );
}

/** A running subscription belongs to the person who started it. */
function StopOnSwitch({ accountId }: { accountId: string | null }) {
  const { stop } = useGraphiQLActions();
  useEffect(() => stop, [accountId, stop]);
  return null;
}

/** Ctrl-Enter also before anything was clicked: the editors know it only while they have the focus. */
function RunFromAnywhere() {
  const { run } = useGraphiQLActions();
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isInside = event.target instanceof Element && event.target.closest(".monaco-editor, dialog, input, textarea");
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || isInside) return;
      event.preventDefault();
      run();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [run]);
  return null;
}

followOtherTabs();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
