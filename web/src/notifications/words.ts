/** What a notification says, in words. */
import { dayWithin } from "../ui/day";
import { plainOf } from "../ui/plain";
import type { Notice } from "./store";

const day = (date: string | null | undefined): string => (date ? dayWithin(date) : "soon");

/** What happened, after the name of who did it last: of many, nothing says whether others did the rest. For dates there is nobody. */
export function happened({ kind, groupCount, emoji, task, comment, invite }: Notice): string {
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
    case "REACTION": {
      const withIt = emoji ? ` with ${emoji}` : "";
      return many ? `reacted${withIt}, ${groupCount} reactions in all` : `reacted${withIt} to your ${comment ? "comment" : "task"}`;
    }
  }
}

export const isOfDates = ({ kind }: Notice): boolean => kind === "DUE_SOON" || kind === "OVERDUE";

/** One line: who did what. */
export const sentence = (notice: Notice): string => (isOfDates(notice) ? happened(notice) : `${notice.actor.name} ${happened(notice)}`);

/** Neighbours of the same task and kind, all of them read or none: the newest first. */
export type Group = readonly [Notice, ...Notice[]];

export function inGroups(notices: readonly Notice[]): Group[] {
  const groups: [Notice, ...Notice[]][] = [];
  for (const notice of notices) {
    const last = groups.at(-1);
    if (last && isAlike(last[0], notice)) last.push(notice);
    else groups.push([notice]);
  }
  return groups;
}

const isAlike = (a: Notice, b: Notice): boolean => Boolean(a.task) && a.task?.id === b.task?.id && a.kind === b.kind && Boolean(a.readAt) === Boolean(b.readAt);

const COUNTED: Partial<Record<Notice["kind"], string>> = { MENTION: "mentioned you", COMMENT: "commented", REPLY: "replied to you", REACTION: "reacted" };

/** Who did it, and what: all of them where all are known. */
export function saidOf(group: Group): { readonly who: string; readonly what: string } {
  const [last] = group;
  const verb = COUNTED[last.kind];
  const who = isOfDates(last) ? "" : last.actor.name;
  if (group.length === 1 || !verb) return { who, what: happened(last) };
  const groupCount = group.reduce((sum, notice) => sum + notice.groupCount, 0);
  if (groupCount > group.length) return { who, what: happened({ ...last, groupCount }) };
  return { who: listed([...new Map(group.map(({ actor }) => [actor.id, actor.name])).values()]), what: `${verb} ${groupCount === 2 ? "twice" : `${groupCount} times`}${withEmojis(group)}` };
}

function withEmojis(group: Group): string {
  const emojis = new Set(group.flatMap(({ emoji }) => emoji ?? []));
  return emojis.size ? `, with ${[...emojis].join(" ")}` : "";
}

/** Two are named, and of more how many there are. */
function listed(names: readonly string[]): string {
  const [first, second, ...others] = names;
  if (!second) return first ?? "";
  if (others.length === 0) return `${first} and ${second}`;
  return others.length === 1 ? `${first}, ${second} and ${others[0]}` : `${first}, ${second} and ${others.length} others`;
}

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
