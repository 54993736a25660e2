/** Labels: what tasks can be marked with. */
import { Tag } from "lucide-react";
import { useState } from "react";
import { useAct, type Problems } from "../data/act";
import { may, type Label } from "../data/model";
import { CreateLabelDocument, DeleteLabelDocument, UpdateLabelDocument } from "../gql/later/graphql";
import { Button, Dot, Field } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Colors, COLORS, Confirm, Problem, Row, Rows, Saving, Section, useDraft } from "../ui/forms";
import { useOnce } from "../ui/once";
import { useUndoable } from "../ui/undo";
import { useModel, useWorkspace } from "../workspace/context";

const FIELDS = ["name", "color"];

type Question = { readonly kind: "edit" | "delete"; readonly label: Label };

export function Labels() {
  const model = useModel();
  const mayChange = may(model, "PROJECT_ADMIN");
  const [isMaking, setIsMaking] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const close = (): void => setQuestion(null);
  const used = (label: Label): number => model.tasks.filter(({ labels }) => labels.some(({ id }) => id === label.id)).length;
  return (
    <>
      <Section title="Labels" lead="A task can have any number of them." action={mayChange && <Button kind="primary" onClick={() => setIsMaking(true)}><Tag size={16} aria-hidden />New label</Button>}>
        {model.labels.length ? (
          <Rows label="Labels">
            {model.labels.map((label) => (
              <Row key={label.id}>
                <Dot color={label.color} />
                <p className="min-w-0 grow truncate font-medium">{label.name}</p>
                <span className="text-sm text-dim">{used(label)} {used(label) === 1 ? "task" : "tasks"}</span>
                {mayChange && (
                  <span className="flex gap-1">
                    <Button kind="quiet" aria-label={`Edit ${label.name}`} onClick={() => setQuestion({ kind: "edit", label })}>Edit</Button>
                    <Button kind="danger" aria-label={`Delete ${label.name}`} onClick={() => setQuestion({ kind: "delete", label })}>Delete</Button>
                  </span>
                )}
              </Row>
            ))}
          </Rows>
        ) : <p className="text-sm text-dim">There is no label yet.</p>}
      </Section>
      {isMaking && <LabelDialog label={null} onClose={() => setIsMaking(false)} />}
      {question?.kind === "edit" && <LabelDialog label={question.label} onClose={close} />}
      {question?.kind === "delete" && <DeleteLabel label={question.label} uses={used(question.label)} onClose={close} />}
    </>
  );
}

function LabelDialog({ label, onClose }: { label: Label | null; onClose: () => void }) {
  const workspace = useWorkspace();
  const act = useAct();
  const undoable = useUndoable();
  const current = useModel().labels.find(({ id }) => id === label?.id);
  const { name, color } = current ?? label ?? { name: "", color: COLORS[4]![0] };
  const draft = useDraft({ name, color }, current?.version ?? 1);
  const [isBusy, submit] = useOnce(async () => {
    const answer = label
      ? await act(UpdateLabelDocument, { id: label.id, ...draft.changes, baseVersion: draft.baseVersion }, FIELDS)
      : await act(CreateLabelDocument, { workspaceId: workspace.id, ...draft.values }, FIELDS);
    if (answer.problems) return draft.refuse(answer.problems, answer.currentVersion);
    if (label) undoable(`“${draft.values.name}” is changed`, answer.payload.changeSetId);
    onClose();
  });
  return (
    <Dialog title={label ? `Edit ${label.name}` : "New label"} onClose={onClose}>
      <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
        <Field label="Name" value={draft.values.name} required maxLength={100} autoFocus problem={draft.problems.name} onChange={(event) => draft.set({ name: event.target.value })} />
        <Colors value={draft.values.color} problem={draft.problems.color} onChange={(chosen) => draft.set({ color: chosen })} />
        <Problem>{draft.problems.form}</Problem>
        <Saving isChanged={draft.isChanged} isBusy={isBusy} label={label ? "Save label" : "Create label"} />
      </form>
    </Dialog>
  );
}

function DeleteLabel({ label, uses, onClose }: { label: Label; uses: number; onClose: () => void }) {
  const act = useAct();
  async function remove(): Promise<Problems | null> {
    return (await act(DeleteLabelDocument, { id: label.id })).problems;
  }
  return (
    <Confirm title={`Delete “${label.name}”?`} action="Delete label" onClose={onClose} onConfirm={remove}>
      <p>{uses === 0 ? "No task has it." : `${uses} ${uses === 1 ? "task loses" : "tasks lose"} it, and stay otherwise as they are.`}</p>
    </Confirm>
  );
}
