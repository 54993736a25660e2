/**
 * The comments of a task: read when it is opened, and from then on followed with everything else in the replica.
 *
 * Invariant: what is shown is in the model; a comment that was read here is as good as one that came as an event.
 */
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useClient, type OperationResult } from "urql";
import { useAgain } from "../data/again";
import type { Comment, Task } from "../data/model";
import { TaskCommentsDocument, type TaskCommentsQuery } from "../gql/graphql";
import { useModel, useWorkspace } from "../workspace/context";

export interface Thread {
  readonly id: string;
  /** The first comment; undefined where it was deleted. */
  readonly first: Comment | undefined;
  readonly answers: readonly Comment[];
}

const NONE: readonly Comment[] = [];

/** Comments by thread, the oldest thread first. Pure. */
function threadsOf(comments: readonly Comment[]): Thread[] {
  const threads = new Map<string, { first: Comment | undefined; answers: Comment[] }>();
  const thread = (id: string): { first: Comment | undefined; answers: Comment[] } => {
    const known = threads.get(id) ?? { first: undefined, answers: [] };
    threads.set(id, known);
    return known;
  };
  for (const comment of comments) {
    if (comment.parent) thread(comment.parent.id).answers.push(comment);
    else thread(comment.id).first = comment;
  }
  return [...threads].map(([id, rest]) => ({ id, ...rest }));
}

export function useComments(task: Task): { comments: readonly Comment[]; threads: readonly Thread[]; isLoading: boolean; isMissing: boolean } {
  const client = useClient();
  const workspace = useWorkspace();
  const model = useModel();
  const snapshots = useSyncExternalStore(workspace.subscribe, () => workspace.snapshots);
  const [state, setState] = useState<"loading" | "read" | "missing">("loading");
  const [asked, setAsked] = useState(0);
  useAgain(state === "missing", () => setAsked(asked + 1));
  const isThere = workspace.confirmedVersion(task.id) !== undefined;
  useEffect(() => {
    workspace.followTalks([task.id]);
    if (!isThere) return setState("read"); // nobody can have said anything yet
    let isWanted = true;
    async function read(): Promise<void> {
      const gone = new Set(workspace.confirmedComments(task.id).map(({ id }) => id));
      for (let after: string | null | undefined = null; after !== undefined; ) {
        const { data, error }: OperationResult<TaskCommentsQuery> = await client.query<TaskCommentsQuery>(TaskCommentsDocument, { id: task.id, after }, { requestPolicy: "network-only" }).toPromise();
        if (!isWanted) return;
        const page: NonNullable<TaskCommentsQuery["task"]>["comments"] | undefined = data?.task?.comments;
        if (!page) return setState(error?.networkError ? "missing" : "read");
        for (const { id } of page.nodes) gone.delete(id);
        if (!workspace.sync.learn(page.nodes)) return; // too early: they are read again after the snapshot
        after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined;
      }
      workspace.sync.learn([], [...gone]); // they were deleted where no event told so
      workspace.showNow(); // who is told that all is read is shown all of it
      setState("read");
    }
    void read();
    return () => { isWanted = false; };
  }, [client, workspace, task.id, isThere, snapshots, asked]);
  const comments = model.commentsOf.get(task.id) ?? NONE;
  return { comments, threads: useMemo(() => threadsOf(comments), [comments]), isLoading: state === "loading", isMissing: state === "missing" };
}
