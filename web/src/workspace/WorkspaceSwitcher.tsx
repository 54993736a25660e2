/** Which workspace this is, the others, and how to make one. */
import { ChevronsUpDown, Plus } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useMutation } from "urql";
import { useLocation } from "wouter";
import { CreateWorkspaceDocument } from "../gql/graphql";
import { Button, Field, textOf } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Menu, MenuItem, MenuLine, OneOf } from "../ui/menu";
import { uuidv7 } from "../sync/ids";
import { useViewer } from "./viewer";

export function WorkspaceSwitcher({ slug }: { slug: string | undefined }) {
  const { workspaces } = useViewer();
  const [, go] = useLocation();
  const [isMaking, setIsMaking] = useState(false);
  const current = workspaces.find((workspace) => workspace.slug === slug);
  const choices = workspaces.map(({ slug: id, name, kind }) => ({ id, label: kind === "PERSONAL" ? `${name} (personal)` : name }));
  return (
    <>
      <Menu label="Workspaces" trigger={
        <Button kind="quiet" className="min-w-0">
          <span className="sr-only">Workspace:</span><span className="max-w-40 grow truncate text-left font-semibold">{current?.name ?? "Workspaces"}</span><ChevronsUpDown size={16} aria-hidden />
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
  const [, create] = useMutation(CreateWorkspaceDocument);
  const [problem, setProblem] = useState<string>();
  const { refresh } = useViewer();
  const [, go] = useLocation();

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const input = { name: String(form.get("name")), description: String(form.get("description")), clientMutationId: uuidv7() };
    const { data, error } = await create({ input });
    const payload = data?.createWorkspace;
    if (!payload?.workspace) return setProblem(payload?.userErrors[0]?.message ?? textOf(error));
    refresh();
    onClose();
    go(`/w/${payload.workspace.slug}/board`);
  }

  return (
    <Dialog title="New workspace" onClose={onClose}>
      <form className="grid gap-3" onSubmit={(event) => void submit(event)}>
        <Field label="Name" name="name" required maxLength={100} problem={problem} autoFocus />
        <Field label="Description" name="description" hint="What people do here. Markdown." />
        <Button kind="primary" type="submit">Create workspace</Button>
      </form>
    </Dialog>
  );
}
