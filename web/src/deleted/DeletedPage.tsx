/** What was deleted in the last 30 days and can be restored, the last deleted first. Read from the server: the replica has only what is there. */
import { RotateCcw } from "lucide-react";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useClient } from "urql";
import { useAgain } from "../data/again";
import { DeletedTasksDocument, type DeletedTasksQuery } from "../gql/later/graphql";
import { Button, Dot, Empty, Loading, textOf } from "../ui/controls";
import { inNextRow, useFocusLeft } from "../ui/focus-left";
import { Row, Rows, SettingsFrame } from "../ui/forms";
import { Ago } from "../ui/time";
import { toast } from "../ui/toasts";
import { useModel, useWorkspace } from "../workspace/context";

type List = NonNullable<NonNullable<DeletedTasksQuery["workspace"]>["deletedTasks"]>;
type Deleted = List["nodes"][number];

const PAGE = 50;
const AT_MOST = 500; // that is how many the server gives at once

export default function DeletedPage() {
  return (
    <SettingsFrame title="Deleted tasks" lead="A deleted task can be restored for 30 days, with its comments and its history.">
      <DeletedTasks />
    </SettingsFrame>
  );
}

function DeletedTasks() {
  const { taskById } = useModel();
  const [first, setFirst] = useState(PAGE);
  const { list, problem, readAgain } = useDeleted(first);
  if (list === null) return <Empty title="You may not restore tasks here."><p>Members of the workspace can.</p></Empty>;
  if (!list && problem) {
    return <Empty title="The deleted tasks cannot be read now."><p>{problem} They are read as soon as there is a connection.</p><Button className="mt-4" onClick={readAgain}>Try again</Button></Empty>;
  }
  if (!list) return <Loading what="the deleted tasks" />;
  const tasks = list.nodes.filter(({ id }) => !taskById.has(id)); // who restored one does not wait until the list is read anew
  const { hasNextPage } = list.pageInfo;
  return (
    <>
      {problem && <p role="status" className="text-sm text-dim">This list may be old: {problem}</p>}
      {tasks.length > 0 ? <Rows label="Deleted tasks">{tasks.map((task) => <DeletedTask key={task.id} task={task} />)}</Rows> : !hasNextPage && <Empty title="Nothing was deleted in the last 30 days." />}
      {hasNextPage && (first < AT_MOST ? <div><Button onClick={() => setFirst(Math.min(first * 2, AT_MOST))}>Show earlier</Button></div> : <p className="text-sm text-dim">These are the last {AT_MOST}.</p>)}
    </>
  );
}

/** The last so many, read anew when a task comes or goes; null: they are not for this person. */
function useDeleted(first: number): { list: List | null | undefined; problem: string | null; readAgain: () => void } {
  const workspace = useWorkspace();
  const client = useClient();
  const [list, setList] = useState<List | null>();
  const [problem, setProblem] = useState<string | null>(null);
  const asked = useRef(first);
  const [times, reading] = [useRef(0), useRef(false)];
  /** One at a time: what was asked for meanwhile is read after it, and so is not older than why it was asked for. */
  async function read(): Promise<void> {
    times.current += 1;
    if (reading.current) return;
    reading.current = true;
    for (let done = 0; done !== times.current; ) {
      done = times.current;
      const { data, error } = await client.query(DeletedTasksDocument, { id: workspace.id, first: asked.current }, { requestPolicy: "network-only" }).toPromise();
      if (data?.workspace) setList(data.workspace.deletedTasks);
      setProblem(error ? textOf(error) : null);
    }
    reading.current = false;
  }
  useEffect(() => {
    asked.current = first;
    void read();
  }, [first]);
  useEffect(() => workspace.onEvents((events) => {
    if (events.some(({ __typename }) => __typename === "TaskRemovedEvent" || __typename === "TaskCreatedEvent")) void read();
  }), [workspace]);
  useAgain(problem !== null, () => void read());
  return { list, problem, readAgain: () => void read() };
}

function DeletedTask({ task }: { task: Deleted }) {
  const workspace = useWorkspace();
  const { id, key, title, status, deletedAt } = task;
  const isWaiting = useSyncExternalStore(workspace.subscribe, () => workspace.waiting.some(({ name, entityId }) => name === "restoreTask" && entityId === id));
  const deletion = task.history.nodes.find(({ changes }) => changes.some(({ field }) => field === "DELETED"));
  function restore(): void {
    const done = workspace.submit("restoreTask", { id });
    toast(`“${title}” was restored`, undefined, { label: "Undo", run: () => workspace.undo([done]), undoes: [done] });
  }
  return (
    <Row>
      <div className="grid min-w-0 grow basis-48 gap-0.5 text-sm">
        <p className="font-medium wrap-anywhere">{title}</p>
        <p className="flex flex-wrap items-center gap-x-1.5 text-xs text-dim">
          {key}<Dot color={status.color} />{status.name}
          <span>· Deleted {deletion && `by ${deletion.actor.name} `}{deletedAt && <Ago at={deletedAt} />}</span>
        </p>
      </div>
      <Button ref={useFocusLeft(inNextRow)} {...(isWaiting ? {} : { "aria-label": `Restore “${title}”` })} aria-disabled={isWaiting} onClick={() => !isWaiting && restore()}>
        <RotateCcw size={15} aria-hidden />{isWaiting ? "Restored, not saved yet" : "Restore"}
      </Button>
    </Row>
  );
}
