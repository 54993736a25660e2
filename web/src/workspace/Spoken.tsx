/** Says to screen readers what others change in the open workspace, some of it at a time. There is nothing to see of it. */
import { useEffect } from "react";
import type { Model } from "../data/model";
import type { WorkspaceEvent } from "../data/server";
import { announceOthers } from "../ui/announce";
import { useWorkspace } from "./context";

const REST_MS = 1_000; // what happens within it is said together
const AT_MOST = 2; // more sentences than these are counted

export default function Spoken() {
  const workspace = useWorkspace();
  useEffect(() => {
    let said: string[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const off = workspace.onEvents((events) => {
      said.push(...sentencesOf(events, workspace.model(), workspace.myId));
      if (said.length === 0 || timer) return;
      timer = setTimeout(() => {
        announceOthers(said.length > AT_MOST ? `Others made ${said.length} changes.` : said.join(" "));
        said = [];
        timer = undefined;
      }, REST_MS);
    });
    return () => {
      off();
      clearTimeout(timer);
    };
  }, [workspace]);
  return null;
}

/** One sentence for each event of somebody else; `model` is what was before. */
export function sentencesOf(events: readonly WorkspaceEvent[], model: Model, myId: string): string[] {
  return events.flatMap((event) => {
    const { actor } = event;
    if (!actor || actor.id === myId) return [];
    const what = happened(event, model);
    return what ? [`${actor.name} ${what}.`] : [];
  });
}

function happened(event: WorkspaceEvent, model: Model): string | null {
  const known = "taskId" in event && event.taskId ? model.taskById.get(event.taskId)?.title : undefined;
  switch (event.__typename) {
    case "TaskCreatedEvent":
      return event.task ? `added “${event.task.title}”` : null;
    case "TaskUpdatedEvent": {
      const fields = event.changes.map(({ field }) => field);
      const title = `“${event.task?.title ?? known ?? "a task"}”`;
      if (fields.includes("ARCHIVED")) return event.task?.archivedAt ? `archived ${title}` : `brought ${title} back`;
      if (fields.includes("STATUS")) return `moved ${title} to ${model.statusById.get(event.task?.status.id ?? "")?.name ?? "another status"}`;
      return fields.every((field) => field === "RANK") ? null : `changed ${title}`;
    }
    case "TaskRemovedEvent":
      return `removed “${known ?? "a task"}”`;
    case "CommentEvent":
      return event.op === "CREATED" ? `commented on “${event.task?.title ?? known ?? "a task"}”` : null;
    default:
      return null;
  }
}
