/**
 * Turns a batch of `workspaceEvents`, as it comes over the wire, into changes of a replica.
 *
 * Invariant: an event that this client does not know, and an object of which nothing was selected, changes nothing.
 */
import type { Row, Step } from "./replica";
import type { Batch } from "./sync";

export interface WireBatch<R extends Row> {
  readonly events: readonly WireEvent<R>[];
  readonly cursor: string;
  readonly resync?: string | null | undefined;
}

/** What is needed of each kind of event; select these fields. */
export type WireEvent<R extends Row> =
  | { readonly __typename: "TaskCreatedEvent"; readonly task?: R | null }
  | { readonly __typename: "TaskUpdatedEvent"; readonly task?: R | null }
  | { readonly __typename: "TaskRemovedEvent"; readonly taskId: string }
  | { readonly __typename: "EntityEvent"; readonly op: string; readonly entityId: string; readonly entity?: unknown }
  | { readonly __typename: "CommentEvent"; readonly op?: string; readonly commentId?: string; readonly comment?: R | null; readonly task?: R | null };

export function toBatch<R extends Row>(wire: WireBatch<R>): Batch<R> {
  return { cursor: wire.cursor, needsSnapshot: Boolean(wire.resync), steps: wire.events.flatMap((event) => stepsOf<R>(event)) };
}

function stepsOf<R extends Row>(event: WireEvent<R>): Step<R>[] {
  switch (event.__typename) {
    case "TaskCreatedEvent": // also restored, or newly visible to us
      return event.task ? [{ kind: "create", row: event.task }] : []; // null: gone since, and its own event follows
    case "TaskUpdatedEvent":
      return event.task ? [{ kind: "put", row: event.task }] : [];
    case "TaskRemovedEvent": // deleted, or hidden from us
      return [{ kind: "drop", id: event.taskId }];
    case "EntityEvent":
      return entitySteps<R>(event.op, event.entityId, event.entity);
    case "CommentEvent": // its task, too, was read when the batch was made: it has the number of comments
      return [...commentSteps(event.op, event.commentId, event.comment), ...(event.task ? [{ kind: "fresh" as const, row: event.task }] : [])];
    default:
      return [];
  }
}

function commentSteps<R extends Row>(op: string | undefined, id: string | undefined, comment: R | null | undefined): Step<R>[] {
  if (id && (op === "DELETED" || comment === null)) return [{ kind: "drop", id }];
  return comment ? [{ kind: op === "CREATED" ? "create" : "fresh", row: comment }] : [];
}

function entitySteps<R extends Row>(op: string, id: string, entity: unknown): Step<R>[] {
  if (op === "DELETED" || entity === null) return [{ kind: "drop", id }];
  const row = entity as Partial<R> | undefined;
  if (row?.version === undefined) return [];
  const kept = row as R;
  return op === "CREATED" ? [{ kind: "create", row: kept }] : [{ kind: "fresh", row: kept }];
}
