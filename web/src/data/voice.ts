/**
 * Which of a person's tabs in a workspace speaks for them: the one that was looked at last. Tabs share a socket, and to the
 * server the socket is the tab, so two of them would contradict each other.
 *
 * Invariant: a claim that is newer than one's own, or as new and of a higher name, wins; so all tabs agree.
 */

/** The part of a BroadcastChannel that is used here. */
export interface Channel {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(word: Word): void;
  close(): void;
}

/** A claim to speak; or that its speaker is not looked at any more, or is closed. `at`: milliseconds since 1970. */
export interface Word {
  readonly kind: "claim" | "hidden" | "gone";
  readonly at: number;
  readonly from: string;
}

export class Voice {
  /** Whether this tab is the one that speaks. */
  isMine = false;
  private isHidden = true;
  private at = 0;
  private heard = 0;
  /** Which other tab speaks; null: it is not known. */
  private speaker: string | null = null;

  /**
   * `from`: the name of this tab. `onChange` is called when it begins or ceases to speak. It does not begin before somebody has
   * `looked` at it.
   */
  constructor(private readonly channel: Channel, private readonly from: string, private readonly onChange: () => void) {
    channel.onmessage = ({ data }: MessageEvent<Word>) => this.hear(data);
  }

  /** The person looks at this tab, or does something in it. */
  looked(): void {
    this.isHidden = false;
    if (!this.isMine) this.claim(Math.max(Date.now(), this.heard + 1));
  }

  /** They do not look at it any more. It goes on to speak until one that they look at does. */
  hidden(): void {
    this.isHidden = true;
    if (this.isMine) this.say("hidden");
  }

  /** This tab is closed, or put away until it is `looked` at again. */
  leave(): void {
    if (this.isMine) this.say("gone");
    this.isMine = false;
  }

  /** A tab is gone, maybe without a word. */
  gone(tab: string): void {
    if (!this.isMine && (this.speaker ?? tab) === tab) this.hear({ kind: "gone", at: 0, from: tab });
  }

  close(): void {
    this.leave();
    this.channel.close();
  }

  private hear({ kind, at, from }: Word): void {
    this.heard = Math.max(this.heard, at);
    if (kind === "claim") {
      if (!this.isMine) this.speaker = from;
      else if (at > this.at || (at === this.at && from > this.from)) {
        this.speaker = from;
        this.set(false);
      } else this.say("claim"); // it does not know of this one
    } else if (!this.isHidden) this.looked();
    else if (kind === "gone") this.claim(this.at); // of those that nobody looks at, the one that was looked at last
  }

  private claim(at: number): void {
    this.at = at;
    this.say("claim");
    this.set(true);
  }

  private set(isMine: boolean): void {
    if (this.isMine === isMine) return;
    this.isMine = isMine;
    this.onChange();
  }

  private say(kind: Word["kind"]): void {
    this.channel.postMessage({ kind, at: this.at, from: this.from });
  }
}
