/** Creates tasks one after the other: Enter saves and keeps the field open, Escape keeps what was typed. */
import { memo, useEffect, useLayoutEffect, useRef, useState, type FormEvent } from "react";
import type { Model, Task } from "../data/model";
import { takeTyped } from "../find/asked";
import { Button, Field, Select } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { announce } from "../ui/announce";
import { NEW_TASK, useDraft } from "../ui/drafts";
import { toast } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";
import { NOBODY, shownTasks, today, type Filters } from "./arrange";

interface NewTaskProps extends Pick<Model, "statuses" | "projects"> {
  statusId: string;
  filters: Filters;
  /** Shows a task that the filters hide. */
  onShow: (id: string) => void;
  onClose: () => void;
}

export const NewTask = memo(function NewTask({ statuses, projects, statusId, filters, onShow, onClose }: NewTaskProps) {
  const workspace = useWorkspace();
  const [title, keep] = useDraft(NEW_TASK);
  const [status, setStatus] = useState(statusId || (statuses.find(({ category }) => category === "TODO")?.id ?? statuses[0]?.id ?? ""));
  const open = projects.filter(({ archivedAt }) => !archivedAt);
  // A guest's tasks are all in one of the guest's projects.
  const isGuest = workspace.model().me?.role === "GUEST";
  const [project, setProject] = useState((filters.project === NOBODY ? "" : filters.project) || (isGuest ? (open[0]?.id ?? "") : ""));
  const [created, setCreated] = useState<readonly string[]>([]);
  const hidden = useRef<readonly Task[]>([]); // by the filters

  useEffect(() => workspace.onRefused(({ operation }) => {
    if (operation.name === "createTask") setCreated((ids) => ids.filter((id) => id !== operation.entityId));
  }), [workspace]);
  // The dialog has the focus by now: whatever was typed before comes before what is typed from here on.
  useLayoutEffect(() => {
    const typed = takeTyped();
    if (typed) keep(title + typed);
  }, []);
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (!title.trim()) return;
    const id = workspace.createTask({ title: title.trim(), ...(status ? { statusId: status } : {}), ...(project ? { projectId: project } : {}) });
    const task = workspace.model().taskById.get(id);
    const isHidden = task !== undefined && shownTasks([task], filters, today()).tasks.length === 0;
    if (isHidden) hidden.current = [...hidden.current, task];
    announce(`${title.trim()} was created${isHidden ? ", and the filters hide it" : ""}.`);
    keep("");
    setCreated([...created, id]);
  }

  /** A dialog lets nothing outside of it be pressed: so this is said at its end. */
  function close(): void {
    const { length, 0: first } = hidden.current;
    if (first) toast(length === 1 ? `“${first.title}” was created, and the filters hide it` : `The filters hide ${length} of the tasks that you created`, undefined, { label: "Show", run: () => onShow(first.id) });
    onClose();
  }

  return (
    <Dialog title="New task" onClose={close}>
      <form className="grid gap-3" onSubmit={submit}>
        <Field label="Title" value={title} onChange={(event) => keep(event.target.value)} required maxLength={500} autoFocus autoComplete="off"
          hint={<>{created.length > 0 && `${created.length} created. `}<span className="pointer-coarse:hidden">{created.length ? "Enter creates one more, Escape closes." : "Enter creates it, and you can type the next one."}</span></>} />
        <div className="grid grid-cols-2 gap-3">
          <Select label="Status" value={status} onChange={(event) => setStatus(event.target.value)}>
            {statuses.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
          </Select>
          <Select label="Project" value={project} onChange={(event) => setProject(event.target.value)}>
            {!isGuest && <option value="">No project</option>}
            {open.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
          </Select>
        </div>
        <Button kind="primary" type="submit">Create task</Button>
      </form>
    </Dialog>
  );
});
