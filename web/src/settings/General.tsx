/** Name, address, key and description of the workspace; leaving it, and its end. */
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, type Problems } from "../data/act";
import { may } from "../data/model";
import { DeleteWorkspaceDocument, LeaveWorkspaceDocument, UpdateWorkspaceDocument } from "../gql/later/graphql";
import { forgetReplicas } from "../sync/indexeddb";
import { Button, Field } from "../ui/controls";
import { Confirm, Panel, Problem, Saving, Section, TextArea, useDraft } from "../ui/forms";
import { useOnce } from "../ui/once";
import { toast } from "../ui/toasts";
import { useModel, useWorkspace } from "../workspace/context";
import { useViewer } from "../workspace/viewer";

const FIELDS = ["name", "slug", "key", "description"];

export function General() {
  const model = useModel();
  // The server lets admins change what a workspace is called, though they lack WORKSPACE_ADMIN.
  const isAdmin = model.me?.role === "OWNER" || model.me?.role === "ADMIN";
  return (
    <>
      <Identity isFixed={!isAdmin} />
      {model.workspace?.kind === "TEAM" && <End />}
    </>
  );
}

function Identity({ isFixed }: { isFixed: boolean }) {
  const { workspace: row } = useModel();
  const act = useAct();
  const { name = "", slug = "", key = "", description = "", version = 0 } = row ?? {};
  const draft = useDraft({ name, slug, key, description }, version);
  const [isBusy, save] = useOnce(async () => {
    if (!row) return;
    const answer = await act(UpdateWorkspaceDocument, { id: row.id, ...draft.changes, baseVersion: draft.baseVersion }, FIELDS);
    if (answer.problems) return draft.refuse(answer.problems, answer.currentVersion);
    draft.saved(answer.payload.workspace?.version);
    toast("The workspace is changed");
  });
  if (!row) return null;

  return (
    <form className="grid gap-4" onSubmit={save}>
      {isFixed && <p className="text-sm text-dim">Owners and admins change this.</p>}
      <Field label="Name" value={draft.values.name} required maxLength={100} readOnly={isFixed} problem={draft.problems.name} onChange={(event) => draft.set({ name: event.target.value })} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Address" value={draft.values.slug} required maxLength={48} readOnly={isFixed} problem={draft.problems.slug} hint={`${location.host}/w/${draft.values.slug}`} onChange={(event) => draft.set({ slug: event.target.value })} />
        <Field label="Key" value={draft.values.key} required readOnly={isFixed} problem={draft.problems.key} hint={`New tasks are called ${draft.values.key}-1 and so on; those that are there keep their names.`} onChange={(event) => draft.set({ key: event.target.value.toUpperCase() })} />
      </div>
      <TextArea label="Description" value={draft.values.description} readOnly={isFixed} problem={draft.problems.description} hint="What people do here. Markdown." onChange={(event) => draft.set({ description: event.target.value })} />
      <Problem>{draft.problems.form}</Problem>
      {!isFixed && <Saving isChanged={draft.isChanged} isBusy={isBusy} label="Save changes" onReset={draft.reset} />}
    </form>
  );
}

/** Leaving, for everybody but the owner; for the owner, deleting. */
function End() {
  const model = useModel();
  const workspace = useWorkspace();
  const act = useAct();
  const { left } = useViewer();
  const [, go] = useLocation();
  const [isAsking, setIsAsking] = useState(false);
  const isOwner = may(model, "WORKSPACE_ADMIN");
  const name = model.workspace?.name ?? "";

  async function end(): Promise<Problems | null> {
    const { problems } = isOwner ? await act(DeleteWorkspaceDocument, { id: workspace.id }) : await act(LeaveWorkspaceDocument, { id: workspace.id });
    if (problems) return problems;
    toast(isOwner ? `“${name}” is deleted` : `You have left “${name}”`);
    localStorage.removeItem("tutti.workspace");
    left(workspace.id);
    go("/");
    await workspace.close();
    void forgetReplicas(`${workspace.me.id}.${workspace.id}`);
    return null;
  }

  return (
    <Section title={isOwner ? "Delete this workspace" : "Leave this workspace"}>
      <Panel className="border-bad/40">
        <p className="text-sm text-dim">
          {isOwner
            ? "It is gone at once for everybody, with all that is in it. To leave it to somebody else instead, make them the owner on the members page."
            : "You lose sight of its tasks at once, and are no longer assigned to them. To come back you need an invite."}
        </p>
        <div><Button kind="danger" onClick={() => setIsAsking(true)}>{isOwner ? "Delete workspace…" : "Leave workspace…"}</Button></div>
      </Panel>
      {isAsking && (
        <Confirm title={isOwner ? `Delete “${name}”?` : `Leave “${name}”?`} action={isOwner ? "Delete it for everybody" : "Leave"} {...(isOwner && { typed: name })} onClose={() => setIsAsking(false)} onConfirm={end}>
          <p>{isOwner ? `${model.tasks.length} tasks of ${model.members.length} ${model.members.length === 1 ? "person" : "people"} are deleted. This cannot be undone.` : "What you wrote stays with the others."}</p>
        </Confirm>
      )}
    </Section>
  );
}
