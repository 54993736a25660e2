/** `/reset` asks for a link by mail; `/reset#<token>`, where that link leads, sets the new password and signs in. */
import { element } from "../join/element";
import { adoptIfSession, EMAIL, Refused } from "../session/accounts";
import type { UserError } from "../session/requests";
import { show } from "../join/show";
import { forgetToken, form, run, start, token } from "./page";

interface Payload {
  userErrors: UserError[];
}

function open(): void {
  const found = token();
  if (found) setPassword(found);
  else askForLink();
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

addEventListener("hashchange", open);
open();
