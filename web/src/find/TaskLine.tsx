/** One task that was found, as a link to where it is. */
import { Link } from "wouter";
import { isLate, PRIORITY_LOOKS, PRIORITY_NAMES } from "../board/arrange";
import type { FoundTaskFragment } from "../gql/later/graphql";
import { Avatars, Dot } from "../ui/controls";
import { dayAlone } from "../ui/day";
import { useToday } from "../ui/time";
import type { Part, Passage } from "./find";

export function TaskLine({ task, slug, place, title = [{ text: task.title, isMatch: false }], passage = null }: { task: FoundTaskFragment; slug: string; place?: string; title?: readonly Part[]; passage?: Passage | null }) {
  const day = useToday();
  const late = isLate(task, day);
  return (
    <Link href={`/w/${slug}/board/${task.key || task.id}${passage?.comment ? `#${passage.comment.id}` : ""}`} data-found={task.id} className="grid min-h-11 gap-0.5 border-b border-line px-3 py-2 text-sm first:rounded-t-xl last:rounded-b-xl last:border-b-0 hover:bg-hover focus-visible:bg-soft focus-visible:-outline-offset-2">
      <span className="flex min-w-0 items-center gap-x-3 gap-y-0.5 max-sm:flex-wrap">
        <span className="w-20 shrink-0 truncate text-xs text-dim max-sm:w-auto max-sm:grow">{task.key}</span>
        <span className="min-w-0 grow font-medium wrap-anywhere max-sm:order-last max-sm:basis-full"><Marked parts={title} /></span>
        <span className={`shrink-0 text-xs font-semibold max-sm:empty:hidden sm:w-14 ${PRIORITY_LOOKS[task.priority]}`}>{task.priority !== "NONE" && PRIORITY_NAMES[task.priority]}</span>
        <span className={`shrink-0 text-xs whitespace-nowrap max-sm:empty:hidden sm:w-30 ${late ? "text-bad" : "text-dim"}`}>{task.dueDate && dayAlone(task.dueDate, day)}{late && " (late)"}</span>
        <span className="flex w-22 shrink-0 justify-end gap-0.5 max-sm:hidden"><Avatars people={task.assignees} atMost={3} /></span>
      </span>
      <span className="flex items-center gap-1.5 pl-23 max-sm:pl-0 text-xs text-dim"><Dot color={task.status.color} />{task.status.name}{place && `, ${place}`}</span>
      {passage && <span className="pl-23 max-sm:pl-0 text-xs text-dim wrap-anywhere">{passage.comment && `In a comment by ${passage.comment.by}: `}<Marked parts={passage.parts} /></span>}
    </Link>
  );
}

const Marked = ({ parts }: { parts: readonly Part[] }) => (
  <>{parts.map(({ text: part, isMatch }, at) => (isMatch ? <mark key={at} className="rounded-sm bg-soft font-semibold text-text">{part}</mark> : part))}</>
);
