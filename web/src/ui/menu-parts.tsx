/** What menus are made of, upon radix. Not modal: a modal one would inject styles, which our policy forbids. In the page, so
 * that whoever walks its regions comes by. */
import { Check } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { AnyOfProps, MenuItemProps, MenuProps, OneOfProps } from "./menu";

const CONTENT = "z-50 max-h-[min(36rem,var(--radix-dropdown-menu-content-available-height))] min-w-44 overflow-y-auto rounded-xl border border-line bg-surface p-1 shadow-xl";
const ITEM = "flex min-h-8 items-center gap-2 rounded-lg px-2 text-sm outline-none data-highlighted:bg-hover pointer-coarse:min-h-11";

export function Menu({ label, trigger, children, ...state }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false} {...state}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal container={document.getElementById("page")}>
        <DropdownMenu.Content aria-label={label} className={CONTENT} sideOffset={4} collisionPadding={8} align="start">
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

export const MenuItem = ({ onSelect, children }: MenuItemProps) => (
  <DropdownMenu.Item className={ITEM} onSelect={onSelect}>{children}</DropdownMenu.Item>
);

export const MenuLine = () => <DropdownMenu.Separator className="my-1 h-px bg-line" />;

const Heading = ({ label }: { label: string }) => <DropdownMenu.Label className="px-2 pt-2 pb-1 text-xs font-semibold text-dim">{label}</DropdownMenu.Label>;

export function OneOf({ label, choices, value, onChoose }: OneOfProps) {
  return (
    <DropdownMenu.RadioGroup aria-label={label} value={value} onValueChange={onChoose}>
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

export function AnyOf({ label, choices, values, onToggle }: AnyOfProps) {
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
      {choices.length === 0 && <p className="px-2 py-1 text-sm text-dim">There are none yet.</p>}
    </DropdownMenu.Group>
  );
}
