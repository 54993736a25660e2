/** The keys that open a menu on the task in focus, and what each menu is called where it is shown, listed or offered. */
export type QuickKind = "assignees" | "status" | "priority" | "labels" | "due" | "project";

interface QuickKey {
  readonly key: string;
  readonly kind: QuickKind;
  readonly name: string;
  readonly offer: string;
}

export const QUICK_KEYS: readonly QuickKey[] = [
  { key: "S", kind: "status", name: "Status", offer: "Change the status…" },
  { key: "A", kind: "assignees", name: "Assign", offer: "Assign…" },
  { key: "P", kind: "priority", name: "Priority", offer: "Change the priority…" },
  { key: "L", kind: "labels", name: "Labels", offer: "Change the labels…" },
  { key: "D", kind: "due", name: "Due", offer: "Set the due date…" },
  { key: "M", kind: "project", name: "Move to a project", offer: "Move to a project…" },
];
