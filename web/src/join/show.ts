/**
 * What the plain pages show: a title, a sentence and what follows, one after the other.
 *
 * Invariant: what takes the place of something else is given the focus, which would be nowhere: whoever has pressed a button
 * there hears, and works, what has come of it.
 */
import { element, type Child } from "./element";

const place = document.getElementById("place")!;

export function show(title: string, lead: string, ...more: Child[]): void {
  document.title = `${title} · Tutti`;
  const isNext = place.querySelector("h1") !== null;
  const heading = element("h1", { tabindex: "-1" }, title);
  place.replaceChildren(heading, element("p", { class: "lead" }, lead));
  place.append(...more.filter((each): each is Node | string => Boolean(each)));
  if (isNext) heading.focus();
}

/** Does what a button is for, and not again before that is over. The button keeps the focus meanwhile. */
export async function once(button: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true";
  try {
    await work();
  } finally {
    button.ariaDisabled = "false";
  }
}
