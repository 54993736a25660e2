/** Everything that the package has. */
export { Tutti, type LinkListener, type Sink, type TuttiOptions } from "./client.js";
export { RateLimited, Refused, TuttiError, Unauthenticated, Unavailable } from "./errors.js";
export { openWorkspace, Workspace, type WorkspaceHooks, type WorkspaceRows } from "./workspace.js";
export * from "./generated/documents.js";
export type * as Schema from "./generated/schema.js";
export { commentEffects } from "./generated/sync/comments.js";
export { toBatch, type WireBatch, type WireEvent } from "./generated/sync/events.js";
export { newId, uuidv7 } from "./generated/sync/ids.js";
export { forgetReplicas, IndexedDbStorage } from "./generated/sync/indexeddb.js";
export { Room, type PresenceBatch } from "./generated/sync/presence.js";
export { compareRanks } from "./generated/sync/rank.js";
export { Replica, type Effects, type Operation, type Row } from "./generated/sync/replica.js";
export { MemoryStorage, type Save, type Saved, type Storage } from "./generated/sync/storage.js";
export { Gone, Sync, type Batch, type Hooks, type Outcome, type Server, type Snapshot } from "./generated/sync/sync.js";
export { inputOf, taskEffects } from "./generated/sync/tasks.js";
export { undoEffects, undoing } from "./generated/sync/undo.js";
