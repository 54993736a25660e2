import { afterEach, beforeEach, expect, it, vi } from "vitest";

beforeEach(() => {
  vi.resetModules();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A tab where these texts are kept, and whose locks and those of other tabs have these names. */
async function tab(texts: Readonly<Record<string, string>>, others: readonly string[] = [], ask: (name?: string) => Promise<void> = () => Promise.resolve()) {
  const stored: Record<string, string> = { "tutti.account": "user_a", ...texts };
  // Like the browser's: its own keys are those of what is stored.
  for (const [name, value] of Object.entries({
    getItem: (key: string) => stored[key] ?? null,
    setItem: (key: string, text: string) => void (stored[key] = text),
    removeItem: (key: string) => void delete stored[key],
  })) Object.defineProperty(stored, name, { value });
  vi.stubGlobal("sessionStorage", stored);
  vi.stubGlobal("localStorage", { getItem: (key: string) => (key === "tutti.accounts" ? JSON.stringify([{ id: "user_a" }, { id: "user_b" }]) : null) });
  const held = others.map((name) => ({ name }));
  const locks = {
    request: (name: string, _: unknown, work: () => Promise<void>) => ask(name).then(() => {
      held.push({ name });
      return work();
    }),
    query: () => ask().then(() => ({ held })),
  };
  vi.stubGlobal("navigator", { locks });
  return { ...(await import("./drafts")), stored };
}

it("counts the texts of a tab by what is kept, and those of others by their locks", async () => {
  const { countDrafts, keepDraftsOf } = await tab({ "tutti.draft.user_a.task": "Half" }, ["tutti.draft.user_a.task", "tutti.draft.user_b.task"]);
  expect(await countDrafts()).toEqual({ here: 1, elsewhere: 1 }); // before this tab has told others
  keepDraftsOf(["user_a"]);
  expect(await countDrafts()).toEqual({ here: 1, elsewhere: 1 });
});

it("counts the texts of a tab also where the browser refuses it their locks", async () => {
  const { countDrafts, keepDraftsOf, offerDraft } = await tab({ "tutti.draft.user_a.task": "Half" }, [], () => Promise.reject(new Error("refused")));
  keepDraftsOf(["user_a"]);
  offerDraft("comment.task_1", "Also");
  expect(await countDrafts()).toEqual({ here: 2, elsewhere: 0 });
});

it("names what was typed last only where it was typed by whom the tab acts as", async () => {
  const { lastDraft, offerDraft } = await tab({});
  offerDraft("comment.task_1", "Of A");
  expect(lastDraft()).toBe("comment.task_1");
  sessionStorage.setItem("tutti.account", "user_b");
  expect(lastDraft()).toBe("");
});

it("takes texts that were kept without a word of whose they are for those of whom the tab acts as", async () => {
  const { keepDraftsOf, stored } = await tab({
    "tutti.draft.task": "Half a title",
    "tutti.draft.comment.task_1": "Half a comment",
    "tutti.draft.title.task_1": "Of before",
    "tutti.draft.user_a.title.task_1": "Of now",
    "tutti.draft.user_c.task": "Of who has left",
    "tutti.draft.null.task": "Of nobody",
  });
  keepDraftsOf(["user_a", "user_b"]);
  expect(Object.fromEntries(Object.entries(stored).filter(([key]) => key.startsWith("tutti.draft.")))).toEqual({
    "tutti.draft.user_a.task": "Half a title",
    "tutti.draft.user_a.comment.task_1": "Half a comment",
    "tutti.draft.user_a.title.task_1": "Of now",
  });
});

it("gives nobody texts that were kept without a word of whose they are where nobody is signed in", async () => {
  const { keepDraftsOf, stored } = await tab({ "tutti.account": "", "tutti.draft.task": "Half a title" });
  keepDraftsOf(["user_b"]);
  expect(stored).toEqual({ "tutti.account": "" });
});
