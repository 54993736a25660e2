/** What menus are made of, upon radix. Not modal: a modal one would inject styles, which our policy forbids. In the page, so
 * that whoever walks its regions comes by. */
import { Check } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { createContext, useContext, useEffect, useState, type FocusEvent, type FormEvent } from "react";
import { Button, INPUT } from "./controls";
import type { AnyOfProps, MenuItemProps, MenuProps, OneOfProps, TypedProps } from "./menu";

const CONTENT = "shows-more z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 overflow-y-auto rounded-xl border border-line p-1 shadow-xl";
const ITEM = "flex min-h-8 items-center gap-2 rounded-lg px-2 text-sm -outline-offset-2 data-highlighted:bg-hover pointer-coarse:min-h-11";

/** What a field is in instead of a menu, which holds nothing but items. */
const DIALOG = { role: "dialog", "aria-orientation": undefined, "aria-labelledby": undefined };

const AskContext = createContext<(field: TypedProps) => void>(() => undefined);

export function Menu({ label, trigger, children, byKey, ...state }: MenuProps) {
  const [asked, setAsked] = useState<TypedProps | null>(null);
  useEffect(() => {
    if (!state.open) setAsked(null);
  }, [state.open]);
  // What holds now has the focus, so that arrows lead away from it, as in a list of the browser's, but not past groups above it;
  // where a key has opened the menu, and nothing holds, the first item. Radix would give it to the menu itself, or always to the
  // first item.
  function entered(event: FocusEvent<HTMLElement>): void {
    const menu = event.currentTarget;
    if (event.target !== menu || menu.contains(event.relatedTarget)) return; // the pointer has left an item
    const first = menu.querySelector<HTMLElement>("[role^=menuitem]");
    const held = first?.matches("[role=menuitemradio]") ? menu.querySelector<HTMLElement>("[role=menuitemradio][data-state=checked]") : null;
    const item = held ?? (byKey ? first : null);
    if (!item) return;
    event.preventDefault();
    item.focus({ preventScroll: true }); // the menu is not at its place yet
    const hidden = item.getBoundingClientRect().bottom - menu.getBoundingClientRect().bottom;
    if (hidden > 0) menu.scrollTop += hidden;
  }
  return (
    <DropdownMenu.Root modal={false} {...state}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal container={placeOf()}>
        <DropdownMenu.Content aria-label={label} className={CONTENT} side={byKey?.side ?? "bottom"} sideOffset={4} collisionPadding={8} align="start" onFocus={entered} {...(asked && DIALOG)}>
          {byKey && <Heading label={byKey.heading} />}
          {asked ? <Asked {...asked} onClose={() => state.onOpenChange?.(false)} /> : <AskContext value={setAsked}>{children}</AskContext>}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** In the dialog that is open, which lets nothing outside of it be pressed, else in the page. */
const placeOf = (): HTMLElement | null => [...document.querySelectorAll<HTMLElement>("dialog[open]")].at(-1) ?? document.getElementById("page");

export function MenuItem({ onSelect, children }: MenuItemProps) {
  // Before the menu is gone: a dialog that comes of it gives the focus back to what has it now.
  function selected({ currentTarget }: Event): void {
    triggerOf(currentTarget as Element)?.focus();
    onSelect();
  }
  return <DropdownMenu.Item className={ITEM} onSelect={selected}>{children}</DropdownMenu.Item>;
}

function triggerOf(item: Element): HTMLElement | null {
  const trigger = item.closest("[role=menu]")?.getAttribute("aria-labelledby");
  return trigger ? document.getElementById(trigger) : null;
}

export const MenuLine = () => <DropdownMenu.Separator className="my-1 h-px bg-line" />;

const Heading = ({ label }: { label: string }) => <DropdownMenu.Label className="max-w-60 truncate px-2 pt-2 pb-1 text-xs font-semibold text-dim">{label}</DropdownMenu.Label>;

export function OneOf({ label, choices, value, onChoose }: OneOfProps) {
  return (
    <DropdownMenu.RadioGroup aria-label={label} {...(value !== undefined && { value })} onValueChange={onChoose}>
      {label && <Heading label={label} />}
      {choices.map((choice) => (
        <DropdownMenu.RadioItem key={choice.id} value={choice.id} className={ITEM}>
          {choice.icon}
          <span className="grow">{choice.label}</span>
          <DropdownMenu.ItemIndicator><Check size={16} aria-hidden /></DropdownMenu.ItemIndicator>
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  );
}

/** A field in a menu would be none of its items, so it takes the place of all of them. */
export function Typed(props: TypedProps) {
  const ask = useContext(AskContext);
  return <DropdownMenu.Item className={ITEM} onSelect={(event) => { event.preventDefault(); ask(props); }}>{props.ask}</DropdownMenu.Item>;
}

/** Keys are the field's own, but Escape, which closes the menu. */
function Asked({ ask, label, type, value, maxLength, offer, onTake, onClose }: TypedProps & { onClose: () => void }) {
  const [typed, setTyped] = useState(value);
  const text = typed.trim();
  function take(event: FormEvent): void {
    event.preventDefault();
    event.stopPropagation(); // what is around the menu may be a form, too
    if (!text) return;
    onClose();
    onTake(text);
  }
  return (
    <form className="grid w-60 grid-cols-1 gap-1" onSubmit={take} onKeyDown={(event) => event.key !== "Escape" && event.stopPropagation()}>
      <input type={type} aria-label={label} placeholder={type === "text" ? label : undefined} autoFocus className={INPUT} maxLength={maxLength} value={typed} onChange={(event) => setTyped(event.target.value)} />
      <Button kind="primary" type="submit" disabled={!text}><span className="min-w-0 wrap-anywhere">{text ? offer(text) : ask.replace("…", "")}</span></Button>
    </form>
  );
}

export function AnyOf({ label, choices, values, onToggle, none = "There are none yet." }: AnyOfProps) {
  return (
    <DropdownMenu.Group aria-label={label}>
      {label && <Heading label={label} />}
      {choices.map((choice) => (
        <DropdownMenu.CheckboxItem
          key={choice.id}
          className={ITEM}
          checked={values.includes(choice.id)}
          onCheckedChange={(isOn) => onToggle(choice.id, isOn)}
          onSelect={(event) => event.preventDefault()}
        >
          {choice.icon}
          <span className="grow">{choice.label}</span>
          <DropdownMenu.ItemIndicator><Check size={16} aria-hidden /></DropdownMenu.ItemIndicator>
        </DropdownMenu.CheckboxItem>
      ))}
      {choices.length === 0 && <p className="px-2 py-1 text-sm text-dim">{none}</p>}
    </DropdownMenu.Group>
  );
}
