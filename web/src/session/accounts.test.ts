import { afterEach, expect, it, vi } from "vitest";
import { followOtherTabs, freshToken, nameOf } from "./accounts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("lets go of a renewal that nobody answers, while the server still takes the old token", async () => {
  vi.useFakeTimers();
  const account = { id: "user_a", accessToken: "old", accessTokenExpiresAt: new Date().toISOString(), refreshToken: "refresh" };
  vi.stubGlobal("localStorage", { getItem: () => JSON.stringify([account]) });
  vi.stubGlobal("navigator", {});
  // What a browser does on a line that went silent.
  vi.stubGlobal("fetch", (_: unknown, { signal }: RequestInit) =>
    new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason as Error))));
  const asked = freshToken("user_a").catch((problem: Error) => problem.message);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(await asked).toContain("does not answer");
});

it("waits for the accounts that another tab has stored, whatever else is stored before", async () => {
  const before = { id: "user_a", accessToken: "old", accessTokenExpiresAt: new Date().toISOString(), refreshToken: "first" };
  const stored: Record<string, string> = { "tutti.accounts": JSON.stringify([before]) };
  const tab = new EventTarget();
  const hear = (key: string): boolean => tab.dispatchEvent(Object.assign(new Event("storage"), { key }));
  vi.stubGlobal("addEventListener", tab.addEventListener.bind(tab));
  vi.stubGlobal("localStorage", { getItem: (key: string) => stored[key] ?? null });
  vi.stubGlobal("sessionStorage", { getItem: () => "user_a", setItem: () => undefined });
  const isHeld = { request: (_: string, ...[work, orNone]: ((lock: null) => Promise<unknown>)[]) => (orNone ?? work)!(null) };
  vi.stubGlobal("navigator", { locks: isHeld });
  vi.stubGlobal("fetch", () => Promise.reject(new Error("asked with the old token")));
  followOtherTabs();
  const asked = freshToken("user_a").catch((problem: Error) => problem.message);
  await Promise.resolve();
  hear("tutti.last");
  await Promise.resolve();
  stored["tutti.accounts"] = JSON.stringify([{ ...before, accessToken: "new", refreshToken: "second" }]);
  hear("tutti.accounts");
  expect(await asked).toBe("new");
});

it("calls a device by its browser and system, also where it was the browser that said so", () => {
  const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0";
  expect(nameOf(windows)).toBe("Edge on Windows");
  expect(nameOf("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe("Firefox on Linux");
  expect(nameOf("The old laptop")).toBe("The old laptop");
  expect(nameOf(null)).toBe("A device without a name");
});
