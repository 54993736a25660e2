/** Creates tasks one after the other: Enter saves and keeps the field open, Escape keeps what was typed. */
import { memo, Suspense, useEffect, useLayoutEffect, useRef, useState, type ClipboardEvent, type FormEvent } from "react";
import { lazily } from "../app/later";
import type { Label, Model, Task } from "../data/model";
import { takeTyped } from "../find/asked";
import { newId } from "../sync/ids";
import { updated } from "../sync/tasks";
import { whoSees } from "../task/mentions";
import { Button, Field, INPUT, Select } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { announce } from "../ui/announce";
import { NEW_TASK, useDraft } from "../ui/drafts";
import { toast } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";
import { shownTasks, today, type Filters } from "./arrange";
import { begun } from "./begun";
import type { Change } from "./changes";

export const fetchNewTaskFields = () => import("./NewTaskFields");
const Fields = lazily(fetchNewTaskFields);

interface NewTaskProps extends Pick<Model, "statuses" | "projects" | "members" | "labels" | "me"> {
  /** Of the column that it was asked for in, or empty. */
  statusId: string;
  filters: Filters;
  /** Shows a task that the filters hide. */
  onShow: (id: string) => void;
  onClose: () => void;
}

export const NewTask = memo(function NewTask({ statusId, filters, onShow, onClose, ...model }: NewTaskProps) {
  const workspace = useWorkspace();
  const [title, keep] = useDraft(NEW_TASK);
  const beginning = begun(model, statusId, filters, today());
  const [wanted, setWanted] = useState(beginning);
  // What was deleted meanwhile, and whoever does not see the project, would have the task refused. Another project may show it to more people.
  const status = model.statuses.some(({ id }) => id === wanted.status.id) ? wanted.status : beginning.status;
  const isLost = wanted.project && !model.projects.some(({ id, archivedAt }) => id === wanted.project?.id && !archivedAt);
  const members = whoSees(model.members, wanted);
  const [made, setMade] = useState<readonly Label[]>([]); // here, and not heard of yet
  const unheard = made.filter(({ id }) => !model.labels.some((label) => label.id === id));
  if (unheard.length < made.length) setMade(unheard);
  const labels = [...model.labels, ...unheard];
  const chosen = {
    ...wanted,
    status,
    assignees: wanted.assignees.filter(({ id }) => members.some(({ user }) => user.id === id)),
    labels: wanted.labels.filter(({ id }) => labels.some((label) => label.id === id)),
  };
  const [created, setCreated] = useState<readonly string[]>([]);
  const hidden = useRef<readonly Task[]>([]); // by the filters
  const field = useRef<HTMLFormElement>(null);
  const [isAsked, setAsked] = useState(false); // to create it as it is
  const [pasted, setPasted] = useState<readonly string[]>([]);
  const lines = pasted.join(" ") === title ? pasted : [];
  const problem = isLost ? "Its project is gone. Choose where it goes." : isAsked || title.length > MOST_LETTERS ? problemOf(title.trim()) : undefined;

  useEffect(() => workspace.onRefused(({ operation }) => {
    if (operation.name === "createTask") setCreated((ids) => ids.filter((id) => id !== operation.entityId));
  }), [workspace]);
  // The dialog has the focus by now: whatever was typed before comes before what is typed from here on.
  useLayoutEffect(() => {
    const typed = takeTyped();
    if (typed) keep(title + typed);
  }, []);
  function change({ projectId, ...rest }: Change): void {
    setWanted((now) => ({ ...now, ...updated(now, rest), ...(projectId === undefined ? {} : { project: projectId ? { id: projectId } : null }) }));
  }
  function submit(event: FormEvent): void {
    event.preventDefault();
    createAll([title.trim()]);
  }
  function createAll(titles: readonly string[]): void {
    setAsked(true);
    if (isLost || titles.some(problemOf)) return;
    const { project, priority, dueDate, assignees, labels } = chosen;
    const given = {
      statusId: status.id || null, projectId: project?.id ?? null, dueDate, priority,
      assigneeIds: assignees.map(({ id }) => id), labelIds: labels.map(({ id }) => id),
    };
    const inputs = titles.map((each) => ({ id: newId("task"), workspaceId: workspace.id, title: each, ...given }));
    workspace.submitEach("createTask", inputs);
    const tasks = inputs.flatMap(({ id }) => workspace.model().taskById.get(id) ?? []);
    const hiddenNow = tasks.filter((task) => shownTasks([task], filters, today()).tasks.length === 0);
    hidden.current = [...hidden.current, ...hiddenNow];
    announce(titles.length > 1 ? `${titles.length} tasks were created.` : `${titles[0]} was created${hiddenNow.length ? ", and the filters hide it" : ""}.`);
    keep("");
    setAsked(false);
    setCreated([...created, ...inputs.map(({ id }) => id)]);
    field.current?.querySelector("input")?.focus();
  }
  /** The field has one line: several are put in a row, and offered as a task each. */
  function paste(event: ClipboardEvent<HTMLInputElement>): void {
    const found = event.clipboardData.getData("text").split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean);
    if (found.length < 2) return;
    event.preventDefault();
    const { selectionStart, selectionEnd } = event.currentTarget;
    keep(title.slice(0, selectionStart ?? title.length) + found.join(" ") + title.slice(selectionEnd ?? title.length));
    setPasted(found);
  }

  /** A dialog lets nothing outside of it be pressed: so this is said at its end. */
  function close(): void {
    const { length, 0: first } = hidden.current;
    if (first) toast(length === 1 ? `“${first.title}” was created, and the filters hide it` : `${length} tasks were created, and the filters hide them`, undefined, { label: "Show", run: () => onShow(first.id), leads: true });
    onClose();
  }

  return (
    <Dialog title="New task" onClose={close}>
      <form ref={field} className="grid gap-3" noValidate onSubmit={submit}>
        <Field label="Title" value={title} onChange={(event) => { keep(event.target.value); setAsked(false); }} onPaste={paste} required problem={problem} autoFocus autoComplete="off"
          hint={<>{created.length > 0 && `${created.length} created. `}<span className="pointer-coarse:hidden">Enter creates it, Escape closes.</span></>} />
        <Suspense fallback={<Room />}><Fields chosen={chosen} model={{ ...model, members, labels }} onChange={change} onLabelMade={(label) => setMade((now) => [...now, label])} /></Suspense>
        <div className="flex flex-wrap gap-2">
          <Button kind="primary" type="submit" className="grow">Create task</Button>
          {lines.length > 1 && <Button className="grow" onClick={() => createAll(lines)}>Create {lines.length} tasks, one per line</Button>}
        </div>
      </form>
    </Dialog>
  );
});

/** As high as the fields, so that nothing moves when they come. */
const Room = () => (
  <div className="invisible grid gap-3">
    <Select label="Status" />
    {["Assignees", "Labels"].map((label) => <div key={label} className="grid gap-1"><span className="text-sm font-medium">{label}</span><div className={INPUT}>None</div></div>)}
  </div>
);

const MOST_LETTERS = 500;

function problemOf(title: string): string | undefined {
  const letters = [...title].length; // as the server counts them
  if (letters === 0) return "Give it a title.";
  return letters > MOST_LETTERS ? `A title has at most ${MOST_LETTERS} characters.` : undefined;
}
