import { afterEach, describe, expect, it, vi } from "vitest";
import { ViewerDocument } from "../gql/graphql";
import { createGraphQLClient } from "./client";

describe("a request that nobody answers", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("ends after half a minute", async () => {
    vi.useFakeTimers();
    // What a browser does on a line that went silent.
    vi.stubGlobal("fetch", (_: unknown, { signal }: RequestInit) =>
      new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason as Error))));
    const asked = createGraphQLClient("user_a").query(ViewerDocument, {}).toPromise();
    await vi.advanceTimersByTimeAsync(30_000);
    expect((await asked).error?.networkError?.name).toBe("TimeoutError");
  });
});
