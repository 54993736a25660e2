/**
 * Markdown as one line of text, for where there is no room for more.
 *
 * Invariant: the work grows with the length of the text alone, whatever is in it: marks are looked for over so many letters.
 */
const MENTION = /@\[(user_[0-9a-f-]{1,36})\]/g;
const RULE = /^[ \t]*(?:[-*_][ \t]*){3,}$/gm;
const BEGINS_A_LINE = /^[ \t]*(?:#{1,6}|>|[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?|^[ \t]*```.*$/gm;
const LINK = /!?\[([^\]\n]{0,300})\]\([^)\s]{0,2000}\)/g;
const EMPHASIS = /(?<!\w)(\*{1,3}|__?|~~|`+)(?=\S)(.{1,300}?)(?<=\S)\1(?!\w)/g;

/** `nameOf` gives the name of a person by their id, if it knows it. */
export function plainOf(markdown: string, nameOf: (id: string) => string | undefined): string {
  const text = markdown.replace(RULE, "").replace(BEGINS_A_LINE, "").replace(LINK, "$1").replace(EMPHASIS, "$2");
  return text.replace(MENTION, (_, id: string) => `@${nameOf(id) ?? "somebody"}`).replace(/\s+/g, " ").trim();
}
