/**
 * Makes ids that the server takes: UUIDs of version 7, whose text rises with the time they were made.
 *
 * Invariant: two ids made one after the other by this program compare in that order, also within a millisecond, because
 * waiting operations are kept and replayed by the order of their keys.
 */

let lastMs = 0;
let counter = 0;

/** A new UUIDv7, above every one made here before. */
export function uuidv7(): string {
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    counter = random(0x400); // leaves room to count up within 12 bits
  } else if (++counter > 0xfff) {
    lastMs += 1;
    counter = 0;
  }
  const time = lastMs.toString(16).padStart(12, "0");
  const variant = (0x8000 | random(0x4000)).toString(16);
  const rest = [random(0x10000), random(0x10000), random(0x10000)].map((part) => part.toString(16).padStart(4, "0"));
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, "0")}-${variant}-${rest.join("")}`;
}

/** A new id of a kind, like `task_<uuidv7>`. */
export const newId = (kind: string): string => `${kind}_${uuidv7()}`;

const random = (below: number): number => crypto.getRandomValues(new Uint32Array(1))[0]! % below;

/** The instant in a UUIDv7, so that replaying an operation gives the same row every time. */
export function timeOf(id: string): string {
  const digits = id.slice(id.indexOf("_") + 1).replaceAll("-", "").slice(0, 12);
  const ms = Number.parseInt(digits, 16);
  return new Date(Number.isFinite(ms) ? ms : 0).toISOString();
}
