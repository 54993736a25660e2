/** `/unsubscribe#<token>`, or `?token=` from a mail's header: ends such mails by a button, as scanners open links too. */
import { element } from "../join/element";
import { once, show } from "../join/show";
import { start, text, token } from "./page";

function open(): void {
  const found = token() || new URLSearchParams(location.search).get("token") || "";
  if (!found) return show("No link here", "Open the whole link from the email.");
  const button = element("button", { class: "button primary", type: "button" }, "Send me no more of these");
  button.addEventListener("click", () => void once(button, async () => {
    try {
      const answer = await fetch(`/unsubscribe?token=${encodeURIComponent(found)}`, { method: "POST" });
      if (!answer.ok) throw new Error(await answer.text());
      show("Done", "You get no more of these emails. What happens still waits for you in Tutti.", start());
    } catch (problem) {
      show("That did not work", text(problem), start());
    }
  }));
  show("No more of these emails?", "It changes nothing but email.", element("p", { class: "actions" }, button));
}

addEventListener("hashchange", open);
open();
