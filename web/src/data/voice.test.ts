/** Tabs that hear each other as by a BroadcastChannel, which is the platform's: each word reaches all others, some time later. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Voice, type Channel, type Word } from "./voice";

let channels: Channel[];
let underway: (() => void)[];
let voices: Voice[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  channels = [];
  underway = [];
  voices = [];
});

afterEach(() => void vi.useRealTimers());

function tab(isHidden = false): Voice {
  const channel: Channel = {
    onmessage: null,
    postMessage(word: Word) {
      for (const other of channels) if (other !== channel) underway.push(() => other.onmessage?.(new MessageEvent("message", { data: word })));
    },
    close: () => void channels.splice(channels.indexOf(channel), 1),
  };
  channels.push(channel);
  const voice = new Voice(channel, String(channels.length), () => undefined);
  voices.push(voice);
  if (!isHidden) voice.looked();
  speakers(); // the others hear of it before something else happens
  vi.advanceTimersByTime(1_000);
  return voice;
}

/** All that was said is heard. -> who speaks then. */
function speakers(): readonly Voice[] {
  for (let next = underway.shift(); next; next = underway.shift()) next();
  return voices.filter(({ isMine }) => isMine);
}

it("is the tab's that was opened last, and then of the one that is looked at", () => {
  const [first, second] = [tab(), tab()];
  expect(speakers()).toEqual([second]);
  first.looked();
  expect(speakers()).toEqual([first]);
});

it("is not taken by a tab that opens in the background", () => {
  const first = tab();
  tab(true);
  expect(speakers()).toEqual([first]);
});

it("goes to one that is in sight when its own is not, and stays where none is", () => {
  const [first, second] = [tab(), tab()];
  expect(speakers()).toEqual([second]);
  second.hidden();
  expect(speakers()).toEqual([first]);
  first.hidden();
  expect(speakers()).toEqual([first]);
});

it("goes from a tab that closes to the one in sight, else to the one that was looked at last", () => {
  const [first, second, third, fourth] = [tab(), tab(), tab(), tab()];
  expect(speakers()).toEqual([fourth]);
  second.looked();
  expect(speakers()).toEqual([second]);
  second.hidden(); // one of the others speaks now: all are in sight
  expect(speakers()).toHaveLength(1);
  for (const each of [third, fourth, first]) {
    each.looked();
    speakers();
  }
  for (const each of [first, third, fourth]) each.hidden();
  const [speaker] = speakers();
  speaker!.close();
  const rest = speakers();
  expect(rest).toHaveLength(1);
  expect(rest[0]).not.toBe(speaker);
  rest[0]!.close();
  expect(speakers()).toHaveLength(1);
});

it("is one tab's where two claim it before they hear each other", () => {
  const [first, second] = [tab(true), tab(true)];
  for (const each of [first, second]) each.looked();
  expect(speakers()).toHaveLength(1);
});

it("goes to another tab when its own dies without a word, also to one that never heard who speaks", () => {
  const [first, second] = [tab(), tab()];
  const third = tab(true);
  second.hidden();
  first.hidden();
  const [speaker] = speakers();
  const left = voices.filter((voice) => voice !== speaker);
  channels.splice(voices.indexOf(speaker!), 1);
  voices = left;
  for (const each of left) each.gone(speaker === first ? "1" : "2");
  expect(speakers()).toEqual([speaker === first ? second : first]);

  const [next] = speakers();
  voices = [third];
  channels.splice(0, channels.length - 1);
  third.gone(next === first ? "1" : "2");
  expect(speakers()).toEqual([third]);
});

it("is not taken from one that lives when another one dies", () => {
  const [first, second, third] = [tab(), tab(), tab()];
  for (const each of [first, second]) each.gone("3-of-another-time");
  expect(speakers()).toEqual([third]);
  third.gone("1");
  second.gone("1");
  expect(speakers()).toEqual([third]);
});
