/**
 * The keys that work on every page: the palette, the list of keys, a new task, and G with a letter to go somewhere.
 *
 * Invariant: but for Ctrl or Cmd with K, a key does something only when nobody is typing and no dialog or menu is open.
 */
import { Suspense, useEffect, useLayoutEffect, useRef } from "react";
import { useLocation } from "wouter";
import { fetchLater, lazily } from "../app/later";
import { isTyping } from "../board/typing";
import { pathTo } from "../workspace/places";
import { askFor, askForNewTask, isHeld, useAsked } from "./asked";

const fetchPalette = () => import("./Palette");
const fetchKeys = () => import("./KeysHelp");
const Palette = lazily(fetchPalette);
const KeysHelp = lazily(fetchKeys);

const GO_MS = 1_200; // so long a G waits for its letter

/** Where G and a letter lead; those with a `slug` only inside of a workspace. */
function placesOf(slug: string | undefined, view: string | undefined): Record<string, string> {
  const to = (name: string): string => pathTo(slug!, name, view, location.search);
  const inside = slug ? { b: to("board"), l: to("list"), m: to("members"), s: to("search") } : {};
  return { ...inside, t: "/tasks", i: "/inbox" };
}

export function GlobalKeys({ slug, view }: { slug: string | undefined; view: string | undefined }) {
  const overlay = useAsked((state) => state.overlay);
  const [, go] = useLocation();
  const pressedG = useRef(-Infinity); // by the clock of the page, which begins at its loading
  useEffect(() => fetchLater(fetchPalette, fetchKeys), []);
  // In the commit itself: what is seen can be worked by keys.
  useLayoutEffect(() => {
    function keyed(event: KeyboardEvent): void {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        askFor(useAsked.getState().overlay === "palette" ? null : "palette");
        return;
      }
      if (isHeld()) return; // what is typed now is for the dialog that comes
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || isTyping(event)) return;
      const places = placesOf(slug, view);
      const isAfterG = performance.now() - pressedG.current < GO_MS;
      pressedG.current = -Infinity;
      const place = isAfterG ? places[event.key] : event.key === "/" ? places.s : undefined;
      if (place) go(place);
      else if (isAfterG) return;
      else if (event.key === "g") pressedG.current = performance.now();
      else if (event.key === "?") askFor("keys");
      else if (event.key.toLowerCase() === "c" && slug) {
        askForNewTask();
        if (view !== "board" && view !== "list") go(`/w/${slug}/board`);
      } else return;
      event.preventDefault();
      event.stopImmediatePropagation(); // S after G is no status
    }
    addEventListener("keydown", keyed, { capture: true });
    return () => removeEventListener("keydown", keyed, { capture: true });
  }, [slug, view, go]);

  return (
    <Suspense fallback={null}>
      {overlay === "palette" && <Palette slug={slug} view={view} onClose={() => askFor(null)} />}
      {overlay === "keys" && <KeysHelp slug={slug} onClose={() => askFor(null)} />}
    </Suspense>
  );
}
