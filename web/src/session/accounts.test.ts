import { afterEach, expect, it, vi } from "vitest";
import { freshToken } from "./accounts";

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
