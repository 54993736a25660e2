/** Reactions to a comment or a task: how many, by whom, and one's own by one press. */
import { SmilePlus } from "lucide-react";
import { useEffect, useRef, type KeyboardEvent } from "react";
import type { Reaction } from "../sync/comments";
import { Button } from "../ui/controls";
import { useWorkspace } from "../workspace/context";

const OFFERED: readonly (readonly [string, string])[] = [["👍", "Thumbs up"], ["🎉", "Hooray"], ["❤️", "Heart"], ["😄", "Laugh"], ["👀", "Looking"], ["🚀", "Rocket"], ["👎", "Thumbs down"]];
const CHIP = "inline-flex min-h-7 items-center gap-1 rounded-full border px-2 text-xs hover:border-accent pointer-coarse:min-h-11 pointer-coarse:px-3";

/** Escape closes what is offered, and not the task around it. */
function closes(event: KeyboardEvent, close: () => void): void {
  if (event.key !== "Escape") return;
  event.preventDefault();
  close();
}

interface ReactionsProps {
  reactions: readonly Reaction[];
  isFixed: boolean;
  /** Whether emojis are offered. */
  isChoosing: boolean;
  onChosen: () => void;
  onReact: (emoji: string, isOn: boolean) => void;
}

export function Reactions({ reactions, isFixed, isChoosing, onChosen, onReact }: ReactionsProps) {
  const { myId } = useWorkspace();
  const isMine = (emoji: string): boolean => reactions.some((each) => each.emoji === emoji && each.users.some(({ id }) => id === myId));
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isChoosing) return;
    const before = document.activeElement;
    first.current?.focus();
    // What had the focus in here is gone by then.
    return () => {
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    };
  }, [isChoosing]);
  if (reactions.length === 0 && !isChoosing) return null;
  return (
    <div role="group" aria-label="Reactions" className="flex flex-wrap items-center gap-1" onKeyDown={isChoosing ? (event) => closes(event, onChosen) : undefined}>
      {reactions.map(({ emoji, count, users }) => {
        const names = users.map(({ name }) => name).join(", ");
        return (
          <button key={emoji} type="button" disabled={isFixed} aria-pressed={isMine(emoji)} aria-label={`${emoji} ${count}, by ${names}`} title={names}
            className={`${CHIP} ${isMine(emoji) ? "border-accent bg-soft font-semibold" : "border-line"}`} onClick={() => onReact(emoji, !isMine(emoji))}>
            <span aria-hidden>{emoji}</span>{count}
          </button>
        );
      })}
      {isChoosing && OFFERED.map(([emoji, name], at) => (
        <button key={emoji} ref={at === 0 ? first : undefined} type="button" aria-label={name} title={name} className="size-8 rounded-lg text-base hover:bg-hover pointer-coarse:size-11"
          onClick={() => { onChosen(); onReact(emoji, !isMine(emoji)); }}>
          {emoji}
        </button>
      ))}
    </div>
  );
}

export function AddReaction({ isChoosing, onToggle, className = "" }: { isChoosing: boolean; onToggle: () => void; className?: string }) {
  return (
    <Button kind="quiet" className={`text-dim ${className}`} aria-label="Add a reaction" title="Add a reaction" aria-expanded={isChoosing} onClick={onToggle} onKeyDown={isChoosing ? (event) => closes(event, onToggle) : undefined}>
      <SmilePlus size={15} aria-hidden />
    </Button>
  );
}
