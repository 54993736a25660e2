/**
 * Keeps the files of the web client in the browser, so that its pages open without a connection and show what is stored.
 * The build writes above this which FILES those are, and a VERSION that is another one for each build.
 *
 * Invariants: a page comes from the server whenever that answers. Nothing is kept but the client's page and its files, never an
 * answer of the API. A page that is kept and its files are of one build.
 */
const KEPT = "tutti."; // caches of this client; there may be others at this address
const CACHE = KEPT + VERSION;
const CLIENT = /^\/($|(sign-in|inbox|tasks)$|account($|\/)|w\/)/; // as CLIENT_ADDRESSES in server/pages.py
const AWAY = [502, 503, 504]; // said by what stands before a server that is away
const PATIENCE_MS = 5_000; // with a line that says nothing

addEventListener("install", (event) => {
  event.waitUntil(keep());
  // Requests of the API need not start this first, where a browser knows how to pass it by.
  void event.addRoutes?.({ condition: { requestMethod: "POST" }, source: "network" }).catch(() => undefined);
});

addEventListener("activate", (event) => event.waitUntil(forget()));

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate") {
    if (CLIENT.test(pathname)) event.respondWith(page(event.request));
  } else if (pathname.startsWith("/assets/") || FILES.includes(pathname)) event.respondWith(file(event.request));
});

async function keep() {
  try {
    const cache = await caches.open(CACHE);
    await cache.addAll(["/", ...FILES]);
    const named = (await (await kept()).text()).match(/\/assets\/[\w.-]+/g) ?? [];
    // While servers are replaced by newer ones, the page may be that of another build: it is tried again at the next visit.
    if (!named.every((name) => FILES.includes(name))) throw new Error("The page is of another build.");
  } catch (problem) {
    await caches.delete(CACHE);
    throw problem;
  }
  await skipWaiting();
}

/** Pages of the build before this one may still be open and need its files; what is older goes. */
async function forget() {
  const others = (await caches.keys()).filter((name) => name.startsWith(KEPT) && name !== CACHE); // the oldest first
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
}

const kept = () => caches.match("/", { cacheName: CACHE, ignoreVary: true });

async function page(request) {
  const asked = fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const answer = await Promise.race([asked.catch(() => undefined), late]);
  if (answer && !AWAY.includes(answer.status)) return answer;
  return (await kept()) ?? asked;
}

const file = async (request) => (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
