/**
 * The other tabs of this browser in which a person has the same workspace open: what they tell each other, and when one of
 * them is gone, however it went.
 *
 * Invariants: a tab holds a lock of its own name for as long as it is here, so whoever gets that lock knows that it is gone;
 * one tab at a time is told so. Where there are no Web Locks, no other tab is known.
 */
import { uuidv7 } from "../sync/ids";

const LOCK = "tutti.tab.";

export interface TabsHooks<Word> {
  /** A tab is gone. Until this resolves no other tab is told. */
  onGone(id: string): Promise<void>;
  onTold(word: Word): void;
}

export class Tabs<Word> {
  readonly id = uuidv7();
  private readonly living = new Set<string>();
  private readonly channel: BroadcastChannel;
  private readonly prefix: string;
  private readonly closing = new AbortController();
  private release: (() => void) | undefined;

  /** `name`: what they have open. */
  constructor(name: string, private readonly hooks: TabsHooks<Word>) {
    this.prefix = `${LOCK}${name}.`;
    this.channel = new BroadcastChannel(`tutti.tabs.${name}`);
    this.channel.onmessage = ({ data }: MessageEvent<{ readonly here: string } | { readonly word: Word }>) => {
      if ("word" in data) hooks.onTold(data.word);
      else this.isHere(data.here);
    };
    if (!("locks" in navigator)) return;
    const held = new Promise<void>((release) => (this.release = release));
    void navigator.locks.request(this.prefix + this.id, () => {
      if (this.closing.signal.aborted) return;
      this.channel.postMessage({ here: this.id });
      void navigator.locks.query().then((locks) => {
        for (const { name = "" } of locks.held ?? []) if (name.startsWith(this.prefix)) this.isHere(name.slice(this.prefix.length));
      });
      return held;
    });
  }

  /** Tells all others. */
  tell(word: Word): void {
    if (!this.closing.signal.aborted) this.channel.postMessage({ word });
  }

  /** Whether this is another tab that is here, or about whose end nobody was told yet; `onGone` says when it is not any more. */
  isHere(id: string): boolean {
    if (id === this.id || !("locks" in navigator) || this.closing.signal.aborted) return false;
    if (this.living.has(id)) return true;
    this.living.add(id);
    const gone = (): Promise<void> => this.hooks.onGone(id).finally(() => this.living.delete(id));
    navigator.locks.request(this.prefix + id, { signal: this.closing.signal }, gone).catch(() => undefined); // closed meanwhile
    return true;
  }

  close(): void {
    this.closing.abort();
    this.release?.();
    this.channel.close();
  }
}
