/** Which workspace this is, the others, and how to make one. */
import { ChevronsUpDown, Plus } from "lucide-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { NO_PROBLEMS, useAct, type Problems } from "../data/act";
import { CreateWorkspaceDocument } from "../gql/graphql";
import { Button, Field } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Menu, MenuItem, MenuLine, OneOf } from "../ui/menu";
import { useOnce } from "../ui/once";
import { useViewer } from "./viewer";

export function WorkspaceSwitcher({ slug }: { slug: string | undefined }) {
  const { workspaces } = useViewer();
  const [, go] = useLocation();
  const [isMaking, setIsMaking] = useState(false);
  const current = workspaces.find((workspace) => workspace.slug === slug);
  const choices = workspaces.map(({ slug: id, name, kind }) => ({ id, label: kind === "PERSONAL" && name !== "Personal" ? `${name} (personal)` : name }));
  return (
    <>
      <Menu label="Workspaces" trigger={
        <Button kind="quiet" className="min-w-0 max-md:max-w-52 max-md:grow-99 max-md:basis-24 max-md:justify-start">
          <span className="sr-only">Workspace:</span><span className="max-w-40 min-w-0 grow truncate max-md:grow-0 text-left font-semibold">{current?.name ?? "Workspaces"}</span><ChevronsUpDown size={16} aria-hidden />
        </Button>
      }>
        <OneOf choices={choices} value={slug ?? ""} onChoose={(to) => go(`/w/${to}/board`)} />
        <MenuLine />
        <MenuItem onSelect={() => setIsMaking(true)}><Plus size={16} aria-hidden />New workspace</MenuItem>
      </Menu>
      {isMaking && <NewWorkspace onClose={() => setIsMaking(false)} />}
    </>
  );
}

function NewWorkspace({ onClose }: { onClose: () => void }) {
  const act = useAct();
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const { refresh } = useViewer();
  const [, go] = useLocation();
  const [isBusy, submit] = useOnce(async (form) => {
    const given = new FormData(form);
    const input = { name: String(given.get("name")), description: String(given.get("description")) };
    const { payload, problems: found } = await act(CreateWorkspaceDocument, input, Object.keys(input));
    if (!payload?.workspace) return setProblems(found ?? NO_PROBLEMS);
    refresh();
    onClose();
    go(`/w/${payload.workspace.slug}/board`);
  });

  return (
    <Dialog title="New workspace" onClose={onClose}>
      <form className="grid gap-3" onSubmit={submit}>
        <Field label="Name" name="name" required maxLength={100} problem={problems.name} autoFocus />
        <Field label="Description" name="description" problem={problems.description} hint="What people do here. Markdown." />
        {problems.form && <p role="alert" className="text-sm text-bad">{problems.form}</p>}
        <Button kind="primary" type="submit" disabled={isBusy}>Create workspace</Button>
      </form>
    </Dialog>
  );
}
