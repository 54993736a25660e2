/** What a notification says, in words. */
import { dayWithin } from "../ui/day";
import { plainOf } from "../ui/plain";
import type { Notice } from "./store";

const day = (date: string | null | undefined): string => (date ? dayWithin(date) : "soon");

/** What happened, after the name of who did it last: of many, nothing says whether others did the rest. For dates there is nobody. */
export function happened({ kind, groupCount, task, invite }: Notice): string {
  const many = groupCount > 1;
  switch (kind) {
    case "MENTION": return many ? `mentioned you, ${groupCount} mentions in all` : "mentioned you";
    case "ASSIGNED": return "assigned you";
    case "UNASSIGNED": return "took you off";
    case "COMMENT": return many ? `commented last, ${groupCount} new comments` : "commented";
    case "REPLY": return many ? `replied last, ${groupCount} new replies` : "replied to you";
    case "STATUS_CHANGED": return `moved the task to ${task?.status.name ?? "another status"}`;
    case "DUE_SOON": return `Due ${day(task?.dueDate)}`;
    case "OVERDUE": return `Late: it was due ${day(task?.dueDate)}`;
    case "INVITED": return `invited you to ${invite?.workspaceName ?? "a workspace"}`;
    case "REACTION": return many ? `reacted, ${groupCount} reactions in all` : "reacted";
  }
}

export const isOfDates = ({ kind }: Notice): boolean => kind === "DUE_SOON" || kind === "OVERDUE";

/** One line: who did what. */
export const sentence = (notice: Notice): string => (isOfDates(notice) ? happened(notice) : `${notice.actor.name} ${happened(notice)}`);

/** What it is about. */
export function subject({ task, invite, workspace }: Notice): string {
  if (task) return task.title;
  return invite ? "The link to join is in your email." : (workspace?.name ?? "");
}

/** The comment's text on a line. */
export function excerpt({ comment }: Notice): string {
  if (!comment) return "";
  const names = new Map(comment.mentions.map(({ id, name }) => [id, name]));
  const text = plainOf(comment.body, (id) => names.get(id));
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

/** Where it leads, if there is such a place for this person. */
export const pathOf = ({ workspace, task, comment }: Notice): string | null =>
  workspace && task ? `/w/${workspace.slug}/board/${task.key}${comment ? `#${comment.id}` : ""}` : null;

/** Today, Yesterday, This week, Earlier. */
export function dayGroup(at: string, now: number): string {
  const start = new Date(now);
  start.setHours(0, 0, 0, 0);
  const days = Math.ceil((start.getTime() - Date.parse(at)) / 86_400_000);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  return days < 7 ? "This week" : "Earlier";
}
