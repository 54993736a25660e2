/**
 * What mutations of comments and reactions will do, as far as a client can tell before the server answers.
 *
 * Invariant: as in `tasks.ts`, every effect is pure and tolerates rows that are not there.
 */
import type { Draft, Effects, Operation, Row } from "./replica";
import { timeOf } from "./ids";

interface Person {
  readonly id: string;
  readonly name: string;
}

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** Newest first; the server names at most 50. */
  readonly users: readonly Person[];
}

/** What these effects need of a comment; rows of other kinds may lie in the same replica. */
export interface CommentRow extends Row {
  readonly __typename: "Comment";
  readonly body: string;
  readonly createdAt: string;
  readonly editedAt: string | null;
  readonly resolvedAt: string | null;
  readonly task: { readonly id: string };
  readonly author: Person;
  readonly parent: { readonly id: string } | null;
  readonly reactions: readonly Reaction[];
}

type AnyRow = Row & { readonly __typename: string };

/** Effects on comments for a replica of rows `R`; `me` is who writes. `template` adds what else the rows have. */
export function commentEffects<R extends AnyRow>(me: Person, template: (comment: CommentRow) => R): Effects<R> {
  const change = (draft: Draft<R>, id: unknown, patch: (comment: CommentRow) => Partial<CommentRow>): void => {
    const comment = commentOf(draft, id);
    if (comment) draft.put({ ...comment, ...patch(comment) } as unknown as R);
  };
  return {
    createComment(draft, { key, input }) {
      if (draft.get(String(input.id))) return; // its event came before its answer
      const answered = commentOf(draft, input.parentId);
      draft.put(
        template({
          __typename: "Comment",
          id: String(input.id),
          version: 0,
          body: String(input.body),
          createdAt: timeOf(key),
          editedAt: null,
          resolvedAt: null,
          task: { id: String(input.taskId) },
          author: me,
          parent: answered ? (answered.parent ?? { id: answered.id }) : null,
          reactions: [],
        }),
      );
    },
    updateComment(draft, { key, input }) {
      change(draft, input.id, () => ({
        ...(input.body === undefined ? {} : { body: String(input.body), editedAt: timeOf(key) }),
        ...(input.resolved === undefined ? {} : { resolvedAt: input.resolved ? timeOf(key) : null }),
      }));
    },
    deleteComment(draft, { input }) {
      draft.drop(String(input.id));
    },
    addReaction(draft, { input }: Operation) {
      change(draft, input.subjectId, ({ reactions }) => ({ reactions: reacted(reactions, String(input.emoji), me) }));
    },
    removeReaction(draft, { input }: Operation) {
      change(draft, input.subjectId, ({ reactions }) => ({ reactions: unreacted(reactions, String(input.emoji), me) }));
    },
  };
}

export function reacted(reactions: readonly Reaction[], emoji: string, me: Person): Reaction[] {
  if (reactions.some((each) => each.emoji === emoji && each.users.some(({ id }) => id === me.id))) return [...reactions];
  if (!reactions.some((each) => each.emoji === emoji)) return [...reactions, { emoji, count: 1, users: [me] }];
  return reactions.map((each) => (each.emoji === emoji ? { ...each, count: each.count + 1, users: [me, ...each.users] } : each));
}

export function unreacted(reactions: readonly Reaction[], emoji: string, me: Person): Reaction[] {
  return reactions
    .map((each) => {
      const users = each.users.filter(({ id }) => id !== me.id);
      return each.emoji !== emoji || users.length === each.users.length ? each : { ...each, count: each.count - 1, users };
    })
    .filter(({ count }) => count > 0);
}

function commentOf<R extends AnyRow>(draft: Draft<R>, id: unknown): CommentRow | undefined {
  const row = draft.get(String(id));
  return row?.__typename === "Comment" ? (row as unknown as CommentRow) : undefined;
}
