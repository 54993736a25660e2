/**
 * What became of a text, word by word.
 *
 * Invariant: what is the same and what was removed make up the text before; what is the same and what was added, the text after.
 */
export interface Piece {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
}

const WORDS = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
const MOST_COMPARED = 1_000_000; // pairs of words; texts that differ in more have one long difference

const wordsOf = (text: string): readonly string[] => text.match(WORDS) ?? [];

export function wordDiff(before: string, after: string): readonly Piece[] {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const middle = differences(old.slice(start, old.length - end), now.slice(start, now.length - end));
  return merged([...same(old.slice(0, start)), ...middle, ...same(old.slice(old.length - end))]);
}

const same = (words: readonly string[]): readonly Piece[] => words.map((text) => ({ kind: "same", text }));

/** By the longest words in common, in their order. */
function differences(old: readonly string[], now: readonly string[]): readonly Piece[] {
  const width = now.length + 1;
  if (old.length * now.length > MOST_COMPARED) return [{ kind: "removed", text: old.join("") }, { kind: "added", text: now.join("") }];
  const common = new Uint32Array((old.length + 1) * width); // in what follows after each pair of words
  for (let at = old.length - 1; at >= 0; at--) {
    for (let to = now.length - 1; to >= 0; to--) {
      common[at * width + to] = old[at] === now[to] ? common[(at + 1) * width + to + 1]! + 1 : Math.max(common[(at + 1) * width + to]!, common[at * width + to + 1]!);
    }
  }
  const pieces: Piece[] = [];
  for (let at = 0, to = 0; at < old.length || to < now.length; ) {
    if (at < old.length && to < now.length && old[at] === now[to]) {
      pieces.push({ kind: "same", text: old[at++]! });
      to++;
    } else if (to === now.length || (at < old.length && common[(at + 1) * width + to]! >= common[at * width + to + 1]!)) pieces.push({ kind: "removed", text: old[at++]! });
    else pieces.push({ kind: "added", text: now[to++]! });
  }
  return pieces;
}

/** Pieces of one kind together; between what is the same, all that was removed and then all that was added, with the spaces between them. */
function merged(pieces: readonly Piece[]): readonly Piece[] {
  const result: Piece[] = [];
  let [removed, added] = ["", ""];
  const isChanged = (piece: Piece | undefined): boolean => piece !== undefined && piece.kind !== "same";
  function put(kind: Piece["kind"], text: string): void {
    const last = result.at(-1);
    if (text && last?.kind === kind) result[result.length - 1] = { kind, text: last.text + text };
    else if (text) result.push({ kind, text });
  }
  pieces.forEach((piece, at) => {
    const isBetween = piece.kind === "same" && /^\s+$/.test(piece.text) && isChanged(pieces[at - 1]) && isChanged(pieces[at + 1]);
    if (piece.kind === "removed" || isBetween) removed += piece.text;
    if (piece.kind === "added" || isBetween) added += piece.text;
    if (piece.kind !== "same" || isBetween) return;
    put("removed", removed);
    put("added", added);
    [removed, added] = ["", ""];
    put("same", piece.text);
  });
  put("removed", removed);
  put("added", added);
  return result;
}

const AROUND = 12; // words and spaces on each side of a difference

/** The differences with some words around each; `isWhole`: nothing is left out. */
export function excerpt(pieces: readonly Piece[]): { readonly pieces: readonly Piece[]; readonly isWhole: boolean } {
  let isWhole = true;
  const shortened = pieces.map((piece, at): Piece => {
    const words = wordsOf(piece.text);
    const [before, after] = [at > 0 ? AROUND : 0, at < pieces.length - 1 ? AROUND : 0];
    if (piece.kind !== "same" || words.length <= before + after + 1) return piece;
    isWhole = false;
    return { kind: "same", text: `${words.slice(0, before).join("")}…${after ? words.slice(-after).join("") : ""}` };
  });
  return { pieces: shortened, isWhole };
}
