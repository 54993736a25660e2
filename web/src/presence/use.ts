/** What components know of who is here. */
import { useEffect, useSyncExternalStore } from "react";
import { useRows } from "../data/pages";
import type { Doing } from "../data/presence";
import { LastSeenDocument, type LastSeenQuery } from "../gql/graphql";
import type { AtTask, Presence } from "../sync/presence";
import { useWorkspace } from "../workspace/context";

const EDITS = new Set(["EDITING", "COMMENTING"]);

/** Others who do something with a task. It is the same array until that changes. */
export function useOthersAt(taskId: string): readonly AtTask[] {
  const { presence } = useWorkspace();
  return useSyncExternalStore(presence.subscribe, () => presence.room.at(taskId));
}

/** Who edits this field of a task, other than this person. */
export function useEditorOf(taskId: string, field: string): AtTask | undefined {
  return useOthersAt(taskId).find((other) => other.field === field && EDITS.has(other.mode));
}

/** Everybody who is here, this person too. */
export function useOnline(): readonly Presence[] {
  const { presence } = useWorkspace();
  return useSyncExternalStore(presence.subscribe, () => presence.room.online());
}

/** Tells others what this person does with a task, as long as the component is there. */
export function useTelling(doing: Doing | null): void {
  const { presence } = useWorkspace();
  const { taskId, mode, field } = doing ?? {};
  useEffect(() => {
    presence.say(taskId && mode ? { taskId, mode, ...(field ? { field } : {}) } : null);
  }, [presence, taskId, mode, field]);
  useEffect(() => () => presence.say(null), [presence]);
}

export interface Seen {
  readonly status: string;
  readonly lastSeenAt: string | null;
}

const pageOf = ({ workspace }: LastSeenQuery) => workspace?.members;

/** How each member is here or was last seen, by user id. */
export function useSeen(): ReadonlyMap<string, Seen> {
  const { id, presence } = useWorkspace();
  const [members] = useRows(LastSeenDocument, id, pageOf);
  useSyncExternalStore(presence.subscribe, () => presence.room.online());
  const seen = new Map<string, Seen>();
  for (const { user } of members) {
    if (user.presence) seen.set(user.id, { status: "OFFLINE", lastSeenAt: user.presence.lastSeenAt ?? null });
  }
  for (const { user, status, lastSeenAt } of presence.room.all()) seen.set(user.id, { status, lastSeenAt: lastSeenAt ?? seen.get(user.id)?.lastSeenAt ?? null });
  return seen;
}
