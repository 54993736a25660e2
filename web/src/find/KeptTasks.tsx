/**
 * Reads what *My tasks* would show when a task of the person has changed in the open workspace, and keeps it: without a connection
 * that page is as new as this one. There is nothing to see of it.
 */
import { useEffect, useRef } from "react";
import { useClient } from "urql";
import { useLink } from "../data/connection";
import type { OpenWorkspace } from "../data/workspace";
import type { WorkspaceEvent } from "../data/server";
import { MyTasksDocument } from "../gql/graphql";
import { useWorkspace } from "../workspace/context";
import { keep } from "../workspace/kept";
import { KEPT_TASKS } from "./find";

const REST_MS = 1_000; // a burst of changes is one question

export default function KeptTasks() {
  const client = useClient();
  const workspace = useWorkspace();
  const isLive = useLink(({ link }) => link === "live");
  const isDue = useRef(true);
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
      timer ??= setTimeout(() => void read(), REST_MS);
    }
    if (isDue.current) soon();
    const off = workspace.onEvents((events) => {
      if (events.some((event) => isOfMine(event, workspace))) soon();
    });
    return () => {
      isOver = true;
      clearTimeout(timer);
      off();
    };
  }, [client, workspace, isLive]);
  return null;
}

/** Whether it is about a task that is assigned to the person, or was. */
function isOfMine(event: WorkspaceEvent, workspace: OpenWorkspace): boolean {
  const isMine = (people: readonly { readonly id: string }[] = []): boolean => people.some(({ id }) => id === workspace.myId);
  const wasMine = (id: string): boolean => isMine(workspace.model().taskById.get(id)?.assignees);
  switch (event.__typename) {
    case "TaskCreatedEvent":
      return isMine(event.task?.assignees);
    case "TaskUpdatedEvent":
      return isMine(event.task?.assignees) || event.changes.some(({ field }) => field === "ASSIGNEES") || wasMine(event.taskId);
    case "TaskRemovedEvent":
      return wasMine(event.taskId);
    default:
      return false;
  }
}
