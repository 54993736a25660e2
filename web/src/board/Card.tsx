/** One task on the board. It is drawn again only when its own row changes. */
import { Archive, Calendar, Check, CornerDownRight, ListChecks, MessageSquare } from "lucide-react";
import { memo } from "react";
import { useIsCutOff } from "../data/connection";
import type { Model, Task } from "../data/model";
import { Viewers } from "../presence/Presence";
import { Avatars, Dot } from "../ui/controls";
import { dayAlone } from "../ui/day";
import { useSelection } from "./selection";
import { isLate, PRIORITY_LOOKS, PRIORITY_NAMES } from "./arrange";
import { takeFocus } from "./focus";

interface CardProps {
  task: Task;
  /** Today. */
  day: string;
  labelById: Model["labelById"];
  nameById: Model["nameById"];
  /** Of the task that it is a part of. */
  parentKey: string | undefined;
  done: number;
  parts: number;
  isOpen: boolean;
  isDragged: boolean;
  onOpen: (task: Task) => void;
}

export const Card = memo(function Card({ task, day, labelById, nameById, parentKey, done, parts, isOpen, isDragged, onOpen }: CardProps) {
  const isSelected = useSelection(({ ids }) => ids.has(task.id));
  return (
    <div
      ref={takeFocus}
      role="button"
      tabIndex={0}
      data-task={task.id}
      aria-current={isOpen || undefined}
      className={`relative grid cursor-pointer gap-1.5 rounded-xl border p-2.5 text-left select-none ${isOpen ? "border-accent shadow-[inset_4px_0_0_var(--accent)]" : "border-line shadow-xs hover:border-dim"} ${isDragged ? "opacity-40" : ""} ${isSelected ? "bg-soft" : "bg-surface"}`}
      onClick={() => onOpen(task)}
      onKeyDown={(event) => {
        if ((event.key !== "Enter" && event.key !== " ") || event.target !== event.currentTarget) return;
        event.preventDefault();
        onOpen(task);
      }}
    >
      {isSelected && <span className="absolute -top-1.5 -left-1.5 rounded-full bg-accent p-0.5 text-accent-text"><Check size={12} strokeWidth={3} aria-hidden /><span className="sr-only">Selected.</span></span>}
      <CardText task={task} day={day} labelById={labelById} nameById={nameById} parentKey={parentKey} done={done} parts={parts} />
    </div>
  );
});

export function CardText({ task, day, labelById, nameById, parentKey, done, parts }: Pick<CardProps, "task" | "day" | "labelById" | "nameById" | "parentKey" | "done" | "parts">) {
  const late = isLate(task, day);
  return (
    <>
      <span className="flex items-center gap-2 text-xs text-dim">
        <span>{task.key || <Unsaved />}</span>
        {parentKey && <PartOf parentKey={parentKey} />}
        {task.archivedAt !== null && <Archived />}
        {task.priority !== "NONE" && <span className={`font-semibold ${PRIORITY_LOOKS[task.priority]}`}>{PRIORITY_NAMES[task.priority]}</span>}
        {/* Higher than the line, which stays as it is: whoever looks at a task moves no card below it. */}
        <span className="-my-1 ml-auto"><Viewers taskId={task.id} size={18} /></span>
      </span>
      <span className="line-clamp-4 text-sm leading-snug font-medium wrap-anywhere" title={linesOf(task) > MOST_LINES ? task.title : undefined}>{task.title}</span>
      <span className="flex flex-wrap items-center gap-x-2.5 gap-y-1 text-xs text-dim">
        {task.labels.map(({ id }) => {
          const label = labelById.get(id);
          return label && <span key={id} className="inline-flex items-center gap-1"><Dot color={label.color} />{label.name}</span>;
        })}
        {task.dueDate && <span className={`inline-flex items-center gap-1 ${late ? "text-bad" : ""}`}>{DAY}{dayAlone(task.dueDate, day)}{late && " (late)"}</span>}
        {parts > 0 && <span className="inline-flex items-center gap-1"><ListChecks size={13} aria-hidden />{done}/{parts}</span>}
        {task.commentCount > 0 && <span className="inline-flex items-center gap-1"><MessageSquare size={13} aria-hidden />{task.commentCount}<span className="sr-only"> {task.commentCount === 1 ? "comment" : "comments"}</span></span>}
        <span className="ml-auto flex gap-0.5"><Avatars people={task.assignees} nameById={nameById} atMost={4} /></span>
      </span>
    </>
  );
}

/** The mark of a subtask: the key of the task that it is a part of. */
export const PartOf = ({ parentKey }: { parentKey: string }) => (
  <span className="inline-flex shrink-0 items-center gap-0.5 text-xs font-normal text-dim"><CornerDownRight size={12} aria-hidden /><span className="sr-only">part of </span>{parentKey}</span>
);

/** The mark of a task that is in the archive. */
export const Archived = () => <span className="inline-flex shrink-0 items-center gap-1 text-xs font-normal text-dim"><Archive size={12} aria-hidden />Archived</span>;

/** In place of the key of a task that the server does not know yet. */
export const Unsaved = () => (useIsCutOff() ? "Not saved yet" : "Saving…");

const DAY = <Calendar size={13} aria-hidden />; // the same for all: it is not drawn again with its card

const LETTERS = 33; // about so many of a title are in a line
const MOST_LINES = 4; // of a title; the rest is in the open task, and beside the pointer

const linesOf = ({ title }: Task): number => Math.ceil(title.length / LETTERS);

const heights: number[] = [];

/**
 * How high a card will be, in pixels: as high as the first one that showed as much. A card that comes as high as was thought is
 * drawn once, not twice, and the cards below it stay where they are.
 */
export const heightOf = (task: Task): number => heights[shapeOf(task)] ?? 85;

export function learnHeight(task: Task | undefined, height: number): void {
  if (task) heights[shapeOf(task)] ??= height;
}

/** A small number for all tasks whose cards have as many lines: it is asked of every task of a column at each change. */
function shapeOf(task: Task): number {
  const { labels, dueDate, commentCount, assignees } = task;
  const isNoted = labels.length > 0 || dueDate !== null || commentCount > 0;
  return Math.min(linesOf(task), MOST_LINES + 1) * 4 + (isNoted ? 2 : 0) + (assignees.length > 0 ? 1 : 0);
}

/** How many subtasks there are and how many are done, from the tasks themselves. */
export function partsOf(model: Pick<Model, "subtasksOf" | "statusById">, id: string): { parts: number; done: number } {
  const subtasks = model.subtasksOf.get(id) ?? [];
  const done = subtasks.filter(({ status }) => model.statusById.get(status.id)?.category === "DONE").length;
  return { parts: subtasks.length, done };
}
