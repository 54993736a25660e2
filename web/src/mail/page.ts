/**
 * What the pages share that links in mails lead to.
 *
 * Invariant: the token stays in the fragment and in request bodies, and leaves the address as soon as it was used.
 */
import { Refused } from "../session/accounts";
import { ask, problemsOf, type UserError } from "../session/requests";
import { element } from "../join/element";
import { once } from "../join/show";
import { MUTATIONS } from "./documents";

export const token = (): string => decodeURIComponent(location.hash.slice(1));

/** The link is spent: a reload should not try it again. */
export const forgetToken = (): void => history.replaceState(null, "", location.pathname);

/** Runs an account mutation. Throws Refused, or an Error for a person to read if it could not be asked. */
export async function run<Payload extends { userErrors: UserError[] }>(
  mutation: keyof typeof MUTATIONS,
  input: Record<string, string>,
): Promise<Payload> {
  const answer = await ask<Record<string, Payload>>({ query: MUTATIONS[mutation], variables: { input } });
  const payload = answer.data?.[mutation];
  if (!payload) throw new Error(problemsOf(answer) ?? "The server gave no result.");
  if (payload.userErrors.length) throw new Refused(payload.userErrors);
  return payload;
}

interface Asked {
  readonly label: string;
  readonly hint?: string;
  readonly action: string;
  /** Of the field. */
  readonly attributes: Record<string, string>;
}

/** A form of one field that says by itself what was refused. */
export function form({ label, hint, action, attributes }: Asked, submit: (value: string) => Promise<void>): HTMLElement {
  const input = element("input", { id: "value", required: "", "aria-describedby": "hint problem", ...attributes });
  const problem = element("p", { class: "problem", id: "problem", role: "alert", hidden: "" });
  const button = element("button", { class: "button primary", type: "submit" }, action);
  const field = element("div", { class: "field" }, element("label", { for: "value" }, label), input, hint ? element("p", { class: "hint", id: "hint" }, hint) : null);
  const made = element("form", {}, field, problem, button);
  async function send(): Promise<void> {
    problem.hidden = true;
    try {
      await submit(input.value);
    } catch (refusal) {
      problem.textContent = text(refusal);
      problem.hidden = false;
      input.setAttribute("aria-invalid", "true");
      input.focus();
    }
  }
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    void once(button, send);
  });
  return made;
}

export const text = (problem: unknown): string => (problem instanceof Error ? problem.message : String(problem));

export const start = (): HTMLElement =>
  element("p", { class: "actions" }, element("a", { class: "button primary", href: "/" }, "Go to Tutti"));
