/** `/reset` asks for a link by mail; `/reset#<token>`, where that link leads, sets the new password and signs in. */
import { element } from "../join/element";
import { adoptIfSession, EMAIL, Refused } from "../session/accounts";
import { ask, type UserError } from "../session/requests";
import { show } from "../join/show";
import { IS_VALID } from "./documents";
import { forgetToken, form, run, start, token } from "./page";

const LOOK_MS = 5_000; // nobody waits longer for what only saves them some typing

interface Payload {
  userErrors: UserError[];
}

async function open(): Promise<void> {
  const found = token();
  if (!found) return askForLink();
  const works = await isValid(found);
  if (token() !== found) return; // another link was opened meanwhile
  if (works) setPassword(found);
  else refuseLink();
}

/** Whether the link works, as far as can be told: where it cannot be asked, setting the password says so. */
async function isValid(found: string): Promise<boolean> {
  try {
    const answer = await ask<{ isPasswordResetTokenValid: boolean }>({ query: IS_VALID, variables: { token: found } }, {}, LOOK_MS);
    return answer.data?.isPasswordResetTokenValid ?? true;
  } catch {
    return true;
  }
}

function askForLink(): void {
  const attributes = { type: "email", autocomplete: "username", value: sessionStorage.getItem(EMAIL) ?? "" };
  sessionStorage.removeItem(EMAIL);
  const back = (): HTMLElement => element("p", {}, element("a", { href: "/sign-in" }, "Back to sign-in"));
  show(
    "Forgot your password?",
    "Type your email address. If there is an account with it, a link comes by email.",
    form({ label: "Email", action: "Send me a link", attributes }, async (value) => {
      await run<Payload>("requestPasswordReset", { email: value.trim() });
      show("Look into your mailbox", "If there is an account with this address, a link is on its way. It works for an hour.", back());
    }),
    back(),
  );
}

function setPassword(found: string): void {
  const attributes = { type: "password", autocomplete: "new-password", minlength: "10", maxlength: "200" };
  show(
    "Set a new password",
    "Everywhere else you are signed in, you will be signed out.",
    form({ label: "New password", hint: "At least 10 characters.", action: "Set password and sign in", attributes }, async (value) => {
      try {
        adoptIfSession(await run<Payload>("resetPassword", { token: found, newPassword: value }));
      } catch (refusal) {
        if (refusal instanceof Refused && refusal.userErrors.some(({ path }) => path?.at(-1) === "token")) return refuseLink();
        throw refusal;
      }
      forgetToken();
      show("Your password is set", "You are signed in here.", start());
    }),
  );
}

function refuseLink(): void {
  forgetToken();
  show(
    "This link does not work",
    "It was used already, has expired, or is not whole.",
    element("p", { class: "actions" }, element("a", { class: "button primary", href: "/reset" }, "Ask for a new one")),
  );
}

addEventListener("hashchange", () => {
  show("One moment…", "The link is looked at."); // what is there belongs to the link before
  void open();
});
void open();
