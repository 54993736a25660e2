import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";

const SOURCE = readFileSync(new URL("../../public/sw.js", import.meta.url), "utf8");
const ORIGIN = "https://tutti.test";

/** A browser's caches, as far as the service worker needs them; and a server, which gives texts by path. */
class Browser {
  readonly server = new Map<string, string>();
  readonly caches = new Map<string, Map<string, string>>();
  status = 200;
  isAway = false;

  private readonly fetch = async (request: string | { url: string }): Promise<Response> => {
    const { pathname } = new URL(typeof request === "string" ? request : request.url, ORIGIN);
    if (this.isAway) throw new TypeError("Failed to fetch");
    return new Response(this.server.get(pathname) ?? "", { status: this.server.has(pathname) ? this.status : 404 });
  };

  /** The worker of a build: what is told of an event is what it answers, null where it lets the browser do as ever. */
  worker(version: string, files: readonly string[]): (type: string, request?: { method?: string; mode?: string; path: string }) => Promise<unknown> {
    const listeners = new Map<string, (event: unknown) => void>();
    const open = (name: string) => {
      const kept = this.caches.get(name) ?? new Map<string, string>();
      this.caches.set(name, kept);
      return {
        addAll: async (paths: readonly string[]) => {
          for (const path of paths) {
            const answer = await this.fetch(path);
            if (!answer.ok) throw new TypeError("Request failed");
            kept.set(path, await answer.text());
          }
        },
      };
    };
    runInNewContext(SOURCE, {
      VERSION: version, FILES: files, URL, Response, setTimeout, fetch: this.fetch, location: { origin: ORIGIN }, skipWaiting: async () => undefined,
      addEventListener: (type: string, listener: (event: unknown) => void) => listeners.set(type, listener),
      caches: {
        open: async (name: string) => open(name),
        keys: async () => [...this.caches.keys()],
        delete: async (name: string) => this.caches.delete(name),
        match: async (request: string | { url: string }, { cacheName }: { cacheName?: string }) => {
          const { pathname } = new URL(typeof request === "string" ? request : request.url, ORIGIN);
          const kept = [...this.caches].filter(([name]) => !cacheName || name === cacheName).map(([, files]) => files.get(pathname)).find((text) => text !== undefined);
          return kept === undefined ? undefined : new Response(kept);
        },
      },
    });
    return async (type, request) => {
      let answer: unknown = null;
      const told = (promise: unknown): void => void (answer = promise);
      const { method = "GET", mode = "navigate", path = "/" } = request ?? {};
      listeners.get(type)!({ waitUntil: told, respondWith: told, request: { method, mode, url: new URL(path, ORIGIN).href } });
      const given = await answer;
      return given instanceof Response ? given.text() : given;
    };
  }

  /** Puts a build in the place of the one before, and opens a page of it. */
  async build(version: string): Promise<ReturnType<Browser["worker"]>> {
    this.server.clear();
    this.server.set("/", `page ${version} /assets/main-${version}.js`).set("/w/acme/board", `page ${version}`).set(`/assets/main-${version}.js`, `script ${version}`);
    const tell = this.worker(version, [`/assets/main-${version}.js`]);
    await tell("install");
    await tell("activate");
    return tell;
  }
}

it("takes a page from the server while it answers, and what is kept when it does not", async () => {
  const browser = new Browser();
  const tell = await browser.build("one");
  const page = { path: "/w/acme/board" };
  expect(await tell("fetch", page)).toBe("page one");
  browser.status = 502;
  expect(await tell("fetch", page)).toContain("/assets/main-one.js");
  browser.isAway = true;
  expect(await tell("fetch", page)).toContain("/assets/main-one.js");
  expect(await tell("fetch", { mode: "no-cors", path: "/assets/main-one.js" })).toBe("script one");
});

it("leaves the API and all other pages alone", async () => {
  const tell = await new Browser().build("one");
  for (const request of [{ method: "POST", mode: "cors", path: "/graphql" }, { mode: "cors", path: "/graphql" }, { path: "/graphql" }, { path: "/join" }]) {
    expect(await tell("fetch", request)).toBeNull();
  }
});

it("keeps the build before, whose pages may still be open, and none that is older", async () => {
  const browser = new Browser();
  for (const version of ["one", "two", "three"]) await browser.build(version);
  expect([...browser.caches.keys()]).toEqual(["tutti.two", "tutti.three"]);
  const tell = await browser.build("four");
  expect(await tell("fetch", { mode: "no-cors", path: "/assets/main-three.js" })).toBe("script three");
});

it("takes nothing of a page that is of another build", async () => {
  const browser = new Browser();
  await browser.build("one");
  const tell = browser.worker("two", ["/assets/main-two.js"]);
  browser.server.set("/assets/main-two.js", "script two");
  await expect(tell("install")).rejects.toThrow("another build");
  expect([...browser.caches.keys()]).toEqual(["tutti.one"]);
});
