/**
 * Menus by keyboard and pointer. Their parts are a script of their own, which comes when the first one is opened, or before
 * that when the page has nothing else to do.
 *
 * Invariant: a button that opens a menu is there and works before that script is.
 */
import { lazily } from "../app/later";
import { cloneElement, Suspense, useState, type KeyboardEvent, type ReactElement, type ReactNode } from "react";

export interface Choice {
  readonly id: string;
  readonly label: string;
  readonly icon?: ReactNode;
}
export interface MenuProps {
  label: string;
  trigger: ReactElement<TriggerProps>;
  children: ReactNode;
  /** For a menu that a key has opened on something: what it is headed by, and on which side of that it comes. */
  byKey?: { readonly heading: string; readonly side: "right" | "bottom" };
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
}
export interface MenuItemProps {
  onSelect: () => void;
  children: ReactNode;
}
export interface OneOfProps {
  /** A heading above, where a menu has several such groups. */
  label?: string;
  choices: readonly Choice[];
  /** Undefined: none of them. */
  value: string | undefined;
  onChoose: (id: string) => void;
}
export interface AnyOfProps {
  label?: string;
  choices: readonly Choice[];
  values: readonly string[];
  onToggle: (id: string, isOn: boolean) => void;
  /** What is said where there are none. */
  none?: string;
}
export interface TypedProps {
  /** The item that asks for it. */
  ask: string;
  label: string;
  type: "text" | "date";
  /** What is in the field at first. */
  value: string;
  maxLength?: number;
  /** What is said to be done with what was typed. */
  offer: (text: string) => string;
  onTake: (text: string) => void;
}
interface TriggerProps {
  onPointerEnter?: () => void;
  onClick?: () => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  "aria-haspopup"?: "menu";
  "aria-expanded"?: boolean;
}

type Parts = typeof import("./menu-parts");

let parts: Parts | undefined;

/** Fetches the script of the parts. */
export const fetchMenus = async (): Promise<Parts> => (parts = await import("./menu-parts"));

const Opened = lazily(async () => ({ default: (await fetchMenus()).Menu }));

export function Menu({ open: openByOwner, onOpenChange, ...props }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const [wasOpen, setWasOpen] = useState(false);
  const open = openByOwner ?? isOpen;
  if (!wasOpen && !open) {
    const show = (): void => { setWasOpen(true); setOpen(true); };
    return cloneElement(props.trigger, {
      "aria-haspopup": "menu",
      "aria-expanded": false,
      onPointerEnter: () => void fetchMenus(),
      onClick: show,
      onKeyDown: (event) => { if (event.key === "ArrowDown") { event.preventDefault(); show(); } },
    });
  }
  return (
    <Suspense fallback={props.trigger}>
      <Opened {...props} open={open} onOpenChange={(next) => { setOpen(next); onOpenChange?.(next); }} />
    </Suspense>
  );
}

// These are inside of a menu, so their script is there when they are drawn.
export const MenuItem = (props: MenuItemProps): ReactNode => parts && <parts.MenuItem {...props} />;
export const MenuLine = (): ReactNode => parts && <parts.MenuLine />;
/** One of several. */
export const OneOf = (props: OneOfProps): ReactNode => parts && <parts.OneOf {...props} />;
/** What is not among the choices: it is typed, into a field in the menu's place. */
export const Typed = (props: TypedProps): ReactNode => parts && <parts.Typed {...props} />;
/** Any of several; the menu stays open. */
export const AnyOf = (props: AnyOfProps): ReactNode => parts && <parts.AnyOf {...props} />;
