/**
 * What the pages share that links in mails lead to.
 *
 * Invariant: the token stays in the fragment and in request bodies, and leaves the address as soon as it was used.
 */
import { ask, problemsOf, type UserError } from "../session/requests";
import { element, type Child } from "../join/element";
import { MUTATIONS } from "./documents";

const place = document.getElementById("place")!;

export const token = (): string => decodeURIComponent(location.hash.slice(1));

/** The link is spent: a reload should not try it again. */
export const forgetToken = (): void => history.replaceState(null, "", location.pathname);

export function show(title: string, lead: string, ...more: Child[]): void {
  document.title = `${title} · Tutti`;
  place.replaceChildren(element("h1", {}, title), element("p", { class: "lead" }, lead));
  place.append(...more.filter((each): each is Node | string => Boolean(each)));
}

/** Runs an account mutation. Throws an Error for a person to read if it was refused or could not be asked. */
export async function run<Payload extends { userErrors: UserError[] }>(
  mutation: keyof typeof MUTATIONS,
  input: Record<string, string>,
): Promise<Payload> {
  const answer = await ask<Record<string, Payload>>({ query: MUTATIONS[mutation], variables: { input } });
  const payload = answer.data?.[mutation];
  if (!payload) throw new Error(problemsOf(answer) ?? "The server gave no result.");
  if (payload.userErrors.length) throw new Error(payload.userErrors.map((error) => error.message).join(" "));
  return payload;
}

/** A form of one field that says by itself what was refused. */
export function form(label: string, action: string, attributes: Record<string, string>, submit: (value: string) => Promise<void>): HTMLElement {
  const input = element("input", { id: "value", required: "", "aria-describedby": "problem", ...attributes });
  const problem = element("p", { class: "problem", id: "problem", role: "alert", hidden: "" });
  const button = element("button", { class: "button primary", type: "submit" }, action);
  const made = element("form", {}, element("label", { for: "value" }, label, input), problem, button);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    button.disabled = true;
    try {
      await submit(input.value);
    } catch (refusal) {
      problem.textContent = text(refusal);
      problem.hidden = false;
      input.setAttribute("aria-invalid", "true");
    } finally {
      button.disabled = false;
    }
  });
  return made;
}

export const text = (problem: unknown): string => (problem instanceof Error ? problem.message : String(problem));

export const start = (): HTMLElement =>
  element("p", { class: "actions" }, element("a", { class: "button primary", href: "/" }, "Go to Tutti"));
