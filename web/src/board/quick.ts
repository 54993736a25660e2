/** Which menu a key has opened, and on what; the menu itself is a script of its own. */
import { create } from "zustand";
import type { QuickKind } from "./quick-keys";

interface Quick {
  readonly kind: QuickKind;
  readonly taskId: string | null;
  /** What it is opened on, in pixels of the window. */
  readonly box: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  readonly side: "right" | "bottom";
  /** What is given the focus after it; null: the card. */
  readonly from: HTMLElement | null;
}

export const useQuick = create<Quick>(() => ({ kind: "status", taskId: null, box: { left: 0, top: 0, width: 1, height: 1 }, side: "bottom", from: null }));

const ROOM = 240; // in pixels, beside what a menu is opened on; with less it comes below

/** Opens it beside an element, and covers nothing of that. */
export function openQuick(kind: QuickKind, taskId: string, beside: Element | null, from: HTMLElement | null = null): void {
  const { left, top, width, height, right } = beside?.getBoundingClientRect() ?? new DOMRect(16, 16, 1, 1);
  useQuick.setState({ kind, taskId, box: { left, top, width, height }, side: innerWidth - right < ROOM ? "bottom" : "right", from });
}

/** Opens it on the task in the panel, at the field that it is about. */
export function openQuickInPanel(kind: QuickKind, taskId: string): void {
  const panel = document.querySelector<HTMLElement>("aside");
  const field = panel?.querySelector(`[data-field="${kind}"]`);
  field?.scrollIntoView({ block: "nearest" });
  openQuick(kind, taskId, field ?? panel, panel?.contains(document.activeElement) ? (document.activeElement as HTMLElement) : panel);
}
