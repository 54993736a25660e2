/**
 * Reads what *My tasks* would show when a task of the person has changed in the open workspace, and keeps it: without a connection
 * that page is as new as this one. There is nothing to see of it.
 */
import { useEffect, useRef } from "react";
import { useClient } from "urql";
import { useLink } from "../data/connection";
import type { OpenWorkspace } from "../data/workspace";
import type { WorkspaceEvent } from "../data/server";
import { MyTasksDocument } from "../gql/later/graphql";
import { useWorkspace } from "../workspace/context";
import { keep } from "../workspace/kept";
import { KEPT_TASKS } from "./find";

const REST_MS = 10_000; // a burst of changes is one question, soon after the first of them, and one at its end
const SOON_MS = 1_000;
const SPREAD_MS = 1_000; // what concerns many at once is not asked by all of them in the same moment

export default function KeptTasks() {
  const client = useClient();
  const workspace = useWorkspace();
  const isLive = useLink(({ link }) => link === "live");
  const isDue = useRef(true);
  const restsUntil = useRef(0);
  useEffect(() => {
    if (!isLive) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    async function read(): Promise<void> {
      timer = undefined;
      isDue.current = false;
      const { data } = await client.query(MyTasksDocument, {}, { requestPolicy: "network-only" }).toPromise();
      const said = data?.viewer?.assignedTasks;
      if (said && !isOver) await keep(workspace.myId, KEPT_TASKS, { data: said, readAt: new Date().toISOString() }).catch(() => undefined);
      else isDue.current = true;
    }
    function soon(): void {
      isDue.current = true;
      timer ??= setTimeout(() => void read(), Math.max(SOON_MS + Math.random() * SPREAD_MS, restsUntil.current - performance.now()));
    }
    if (isDue.current) soon();
    const off = workspace.onEvents((events) => {
      if (timer || !events.some((event) => isOfMine(event, workspace))) return;
      soon();
      restsUntil.current = performance.now() + REST_MS;
    });
    return () => {
      isOver = true;
      clearTimeout(timer);
      off();
    };
  }, [client, workspace, isLive]);
  return null;
}

/** Whether it is about a task that is assigned to the person, or was; asked before the event is applied. */
function isOfMine(event: WorkspaceEvent, workspace: OpenWorkspace): boolean {
  const isMine = (people: readonly { readonly id: string }[] = []): boolean => people.some(({ id }) => id === workspace.myId);
  function wasMine(id: string): boolean {
    const row = workspace.confirmed(id);
    return row?.__typename === "Task" && isMine(row.assignees);
  }
  switch (event.__typename) {
    case "TaskCreatedEvent":
      return isMine(event.task?.assignees);
    case "TaskUpdatedEvent":
      return isMine(event.task?.assignees) || wasMine(event.taskId) || (event.actor?.id === workspace.myId && event.changes.some(({ field }) => field === "ASSIGNEES")); // the answer to that was applied before
    case "TaskRemovedEvent":
      return wasMine(event.taskId);
    default:
      return false;
  }
}
