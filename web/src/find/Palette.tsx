/** Ctrl or Cmd with K: type a few letters of an action, a place, a project or a task, and Enter does it or goes there. */
import { useContext, useId, useLayoutEffect, useState, useSyncExternalStore, type KeyboardEvent } from "react";
import { flushSync } from "react-dom";
import { useLocation } from "wouter";
import { toggleTheme } from "../app/theme";
import { elementOf, focusCard, focusedTaskId } from "../board/focus";
import { undoLast } from "../board/keys";
import { archiveAll, takeOrGiveBack } from "../board/changes";
import { openQuick, openQuickInPanel } from "../board/quick";
import { clearSelection, targetsOf } from "../board/selection";
import { may, mayRestore, type Model, type Task } from "../data/model";
import type { OpenWorkspace } from "../data/workspace";
import { INPUT } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { WorkspaceContext } from "../workspace/context";
import { pathTo } from "../workspace/places";
import { useViewer } from "../workspace/viewer";
import { askFor, askForNewTask, takeTyped } from "./asked";
import { bestOf } from "./find";
import { offersOn, openKeyOf, type Offer } from "./offers";

interface Action {
  readonly id: string;
  readonly text: string;
  /** The key that does the same; empty where there is none. */
  readonly hint: string;
  /** What it is, where that is not plain. */
  readonly kind?: string;
  /** Other words for it, by which it is found, too. */
  readonly also?: string;
  readonly run: () => void;
}

const AT_MOST = 30;
const never = (): (() => void) => () => undefined;

export default function Palette({ slug, view, onClose }: { slug: string | undefined; view: string | undefined; onClose: () => void }) {
  const workspace = useContext(WorkspaceContext);
  const model = useSyncExternalStore(workspace?.subscribe ?? never, () => workspace?.model() ?? null);
  const { workspaces } = useViewer();
  const [path, go] = useLocation();
  const [focusedId] = useState(focusedTaskId); // before the dialog takes the focus
  const [typed, setTyped] = useState("");
  useLayoutEffect(() => setTyped(takeTyped()), []); // the dialog has the focus by now
  const [at, setAt] = useState(0);
  const listId = useId();

  const to = (id: string, text: string, hint: string, path: string, also = ""): Action => ({ id, text, hint, also, run: () => go(path) });
  const focused = focusedId ? model?.taskById.get(focusedId) : undefined;
  const task = focused ?? (model ? openTask(model, path) : undefined);
  const targets = model && task ? targetsOf(task, model) : [];
  const offers = workspace && model ? offersOn(targets, may(model, "TASK_WRITE"), workspace.myId, workspace.canUndo()) : [];
  const fulfil = (workspace: OpenWorkspace, { id }: Offer): void => {
    if (id === "undo") return undoLast(workspace);
    if (!task) return;
    if (focused) focusCard(task.id);
    if (id === "mine") takeOrGiveBack(workspace, task);
    else if (id === "archive") {
      archiveAll(workspace, targets);
      if (targets.length > 1) clearSelection();
      if (model && openTask(model, path)?.id === task.id) go(path.slice(0, path.lastIndexOf("/")) + location.search);
    } else if (focused) openQuick(id, task.id, elementOf(task.id));
    else openQuickInPanel(id, task.id);
  };
  const actions: Action[] = [
    // What Enter does before anything is typed changes nothing.
    slug ? to("board", "Go to the board", "G B", pathTo(slug, "board", view, location.search)) : to("tasks", "Go to my tasks", "G T", "/tasks"),
    ...(workspace ? offers.map((offer) => ({ ...offer, run: () => fulfil(workspace, offer) })) : []),
    ...(slug && model && may(model, "TASK_WRITE") ? [{ id: "new", text: "Create task", hint: "C", run: () => { askForNewTask(); if (!/\/(board|list)/.test(location.pathname)) go(`/w/${slug}/board`); } }] : []),
    ...(slug ? [
      to("list", "Go to the list", "G L", pathTo(slug, "list", view, location.search)), to("members", "Go to the members", "G M", `/w/${slug}/members`, "people team roles"),
      ...(model?.workspace?.kind === "TEAM" && may(model, "MEMBER_INVITE") ? [to("invite", "Invite people", "", `/w/${slug}/members`, "add members share")] : []),
      to("search", "Search tasks", "/", `/w/${slug}/search`), to("settings", "Go to the settings: projects, statuses, labels", "", `/w/${slug}/settings`, "columns"),
      ...(model && mayRestore(model) ? [to("deleted", "Restore deleted tasks", "", `/w/${slug}/deleted`)] : []),
      ...(model && may(model, "TOKEN_ADMIN") ? [to("tokens", "Go to the API tokens", "", `/w/${slug}/settings/tokens`)] : []),
      ...(model && may(model, "WEBHOOK_ADMIN") ? [to("webhooks", "Go to the webhooks", "", `/w/${slug}/settings/webhooks`)] : []),
      to("tasks", "Go to my tasks", "G T", "/tasks"),
    ] : []),
    to("inbox", "Go to the inbox", "G I", "/inbox", "notifications mentions"),
    { id: "theme", text: "Toggle theme, light or dark", hint: "", also: "night mode colors", run: toggleTheme },
    { id: "keys", text: "Show the keys", hint: "?", also: "keyboard shortcuts help", run: () => askFor("keys") },
    to("account", "Go to my account", "", "/account", "profile name email address time zone"),
    to("security", "Change my password", "", "/account/security", "sign-in security account"),
    to("devices", "See where I am signed in", "", "/account/devices", "devices sessions account"),
    to("preferences", "Choose what I am told", "", "/account/notifications", "notifications emails preferences account"),
    to("sign-out", "Sign out…", "", "/account", "log out logout leave switch accounts"),
    ...workspaces.map(({ id, name, slug: other }) => ({ ...to(id, `Go to ${name}`, "", `/w/${other}/board`), kind: "Workspace" })),
    ...(slug && model ? projectsIn(model, slug, to) : []),
  ];
  const found = typed ? bestOf([...actions, ...(slug && model ? tasksIn(model, slug, to) : [])], ({ text, also }) => (also ? `${text} ${also}` : text), typed, AT_MOST) : actions;
  const chosen = found[Math.min(at, found.length - 1)];

  function run(action: Action | undefined): void {
    if (!action) return;
    flushSync(onClose); // what had the focus has it again
    action.run();
  }
  function keyed(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) setAt((now) => Math.max(0, Math.min(found.length - 1, now + by)));
    else if (event.key === "Enter") run(chosen);
    else return;
    event.preventDefault();
  }

  return (
    <Dialog title="Find or do" isHigh onClose={onClose}>
      <input role="combobox" aria-label="What to find or do" aria-expanded aria-controls={listId} aria-activedescendant={chosen && `${listId}-${chosen.id}`} autoFocus autoComplete="off"
        placeholder="A task, a place, an action" className={INPUT} value={typed} onChange={(event) => { setTyped(event.target.value); setAt(0); }} onKeyDown={keyed} />
      {task && offers.length > 1 && <p className="truncate text-sm text-dim">{targets.length > 1 ? `${targets.length} tasks are selected.` : `${task.key} ${task.title}`}</p>}
      <div id={listId} role="listbox" aria-label="What fits" tabIndex={-1} className={`max-h-80 overflow-y-auto ${found.length ? "min-h-24" : "-mb-4"}`}>
        {found.map((action) => (
          <div key={action.id} id={`${listId}-${action.id}`} role="option" aria-selected={action === chosen} ref={(line) => { if (line && action === chosen) line.scrollIntoView({ block: "nearest" }); }}
            className="flex min-h-9 cursor-pointer items-center gap-3 rounded-lg px-2 text-sm hover:bg-hover aria-selected:bg-soft pointer-coarse:min-h-11" onClick={() => run(action)}>
            <span className="min-w-0 grow truncate">{action.text}</span><span className="shrink-0 text-xs">{action.kind}<span className="pointer-coarse:hidden">{action.hint}</span></span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p role="status" className="min-h-24 text-sm text-dim">Nothing was found. Search<span className="pointer-coarse:hidden"> (/)</span> also looks into descriptions and comments.</p>}
    </Dialog>
  );
}

type To = (id: string, text: string, hint: string, path: string, also?: string) => Action;

const projectsIn = (model: Model, slug: string, to: To): Action[] =>
  model.projects.filter(({ archivedAt }) => !archivedAt).map(({ id, name }) => ({ ...to(id, `Go to ${name}`, "", `/w/${slug}/board?project=${id}`), kind: "Project" }));

const tasksIn = (model: Model, slug: string, to: To): Action[] =>
  model.tasks.filter(({ archivedAt }) => !archivedAt).map(({ id, key, title }) => ({ ...to(id, `${key} ${title}`, "", `/w/${slug}/board/${key || id}`), kind: "Task" }));

function openTask(model: Model, path: string): Task | undefined {
  const open = openKeyOf(path);
  return open ? model.tasks.find(({ key, id }) => key === open || id === open) : undefined;
}
