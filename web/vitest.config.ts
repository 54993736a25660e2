import { defineConfig } from "vitest/config";

/** With TUTTI_URL the tests that talk to a real server there, without it the ones that need none. */
const isLive = Boolean(process.env.TUTTI_URL);

export default defineConfig({
  test: {
    environment: "node",
    include: isLive ? ["src/**/*.live.test.ts"] : ["src/**/*.test.ts"],
    exclude: isLive ? [] : ["src/**/*.live.test.ts"],
    testTimeout: isLive ? 180_000 : 60_000,
    pool: "threads",
    maxWorkers: 1,
  },
});
