/**
 * Mentions: in a text that is kept they are `@[user_...]`, in one that is typed `@handle`.
 *
 * Invariant: what is not the handle of a member stays as it was typed, and what is mentioned stays mentioned when a text is
 * edited again.
 */
import type { Membership, Task } from "../data/model";

const KEPT = /@\[(user_[0-9a-f-]{36})\]/g;
const TYPED = /(?<![\w@[])@([A-Za-z0-9_-]+)/g;
const BEGUN = /(?:^|[\s(])@([A-Za-z0-9_-]*)$/;
const OFFERED = 6;

export function toKept(text: string, members: readonly Membership[]): string {
  const idOf = new Map(members.map(({ user }) => [user.handle.toLowerCase(), user.id]));
  return text.replace(TYPED, (typed, handle: string) => {
    const id = idOf.get(handle.toLowerCase());
    return id ? `@[${id}]` : typed;
  });
}

export function toTyped(text: string, members: readonly Membership[]): string {
  const handleOf = new Map(members.map(({ user }) => [user.id, user.handle]));
  return text.replace(KEPT, (kept, id: string) => {
    const handle = handleOf.get(id);
    return handle ? `@${handle}` : kept;
  });
}

/** For reading alone: names in place of ids. */
export const toRead = (text: string, nameById: ReadonlyMap<string, string>): string => text.replace(KEPT, (_, id: string) => `@${nameById.get(id) ?? "somebody"}`);

/** Who sees a task: a guest only in their own projects. */
export const whoSees = (members: readonly Membership[], task: Pick<Task, "project">): Membership[] =>
  members.filter(({ role, projects }) => role !== "GUEST" || (projects ?? []).some(({ id }) => id === task.project?.id));

/** The mention that is being typed just before the caret, without its `@`; null if none is. */
export const begunAt = (text: string, caret: number): string | null => BEGUN.exec(text.slice(0, caret))?.[1] ?? null;

/** Who may be meant, those first whose handle or name begins so. Of those that fit alike the writer, who is hardly meant, is the last. */
export function offered(members: readonly Membership[], begun: string, myId: string): Membership[] {
  const words = begun.toLowerCase();
  const fit = ({ user }: Membership): number => {
    const [handle, name] = [user.handle.toLowerCase(), user.name.toLowerCase()];
    if (handle.startsWith(words) || name.startsWith(words)) return 0;
    return name.split(/\s+/).some((part) => part.startsWith(words)) || handle.includes(words) ? 1 : 2;
  };
  const isMe = ({ user }: Membership): number => Number(user.id === myId);
  const fitting = members.map((member) => [fit(member), member] as const).filter(([rank]) => rank < 2);
  return fitting.sort(([a, one], [b, other]) => a - b || isMe(one) - isMe(other)).slice(0, OFFERED).map(([, member]) => member);
}
