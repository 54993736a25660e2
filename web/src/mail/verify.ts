/** `/verify#<token>`: confirms an email address, by a button, as mail scanners open links too. */
import { element } from "../join/element";
import { once, show } from "../join/show";
import type { UserError } from "../session/requests";
import { forgetToken, run, start, text, token } from "./page";

function open(): void {
  const found = token();
  if (!found) return show("No link here", "The link in the email ends in # and a long code. Open the whole link.");
  const button = element("button", { class: "button primary", type: "button" }, "Confirm");
  button.addEventListener("click", () => void once(button, async () => {
    try {
      await run<{ userErrors: UserError[] }>("verifyEmail", { token: found });
      forgetToken();
      show("Your address is confirmed", "Thank you. There is nothing else to do.", start());
    } catch (refusal) {
      show("The address was not confirmed", text(refusal), start());
    }
  }));
  show("Confirm your address", "One click, and this email address is yours.", element("p", { class: "actions" }, button));
}

addEventListener("hashchange", open);
open();
