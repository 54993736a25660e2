/** Statuses, which are the columns of the board, in their order. */
import { ArrowDown, ArrowUp, Plus } from "lucide-react";
import { useState } from "react";
import { useAct, type Problems } from "../data/act";
import { may, type Status } from "../data/model";
import { CreateStatusDocument, DeleteStatusDocument, UpdateStatusDocument, type StatusCategory } from "../gql/later/graphql";
import { Button, Dot, Field, Select } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Badge, Colors, COLORS, Confirm, Problem, Row, Rows, Saving, Section, useDraft } from "../ui/forms";
import { useOnce } from "../ui/once";
import { toast } from "../ui/toasts";
import { useUndoable } from "../ui/undo";
import { useModel, useWorkspace } from "../workspace/context";

const CATEGORIES: Record<StatusCategory, string> = { BACKLOG: "Backlog", TODO: "To do", IN_PROGRESS: "In progress", DONE: "Done", CANCELED: "Canceled" };

const FIELDS = ["name", "category", "color"];
const EMPTY = { name: "", category: "IN_PROGRESS", color: COLORS[6]![0] };

type Question = { readonly kind: "edit" | "delete"; readonly status: Status };

export function Statuses() {
  const model = useModel();
  const mayChange = may(model, "PROJECT_ADMIN");
  const [isMaking, setIsMaking] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const close = (): void => setQuestion(null);
  return (
    <>
      <Section title="Statuses" lead="The columns of the board, from the left to the right. The category says what a status means, whatever it is called."
        action={mayChange && <Button kind="primary" onClick={() => setIsMaking(true)}><Plus size={16} aria-hidden />New status</Button>}>
        <Rows label="Statuses">
          {model.statuses.map((status, at) => <StatusRow key={status.id} status={status} before={model.statuses[at - 1]} after={model.statuses[at + 1]} mayChange={mayChange} onAsk={setQuestion} />)}
        </Rows>
      </Section>
      {isMaking && <StatusDialog status={null} onClose={() => setIsMaking(false)} />}
      {question?.kind === "edit" && <StatusDialog status={question.status} onClose={close} />}
      {question?.kind === "delete" && <DeleteStatus status={question.status} onClose={close} />}
    </>
  );
}

interface StatusRowProps {
  status: Status;
  before: Status | undefined;
  after: Status | undefined;
  mayChange: boolean;
  onAsk: (question: Question) => void;
}

function StatusRow({ status, before, after, mayChange, onAsk }: StatusRowProps) {
  const model = useModel();
  const act = useAct();
  const undoable = useUndoable();
  const { id, name, color, category } = status;
  const tasks = model.tasks.filter((task) => task.status.id === id && !task.archivedAt).length;
  async function move(position: { before: string } | { after: string }): Promise<void> {
    const { payload, problems } = await act(UpdateStatusDocument, { id, position });
    if (problems) toast(`“${name}” stays where it was`, problems.form);
    else undoable(`“${name}” was moved`, payload.changeSetId);
  }
  return (
    <Row>
      <Dot color={color} />
      <div className="min-w-0 grow basis-32"><p className="truncate font-medium">{name}</p><p className="text-sm text-dim">{tasks} {tasks === 1 ? "task" : "tasks"}</p></div>
      <Badge>{CATEGORIES[category]}</Badge>
      {mayChange && (
        <span className="flex gap-1">
          <Button kind="quiet" aria-label={`Move ${name} up`} disabled={!before} onClick={() => before && void move({ before: before.id })}><ArrowUp size={16} aria-hidden /></Button>
          <Button kind="quiet" aria-label={`Move ${name} down`} disabled={!after} onClick={() => after && void move({ after: after.id })}><ArrowDown size={16} aria-hidden /></Button>
          <Button kind="quiet" aria-label={`Edit ${name}`} onClick={() => onAsk({ kind: "edit", status })}>Edit</Button>
          <Button kind="danger" aria-label={`Delete ${name}`} onClick={() => onAsk({ kind: "delete", status })}>Delete</Button>
        </span>
      )}
    </Row>
  );
}

function StatusDialog({ status, onClose }: { status: Status | null; onClose: () => void }) {
  const workspace = useWorkspace();
  const act = useAct();
  const undoable = useUndoable();
  const current = useModel().statuses.find(({ id }) => id === status?.id);
  const { name, category, color } = current ?? status ?? EMPTY;
  const draft = useDraft({ name, category: category as string, color }, current?.version ?? 1);
  const [isBusy, submit] = useOnce(async () => {
    const { category: changed, ...changes } = draft.changes;
    const answer = status
      ? await act(UpdateStatusDocument, { id: status.id, ...changes, ...(changed && { category: changed as StatusCategory }), baseVersion: draft.baseVersion }, FIELDS)
      : await act(CreateStatusDocument, { workspaceId: workspace.id, ...draft.values, category: draft.values.category as StatusCategory }, FIELDS);
    if (answer.problems) return draft.refuse(answer.problems, answer.currentVersion);
    if (status) undoable(`“${draft.values.name}” is changed`, answer.payload.changeSetId);
    onClose();
  });
  return (
    <Dialog title={status ? `Edit ${status.name}` : "New status"} onClose={onClose}>
      <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
        <Field label="Name" value={draft.values.name} required maxLength={100} autoFocus problem={draft.problems.name} onChange={(event) => draft.set({ name: event.target.value })} />
        <Select label="What it means" value={draft.values.category} onChange={(event) => draft.set({ category: event.target.value })}>
          {Object.entries(CATEGORIES).map(([id, label]) => <option key={id} value={id}>{label}</option>)}
        </Select>
        <Problem>{draft.problems.category}</Problem>
        <Colors value={draft.values.color} problem={draft.problems.color} onChange={(chosen) => draft.set({ color: chosen })} />
        <Problem>{draft.problems.form}</Problem>
        <Saving isChanged={draft.isChanged} isBusy={isBusy} label={status ? "Save status" : "Create status"} />
      </form>
    </Dialog>
  );
}

function DeleteStatus({ status, onClose }: { status: Status; onClose: () => void }) {
  const model = useModel();
  const act = useAct();
  const others = model.statuses.filter(({ id }) => id !== status.id);
  const [target, setTarget] = useState((others.find(({ category }) => category === status.category) ?? others[0])?.id ?? "");
  async function remove(): Promise<Problems | null> {
    return (await act(DeleteStatusDocument, { id: status.id, moveTasksToStatusId: target })).problems;
  }
  if (others.length === 0) {
    return <Dialog title={`“${status.name}” has to stay`} onClose={onClose}><p className="text-sm">It is the only status there is, and every task has one. Make another one first.</p></Dialog>;
  }
  return (
    <Confirm title={`Delete “${status.name}”?`} action="Delete status" onClose={onClose} onConfirm={remove}>
      <Select label="Its tasks go to" value={target} onChange={(event) => setTarget(event.target.value)}>
        {others.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
      </Select>
    </Confirm>
  );
}
