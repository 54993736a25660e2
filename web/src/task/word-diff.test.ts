import { describe, expect, it } from "vitest";
import { excerpt, wordDiff, type Piece } from "./word-diff";

const written = (pieces: readonly Piece[]): string => pieces.map(({ kind, text }) => (kind === "same" ? text : `${kind === "removed" ? "-" : "+"}[${text}]`)).join("");
const diff = (before: string, after: string): string => written(wordDiff(before, after));

describe("a difference of texts", () => {
  it("is of whole words", () => {
    expect(diff("Tune the violin.", "Tune the cello.")).toBe("Tune the -[violin]+[cello].");
    expect(diff("Tune it", "Tune it\nand play")).toBe("Tune it+[\nand play]");
    expect(diff("", "Tune")).toBe("+[Tune]");
    expect(diff("Grüße an alle", "Grüße")).toBe("Grüße-[ an alle]");
  });

  it("is one where only spaces are between two", () => {
    expect(diff("a big red house", "a small blue house")).toBe("a -[big red]+[small blue] house");
  });

  it("gives back both texts, whatever they are", () => {
    const texts = ["one two three", "three two one", "", "  ", "one, two; three!\n\n- four", "one two 🎻 three"];
    for (const before of texts) {
      for (const after of texts) {
        const pieces = wordDiff(before, after);
        const without = (kind: Piece["kind"]): string => pieces.filter((piece) => piece.kind !== kind).map(({ text }) => text).join("");
        expect(without("added")).toBe(before);
        expect(without("removed")).toBe(after);
      }
    }
  });

  it("of very long texts is one piece", () => {
    const long = (word: string): string => Array.from({ length: 3_000 }, (_, at) => `${word}${at}`).join(" ");
    expect(wordDiff(`Same ${long("a")}`, `Same ${long("b")}`).map(({ kind }) => kind)).toEqual(["removed", "added"]);
  });

  it("is shown with some words around it", () => {
    const words = Array.from({ length: 60 }, (_, at) => `w${at}`).join(" ");
    const { pieces, isWhole } = excerpt(wordDiff(`${words} end`, `${words} finish`));
    expect(isWhole).toBe(false);
    expect(written(pieces)).toBe("…w54 w55 w56 w57 w58 w59 -[end]+[finish]");
    expect(excerpt(wordDiff("a b", "a c")).isWhole).toBe(true);
  });
});
