/** When something was, as people say it. */
import { useEffect, useState, useSyncExternalStore } from "react";
import { today } from "../board/arrange";
import { dayAlone, dayOf } from "./day";

const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
const LONG_AGO_S = 7 * 86_400;

/** Like "5 minutes ago", and a day where it was over a week ago. */
function ago(at: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
  if (seconds > LONG_AGO_S) return dayAlone(dayOf(at));
  const step = STEPS.find(([, size]) => seconds >= size);
  return step ? WORDS.format(-Math.floor(seconds / step[1]), step[0]) : "just now";
}

const OFTEN_MS = 30_000;

/** Also when somebody comes back: of a device that sleeps no time passes. */
function fromTimeToTime(look: () => void): () => void {
  const timer = setInterval(look, OFTEN_MS);
  document.addEventListener("visibilitychange", look);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

/** The time, once more every half minute. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => fromTimeToTime(() => setNow(Date.now())), []);
  return now;
}

/** Today, where the person is; whoever uses it is drawn again when another day has begun. */
export const useToday = (): string => useSyncExternalStore(fromTimeToTime, today);

export function Ago({ at, className = "text-dim" }: { at: string; className?: string }): React.ReactNode {
  const now = useNow();
  return <time className={className} dateTime={at} title={new Date(at).toLocaleString()}>{ago(at, now)}</time>;
}
