/** A text area that completes mentions: who may be meant is offered after an `@`, and chosen by arrow keys and Enter. */
import { useId, useLayoutEffect, useRef, useState, type KeyboardEvent, type TextareaHTMLAttributes } from "react";
import { flushSync } from "react-dom";
import type { Membership } from "../data/model";
import { announce } from "../ui/announce";
import { Avatar, INPUT } from "../ui/controls";
import { useWorkspace } from "../workspace/context";
import { begunAt, offered } from "./mentions";

interface MentionAreaProps extends Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "onChange" | "value"> {
  label: string;
  value: string;
  people: readonly Membership[];
  onText: (text: string) => void;
}

const spokenCount = (count: number): string => `${count} ${count === 1 ? "person" : "people"} to mention`;

export function MentionArea({ label, value, people, onText, onKeyDown, className = "", ...rest }: MentionAreaProps) {
  const { myId } = useWorkspace();
  const area = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const [begun, setBegun] = useState<string | null>(null);
  const [at, setAt] = useState(0);
  const spaced = useRef(-1); // where a choice has just put a space
  const choices = begun === null ? [] : offered(people, begun, myId);

  // Who comes to write goes on at the end. The browser would begin before what is there.
  useLayoutEffect(() => {
    const element = area.current!;
    if (document.activeElement !== element) return;
    element.setSelectionRange(element.value.length, element.value.length);
    element.scrollTop = element.scrollHeight;
  }, []);
  // The field is often the last thing of a panel, with no room below it.
  useLayoutEffect(() => {
    if (choices.length === 0) return;
    for (const id of [list, `${list}-${at}`]) document.getElementById(id)?.scrollIntoView({ block: "nearest" });
  }, [choices.length, at, list]);

  function look(): void {
    const element = area.current;
    if (!element) return;
    const next = element.selectionStart === element.selectionEnd ? begunAt(element.value, element.selectionStart) : null;
    if (next === begun) return;
    setBegun(next);
    setAt(0);
    if (next !== null) announce(spokenCount(offered(people, next, myId).length));
  }
  function choose(member: Membership): void {
    const element = area.current!;
    const caret = element.selectionStart;
    const start = caret - (begun?.length ?? 0);
    const after = value.slice(caret);
    const inserted = `${member.user.handle}${/^\s/.test(after) ? "" : " "}`;
    spaced.current = inserted.endsWith(" ") ? start + inserted.length : -1;
    // At once: what is typed next goes where the caret is.
    flushSync(() => {
      onText(value.slice(0, start) + inserted + after);
      setBegun(null);
    });
    element.focus();
    element.setSelectionRange(start + inserted.length, start + inserted.length);
  }
  function keyed(event: KeyboardEvent<HTMLTextAreaElement>): void {
    // Whoever goes on with a space by habit is given one, not two.
    if (event.key === " " && event.currentTarget.selectionStart === spaced.current) event.preventDefault();
    if (event.key !== "Shift") spaced.current = -1;
    const chosen = choices[at];
    if (!chosen || event.ctrlKey || event.metaKey) return onKeyDown?.(event);
    if (event.key === "ArrowDown") setAt((at + 1) % choices.length);
    else if (event.key === "ArrowUp") setAt((at + choices.length - 1) % choices.length);
    else if (event.key === "Enter" || event.key === "Tab") choose(chosen);
    else if (event.key === "Escape") setBegun(null);
    else return onKeyDown?.(event);
    event.preventDefault();
  }

  return (
    <div className="relative">
      <textarea ref={area} aria-label={label} className={`${INPUT} field-sizing-content max-h-96 resize-none ${className}`} value={value} {...rest}
        aria-autocomplete="list" aria-haspopup="listbox" aria-controls={choices.length ? list : undefined} aria-activedescendant={choices.length ? `${list}-${at}` : undefined}
        onChange={(event) => { onText(event.target.value); look(); }} onSelect={look} onKeyDown={keyed}
        onBlur={(event) => { setBegun(null); rest.onBlur?.(event); }} />
      {choices.length > 0 && (
        <ul id={list} role="listbox" aria-label="People to mention" className="absolute top-full left-0 z-30 mt-1 max-h-60 w-max max-w-full min-w-[min(16rem,100%)] overflow-y-auto rounded-xl border border-line bg-surface p-1 shadow-xl">
          {choices.map((member, index) => (
            <li key={member.id} id={`${list}-${index}`} role="option" aria-selected={index === at} className="flex min-h-8 cursor-pointer items-center gap-2 rounded-lg px-2 text-sm aria-selected:bg-hover pointer-coarse:min-h-11"
              onPointerDown={(event) => { event.preventDefault(); choose(member); }}>
              <Avatar id={member.user.id} name={member.user.name} size={20} /><span className="truncate">{member.user.name}</span><span className="ml-auto truncate text-dim">@{member.user.handle}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
