/**
 * The client recipe, free of any client: how to keep a copy of a workspace that misses nothing and never goes back.
 *
 * A replica is anything with these members:
 *   cursor       position up to which it is complete, or null
 *   read(id)     the task as kept here (at least its `version`), or null
 *   write(task)  keep this task
 *   remove(id)   drop it
 *   ids()        the ids of all tasks that are kept
 *   removed      a Set of the ids that were dropped
 *
 * Invariants: a task is written only if its `version` is higher than the one kept, since an answer to a mutation and the
 * event that tells of it arrive in any order, and neither Apollo nor urql compares versions. The cursor moves only after
 * the whole batch was applied, so a crash in between leads to applying it again, which changes nothing.
 */

/** Keeps a task that came in any way but an event (an answer to a query or mutation), unless we know better. */
export function keepNewer(replica, task) {
  if (replica.removed.has(task.id)) return;
  const kept = replica.read(task.id);
  if (!kept || task.version > kept.version) replica.write(task);
}

/**
 * Takes a workspace as it was read afresh, whatever is kept: what is not in `tasks` goes, and versions are taken as they are.
 * They may be lower (a database that was restored), and what was removed may be there again.
 */
export function replaceAll(replica, tasks) {
  const there = new Set(tasks.map((task) => task.id));
  for (const id of [...replica.ids()]) if (!there.has(id)) replica.remove(id);
  replica.removed.clear();
  for (const task of tasks) replica.write(task);
}

/**
 * Applies one batch of `workspaceEvents`, got by subscription or by query. `refetch` is called when the log no longer
 * reaches back to our cursor, or what we may see has changed: it reads all tasks of the workspace from the network, not from
 * a cache, and resolves to them. Should it reject, the cursor stays, and the next subscription is told to read again.
 */
export async function applyBatch(replica, batch, refetch) {
  if (batch.resync) replaceAll(replica, await refetch(batch.resync));
  for (const event of batch.events) {
    switch (event.__typename) {
      case "TaskCreatedEvent": // also restored, or newly visible to us
        if (!event.task) break; // deleted since: its own event follows
        replica.removed.delete(event.task.id);
        keepNewer(replica, event.task);
        break;
      case "TaskUpdatedEvent":
        if (event.task) keepNewer(replica, event.task);
        break;
      case "TaskRemovedEvent": // deleted, or hidden from us
        replica.removed.add(event.taskId);
        replica.remove(event.taskId);
        break;
    }
  }
  replica.cursor = batch.cursor;
}

/**
 * Follows a workspace for as long as the socket lives, over every reconnect. graphql-ws would send a live subscription
 * again with its OLD variables; so drop it when the socket closes, and subscribe with the last cursor when it is back.
 * The graphql-ws client must have `lazy: false`, or it would not come back without a subscription.
 *
 * `subscribe(variables, { next, error })` starts the subscription in whatever client is used and returns how to stop it.
 * Batches are applied one after the other. Returns how to stop following.
 */
export function followWorkspace({ socket, subscribe, workspaceId, replica, refetch, onBatch, onError }) {
  let stop = null;
  let turn = Promise.resolve();

  const start = () => {
    if (stop) return; // asked for before the socket was there: graphql-ws sends it then
    let isCurrent = true;
    const end = subscribe(
      { workspaceId, after: replica.cursor },
      {
        next(batch) {
          turn = turn.then(async () => {
            if (!isCurrent) return; // came over a socket we have left: it comes again behind the cursor
            await applyBatch(replica, batch, refetch);
            onBatch?.(batch);
          });
          turn = turn.catch(onError);
        },
        error: onError,
      },
    );
    stop = () => {
      isCurrent = false;
      end();
    };
  };
  const drop = () => {
    stop?.();
    stop = null;
  };
  // The batches at hand are applied before the cursor is read for the next subscription.
  const offConnected = socket.on("connected", () => void turn.then(start));
  const offClosed = socket.on("closed", drop);
  start();
  return () => {
    offConnected();
    offClosed();
    drop();
  };
}
