import { describe, expect, it } from "vitest";
import { SearchTasksDocument } from "../gql/later/graphql";
import { bestOf, dueGroup, excerpt, fit, marked, passageOf, titleOf } from "./find";

describe("what was typed", () => {
  it.each([
    ["Go to the board", "board", true],
    ["Go to the board", "go bo", true],
    ["Toggle theme", "tglth", true],
    ["Toggle theme", "boar", false],
    ["Toggle theme", "ggth", false],
    ["Get the to-do list", "gthl", true],
    ["Order oil", "ordoil", true],
    ["Go to the settings: projects, statuses, labels", "oil", false],
    ["Go to the settings: projects, statuses, labels", "gtsl", true],
    ["Toggle theme", "x", false],
    ["anything", "", true],
  ])("%s / %s", (text, typed, fits) => expect(fit(text, typed) > 0).toBe(fits));

  it("puts what begins so before what has it somewhere", () => {
    expect(bestOf(["a board", "overboard", "board"], (text) => text, "board", 9)).toEqual(["board", "a board", "overboard"]);
    expect(bestOf(["a", "ab", "abc"], (text) => text, "a", 2)).toEqual(["a", "ab"]);
  });
});

describe("matches", () => {
  it("are marked wherever they are, also those that mean something in a pattern", () => {
    expect(marked("Tune (the) violin", "(the) VIO")).toEqual([
      { text: "Tune ", isMatch: false }, { text: "(the)", isMatch: true }, { text: " ", isMatch: false }, { text: "vio", isMatch: true }, { text: "lin", isMatch: false },
    ]);
    expect(marked("All", " ")).toEqual([{ text: "All", isMatch: false }]);
  });
  it("are shown with what is around them", () => {
    expect(excerpt(`${"long ".repeat(30)}needle ${"more ".repeat(40)}`, "needle")).toMatch(/^….*needle.*…$/);
    expect(excerpt("nothing here", "needle")).toBe("");
  });
});

describe("the passage that is shown", () => {
  type Field = "TITLE" | "DESCRIPTION" | "COMMENT";
  const match = (field: Field, marked: string) => ({
    field, comment: field === "COMMENT" ? { id: "c1", author: { id: "bob", name: "Bobby" } } : null,
    segments: marked.split("|").map((text, at) => ({ text, isMatch: at % 2 === 1 })),
  });
  const shown = (...matches: ReturnType<typeof match>[]) => passageOf(matches, (id) => ({ bob: "Bob", user_1: "Ann" })[id]);
  const [title, text, said] = [match("TITLE", "Sell the |tuba|"), match("DESCRIPTION", "The |Tuba| is old"), match("COMMENT", "A |tuba|?")];

  it("is of the description, as the title is seen anyway", () => {
    expect(shown(title)).toBeNull();
    expect(shown(title, text)).toEqual({ parts: [{ text: "The ", isMatch: false }, { text: "Tuba", isMatch: true }, { text: " is old", isMatch: false }] });
  });
  it("is beside the title, which has the server's marks, or none", () => {
    expect(titleOf("Sell the tuba", [text, title])).toBe(title.segments);
    expect(titleOf("Sell the tuba", [text])).toEqual([{ text: "Sell the tuba", isMatch: false }]);
  });
  it("comes instead of the whole text", () => {
    expect(JSON.stringify(SearchTasksDocument)).toContain('"segments"');
    expect(JSON.stringify(SearchTasksDocument)).not.toContain('"description"');
  });
  it("is of a comment whose passage says more than those of the task itself", () => {
    expect(shown(said)?.comment).toEqual({ id: "c1", by: "Bob" });
    expect(shown(title, said)).toBeNull();
    expect(shown(text, said)?.comment).toBeUndefined();
    expect(shown(title, text, match("COMMENT", "A |tuba| and a |violin|"))?.comment?.id).toBe("c1");
  });
  it("is plain text, its matches and the spaces around them kept", () => {
    expect(shown(match("DESCRIPTION", "…see\n- **old |tuba|s** @[user_1]\n [the |tuba|](http://x.y)\uE000 <b>"))?.parts).toEqual([
      { text: "…see old ", isMatch: false }, { text: "tuba", isMatch: true }, { text: "s @Ann the ", isMatch: false },
      { text: "tuba", isMatch: true }, { text: " <b>", isMatch: false },
    ]);
  });
});

it.each([
  [null, "Without a day"], ["2026-05-09", "Overdue"], ["2026-05-10", "Today"], ["2026-05-17", "Next 7 days"], ["2026-05-18", "Later"],
])("due %s is %s", (due, group) => expect(dueGroup(due, "2026-05-10")).toBe(group));
