/**
 * Who else is in the open workspace, and telling them what this person does: one of their tabs speaks for all.
 *
 * Invariants: it is told over the socket, which is the tab to the server: when it closes, what it said ends by itself.
 * Everything that is said again and again ends soon after it is not said any more. Nobody is kept from anything by what
 * others do.
 */
import { stringifyDocument } from "urql";
import { PresenceDocument, UpdatePresenceDocument, type ActivityMode, type ChangedField, type PresenceSubscription } from "../gql/graphql";
import { Room } from "../sync/presence";
import type { Connection } from "./connection";
import { Voice } from "./voice";

export interface Doing {
  readonly taskId: string;
  readonly mode: ActivityMode;
  readonly field?: ChangedField;
}

const REPEAT_MS = 6_000;
const SETTLE_MS = 150; // going from one field to the next is one message
const AWAY_AFTER_MS = 60_000;
const TRY_AGAIN_MS = 2_000;

export class PresenceRoom {
  readonly room: Room;
  private readonly readers = new Set<() => void>();
  private readonly unlisten: () => void;
  private unfollow: (() => void) | null = null;
  private isLinked = false;
  private isClosed = false;
  private doing: Doing | null = null;
  private isAway = false;
  private hiddenAt = Date.now(); // counts where it is hidden
  private readonly voice: Voice;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private awayTimer: ReturnType<typeof setTimeout> | undefined;

  /** `tab`: the name of this tab, by which others know when it is `gone`. */
  constructor(private readonly connection: Connection, private readonly workspaceId: string, myId: string, tab: string) {
    this.room = new Room(myId);
    this.voice = new Voice(new BroadcastChannel(`tutti.voice.${myId}.${workspaceId}`), tab, () => this.spoken());
    this.unlisten = connection.listen({ connected: () => this.connected(), disconnected: () => this.disconnected() });
    document.addEventListener("visibilitychange", this.lookedAt);
    addEventListener("focus", this.lookedAt);
    addEventListener("pagehide", this.putAway);
    addEventListener("pageshow", this.lookedAt);
    if (!document.hidden) this.voice.looked();
  }

  subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  /** What this tab does with a task from now on; null: nothing. */
  say(doing: Doing | null): void {
    const before = this.doing;
    if (before?.taskId === doing?.taskId && before?.mode === doing?.mode && before?.field === doing?.field) return;
    this.doing = doing;
    if (doing && !document.hidden) this.voice.looked();
    this.sendIn(SETTLE_MS);
  }

  /** Another tab is gone, maybe without a word: if it was the one that spoke, one of the others does. */
  gone(tab: string): void {
    if (!this.isClosed) this.voice.gone(tab);
  }

  close(): void {
    this.isClosed = true;
    this.doing = null;
    if (this.isLinked && this.voice.isMine) this.send();
    this.voice.close();
    clearTimeout(this.timer);
    clearTimeout(this.awayTimer);
    document.removeEventListener("visibilitychange", this.lookedAt);
    removeEventListener("focus", this.lookedAt);
    removeEventListener("pagehide", this.putAway);
    removeEventListener("pageshow", this.lookedAt);
    this.unlisten();
  }

  private connected(): void {
    this.isLinked = true;
    this.follow();
    this.sendIn(0);
  }

  private disconnected(): void {
    this.isLinked = false;
    this.unfollow?.();
    this.unfollow = null;
    clearTimeout(this.timer);
    this.room.lost();
    this.tell();
  }

  private follow(): void {
    this.unfollow?.();
    if (this.isClosed || !this.isLinked) return;
    this.unfollow = this.connection.subscribe<PresenceSubscription>(stringifyDocument(PresenceDocument), { id: this.workspaceId }, {
      next: ({ presence }) => {
        if (this.room.apply(presence)) this.tell();
        else this.follow();
      },
      error: () => void setTimeout(() => this.follow(), TRY_AGAIN_MS),
    });
  }

  private readonly lookedAt = (): void => {
    if (document.hidden) {
      this.hiddenAt = Date.now();
      this.voice.hidden();
    } else this.voice.looked();
    this.awaySoon();
  };

  private readonly putAway = (): void => this.voice.leave();

  /** This tab speaks from now on, or another one does. */
  private spoken(): void {
    clearTimeout(this.timer);
    this.isAway = false;
    this.awaySoon();
    this.sendIn(SETTLE_MS);
  }

  /** Somebody is away when the tab that speaks, which then is the last one they looked at, is out of sight for a while. */
  private awaySoon(): void {
    clearTimeout(this.awayTimer);
    if (!document.hidden) this.setAway(false);
    else if (this.voice.isMine) this.awayTimer = setTimeout(() => this.setAway(true), this.hiddenAt + AWAY_AFTER_MS - Date.now());
  }

  private setAway(isAway: boolean): void {
    if (this.isAway === isAway) return;
    this.isAway = isAway;
    this.sendIn(0);
  }

  private sendIn(ms: number): void {
    clearTimeout(this.timer);
    if (this.isClosed || !this.isLinked || !this.voice.isMine) return;
    this.timer = setTimeout(() => this.send(), ms);
  }

  private send(): void {
    const activity = this.isAway ? null : this.doing;
    const input = { workspaceId: this.workspaceId, status: this.isAway ? "AWAY" : "ONLINE", activity };
    const nobody = { next: () => undefined, error: () => undefined }; // it is said again, or it did not matter
    this.connection.subscribe(stringifyDocument(UpdatePresenceDocument), { input }, nobody);
    if (activity) this.sendIn(REPEAT_MS);
  }

  private tell(): void {
    for (const reader of this.readers) reader();
  }
}
