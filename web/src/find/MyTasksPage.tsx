/** What is assigned to the person and not done, over all their workspaces, by when it is due. */
import { useEffect } from "react";
import { nowShown } from "../app/later";
import { useQueryAgain } from "../data/again";
import { useWaitingOf } from "../data/waiting";
import { KeptNote, useKept } from "../workspace/kept";
import { useTouched } from "../workspace/touched";
import { useViewer } from "../workspace/viewer";
import { MyTasksDocument } from "../gql/later/graphql";
import { Button, Empty, Loading, textOf } from "../ui/controls";
import { useToday } from "../ui/time";
import { DUE_GROUPS, dueGroup, KEPT_TASKS } from "./find";
import { TaskLine } from "./TaskLine";
import { useWalk } from "./walk";

export default function MyTasksPage() {
  useEffect(nowShown, []);
  useWalk();
  return (
    <div className="min-h-0 grow overflow-y-auto" tabIndex={-1}>
      <div className="mx-auto grid max-w-4xl grid-cols-1 gap-6 px-4 py-6 sm:px-8">
        <h2 className="text-xl font-semibold tracking-tight">My tasks</h2>
        <MyTasks />
      </div>
    </div>
  );
}

function MyTasks() {
  const day = useToday();
  const [{ data, error, stale }, ask] = useQueryAgain({ query: MyTasksDocument, requestPolicy: "cache-and-network" });
  const askAgain = (): void => ask({ requestPolicy: "network-only" });
  useTouched(askAgain);
  const said = data?.viewer?.assignedTasks ?? null;
  const kept = useKept(KEPT_TASKS, stale || error ? null : said);
  const waiting = useWaitingOf(useViewer().user.id);
  const shown = said ?? kept?.data;
  const tasks = shown?.nodes;
  if (!tasks && error && kept === null) {
    return <Empty title="Your tasks cannot be read now."><p>{textOf(error)}</p><Button className="mt-4" onClick={askAgain}>Try again</Button></Empty>;
  }
  if (!tasks) return <Loading what="your tasks" />;
  const note = kept && <KeptNote readAt={kept.readAt} isMissing={Boolean(error)}>{waiting > 0 && " What you have changed since is not in it."}</KeptNote>;
  if (!tasks.length) return <>{note}<Empty title="Nothing is assigned to you."><p>To take a task, choose yourself among its assignees<span className="pointer-coarse:hidden">, or press I on its card</span>.</p></Empty></>;
  return (
    <>
      {note}
      {DUE_GROUPS.map((group) => {
        const due = tasks.filter(({ dueDate }) => dueGroup(dueDate, day) === group);
        return due.length > 0 && (
          <section key={group} aria-label={group}>
            <h3 className="pb-1.5 text-sm font-semibold">{group} <span className="font-normal text-dim">{due.length}</span></h3>
            <div className="rounded-xl border border-line">{due.map((task) => <TaskLine key={task.id} task={task} slug={task.workspace.slug} place={task.workspace.name} />)}</div>
          </section>
        );
      })}
      {shown.pageInfo.hasNextPage && <p className="text-sm text-dim">These are the first 200, the most urgent ones.</p>}
    </>
  );
}
