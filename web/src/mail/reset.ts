/** `/reset` asks for a link by mail; `/reset#<token>`, where that link leads, sets the new password and signs in. */
import { element } from "../join/element";
import { adoptIfSession, EMAIL } from "../session/accounts";
import type { UserError } from "../session/requests";
import { forgetToken, form, run, show, start, token } from "./page";

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
    form("Email", "Send me a link", attributes, async (value) => {
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
    form("New password", "Set password and sign in", attributes, async (value) => {
      adoptIfSession(await run<Payload>("resetPassword", { token: found, newPassword: value }));
      forgetToken();
      show("Your password is set", "You are signed in here.", start());
    }),
  );
}

addEventListener("hashchange", open);
open();
