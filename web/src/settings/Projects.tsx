/** Projects: making, changing, archiving and deleting them. */
import { Archive, FolderPlus } from "lucide-react";
import { useState } from "react";
import { useAct, type Problems } from "../data/act";
import { may, type Project } from "../data/model";
import { CreateProjectDocument, DeleteProjectDocument, UpdateProjectDocument } from "../gql/later/graphql";
import { Button, Dot, Field, Select } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { inNextRow, useFocusLeft } from "../ui/focus-left";
import { Badge, Colors, COLORS, Confirm, Problem, Row, Rows, Saving, Section, TextArea, useDraft } from "../ui/forms";
import { useOnce } from "../ui/once";
import { toast } from "../ui/toasts";
import { useUndoable } from "../ui/undo";
import { useModel, useWorkspace } from "../workspace/context";

const FIELDS = ["name", "key", "description", "color"];
const EMPTY = { name: "", key: "", description: "", color: COLORS[7]![0] };

type Question = { readonly kind: "edit" | "delete"; readonly project: Project };

export function Projects() {
  const model = useModel();
  const mayChange = may(model, "PROJECT_ADMIN");
  const [isMaking, setIsMaking] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const close = (): void => setQuestion(null);
  const open = model.projects.filter(({ archivedAt }) => !archivedAt);
  const archived = model.projects.filter(({ archivedAt }) => archivedAt);
  const listed = (project: Project) => <ProjectRow key={project.id} project={project} mayChange={mayChange} onAsk={setQuestion} />;
  return (
    <>
      <Section title="Projects" lead="Tasks that belong together. Guests see the projects they are added to, and nothing else."
        action={mayChange && <Button kind="primary" onClick={() => setIsMaking(true)}><FolderPlus size={16} aria-hidden />New project</Button>}>
        {open.length ? <Rows label="Projects">{open.map(listed)}</Rows> : <p className="text-sm text-dim">There is no project yet.</p>}
      </Section>
      {archived.length > 0 && <Section title="Archived"><Rows label="Archived projects">{archived.map(listed)}</Rows></Section>}
      {isMaking && <ProjectDialog project={null} onClose={() => setIsMaking(false)} />}
      {question?.kind === "edit" && <ProjectDialog project={question.project} onClose={close} />}
      {question?.kind === "delete" && <DeleteProject project={question.project} onClose={close} />}
    </>
  );
}

function ProjectRow({ project, mayChange, onAsk }: { project: Project; mayChange: boolean; onAsk: (question: Question) => void }) {
  const model = useModel();
  const act = useAct();
  const undoable = useUndoable();
  const remove = useFocusLeft(inNextRow);
  const { id, name, key, color, description, archivedAt } = project;
  const tasks = model.tasks.filter((task) => task.project?.id === id).length;
  async function archive(archived: boolean): Promise<void> {
    const { payload, problems } = await act(UpdateProjectDocument, { id, archived });
    if (problems) return toast(`“${name}” stays as it was`, problems.form);
    undoable(`“${name}” is ${archived ? "archived" : "back"}`, payload.changeSetId);
  }
  return (
    <Row>
      <Dot color={color} />
      <div className="min-w-0 grow basis-40">
        <p className="truncate font-medium">{name}</p>
        <p className="truncate text-sm text-dim">{tasks} {tasks === 1 ? "task" : "tasks"}{description && `, ${description.split("\n")[0]!.replace(/[*_`#>]/g, "")}`}</p>
      </div>
      <Badge>{key}</Badge>
      {mayChange && (
        <span className="flex gap-1">
          {archivedAt ? <Button aria-label={`Restore ${name}`} onClick={() => void archive(false)}>Restore</Button> : (
            <>
              <Button kind="quiet" aria-label={`Edit ${name}`} onClick={() => onAsk({ kind: "edit", project })}>Edit</Button>
              <Button kind="quiet" aria-label={`Archive ${name}`} title="Archive" onClick={() => void archive(true)}><Archive size={16} aria-hidden /></Button>
            </>
          )}
          <Button ref={remove} kind="danger" aria-label={`Delete ${name}`} onClick={() => onAsk({ kind: "delete", project })}>Delete</Button>
        </span>
      )}
    </Row>
  );
}

function ProjectDialog({ project, onClose }: { project: Project | null; onClose: () => void }) {
  const workspace = useWorkspace();
  const act = useAct();
  const undoable = useUndoable();
  const current = useModel().projects.find(({ id }) => id === project?.id);
  const { name, key, description, color } = current ?? project ?? EMPTY;
  const draft = useDraft({ name, key, description, color }, current?.version ?? 1);
  const [isBusy, submit] = useOnce(async () => {
    const { key: wanted, ...rest } = draft.values;
    const answer = project
      ? await act(UpdateProjectDocument, { id: project.id, ...draft.changes, baseVersion: draft.baseVersion }, FIELDS)
      : await act(CreateProjectDocument, { workspaceId: workspace.id, ...rest, ...(wanted && { key: wanted }) }, FIELDS);
    if (answer.problems) return draft.refuse(answer.problems, answer.currentVersion);
    if (project) undoable(`“${draft.values.name}” is changed`, answer.payload.changeSetId);
    onClose();
  });
  return (
    <Dialog title={project ? `Edit ${project.name}` : "New project"} onClose={onClose}>
      <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
        <Field label="Name" value={draft.values.name} required maxLength={100} autoFocus problem={draft.problems.name} onChange={(event) => draft.set({ name: event.target.value })} />
        <Field label="Key" value={draft.values.key} required={Boolean(project)} placeholder="From the name" problem={draft.problems.key} hint={project ? "For new tasks; those that are there keep their names." : "What its tasks are called by, as in WEB-142."} onChange={(event) => draft.set({ key: event.target.value.toUpperCase() })} />
        <TextArea label="Description" value={draft.values.description} problem={draft.problems.description} hint="Markdown." onChange={(event) => draft.set({ description: event.target.value })} />
        <Colors value={draft.values.color} problem={draft.problems.color} onChange={(chosen) => draft.set({ color: chosen })} />
        <Problem>{draft.problems.form}</Problem>
        <Saving isChanged={draft.isChanged} isBusy={isBusy} label={project ? "Save project" : "Create project"} />
      </form>
    </Dialog>
  );
}

function DeleteProject({ project, onClose }: { project: Project; onClose: () => void }) {
  const model = useModel();
  const act = useAct();
  const [target, setTarget] = useState("");
  const others = model.projects.filter(({ id, archivedAt }) => id !== project.id && !archivedAt);
  async function remove(): Promise<Problems | null> {
    return (await act(DeleteProjectDocument, { id: project.id, moveTasksToProjectId: target || null })).problems;
  }
  return (
    <Confirm title={`Delete “${project.name}”?`} action="Delete project" onClose={onClose} onConfirm={remove}>
      <p>Its tasks stay, and its guests no longer see them.</p>
      <Select label="Its tasks go to" value={target} onChange={(event) => setTarget(event.target.value)}>
        <option value="">No project</option>
        {others.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
      </Select>
    </Confirm>
  );
}
