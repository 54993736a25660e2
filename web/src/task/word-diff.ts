/**
 * What became of a text, word by word.
 *
 * Invariant: what is the same and what was removed make up the text before; what is the same and what was added, the text after.
 */
import { diffArrays } from "diff";

export interface Piece {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
}

const WORDS = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
const MOST_CHANGED = 1_000; // words; texts that differ in more have one long difference

const wordsOf = (text: string): string[] => text.match(WORDS) ?? [];

export function wordDiff(before: string, after: string): readonly Piece[] {
  const parts = diffArrays(wordsOf(before), wordsOf(after), { maxEditLength: MOST_CHANGED });
  if (!parts) return [{ kind: "removed", text: before }, { kind: "added", text: after }];
  return merged(parts.map(({ added, removed, value }) => ({ kind: added ? "added" : removed ? "removed" : "same", text: value.join("") })));
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
