/** The last messages to a webhook: what became of each, what was answered, and how to have them sent again. */
import { Check, Clock, RotateCw, X } from "lucide-react";
import { useState } from "react";
import { useAct, type Problems } from "../data/act";
import { DeliveriesDocument, ReplayWebhookDocument, type DeliveryRowFragment as Delivery } from "../gql/later/graphql";
import { Button } from "../ui/controls";
import { Confirm } from "../ui/forms";
import { Ago } from "../ui/time";
import { toast } from "../ui/toasts";
import { Freshness, useFresh } from "./fresh";

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

const LOOKS = {
  PENDING: { Icon: Clock, color: "", word: "on its way" },
  DELIVERED: { Icon: Check, color: "text-good", word: "delivered" },
  RETRYING: { Icon: RotateCw, color: "text-warn", word: "not taken" },
  FAILED: { Icon: X, color: "text-bad", word: "not taken" },
};

/** What became of a message, in a few words; `isAlone`: they begin a line. */
export function Outcome({ delivery: { state, lastStatusCode, lastAttemptAt, nextAttemptAt, isTest, attempts }, isAlone = false }: { delivery: Delivery; isAlone?: boolean }) {
  const { Icon, color, word } = LOOKS[state];
  const said = `${isTest ? "a test, " : ""}${word}`;
  const next = state !== "DELIVERED" && !isTest && nextAttemptAt ? `, again at ${TIME.format(new Date(nextAttemptAt))}` : "";
  return (
    <>
      <Icon size={14} aria-hidden className={`mr-1 inline align-[-0.125em] ${color}`} />
      {isAlone ? said[0]!.toUpperCase() + said.slice(1) : said}{lastStatusCode != null && `, ${lastStatusCode}`}
      {lastAttemptAt && <>, <Ago at={lastAttemptAt} /></>}{attempts > 1 && `, ${attempts} attempts`}{next}
    </>
  );
}

export function Deliveries({ webhookId, url, isPaused }: { webhookId: string; url: string; isPaused: boolean }) {
  const act = useAct();
  const read = useFresh(DeliveriesDocument, webhookId);
  const [after, setAfter] = useState<string | null>(null);
  const webhook = read.data?.node?.__typename === "Webhook" ? read.data.node : null;
  const deliveries = webhook?.deliveries.nodes ?? [];
  async function replay(cursor: string, sent: string): Promise<Problems | null> {
    const { problems } = await act(ReplayWebhookDocument, { id: webhookId, after: cursor });
    if (!problems) toast(isPaused ? "They are sent when the webhook is resumed" : sent);
    read.ask();
    return problems;
  }
  async function tryNow(cursor: string): Promise<void> {
    const problems = await replay(cursor, "It is sent now");
    if (problems) toast("It is not sent now", problems.form);
  }
  return (
    <div className="grid grid-cols-1 gap-2 sm:pl-7.5">
      <Freshness of={read} what="the messages" />
      {webhook && deliveries.length === 0 && <p className="text-sm text-dim">No message was sent in the last 7 days.</p>}
      {deliveries.length > 0 && (
        <ul aria-label={`Messages to ${url}`} className="divide-y divide-line rounded-xl bg-raised px-3">
          {deliveries.map((delivery) => {
            const { id, isTest, state, lastError, lastResponse, replayCursor } = delivery;
            return (
              <li key={id} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2 text-sm">
                <div className="min-w-0 grow basis-52">
                  <p><Outcome delivery={delivery} isAlone /></p>
                  {lastError && <p className="wrap-anywhere text-dim">{lastError}</p>}
                  {state !== "PENDING" && <details>
                    <summary className="w-fit cursor-pointer py-1 text-dim pointer-coarse:py-3">What was answered</summary>
                    <p className="wrap-anywhere text-dim">{id}</p>
                    <pre className="max-h-48 overflow-auto text-xs whitespace-pre-wrap wrap-anywhere">{lastResponse || "Nothing."}</pre>
                  </details>}
                </div>
                {!isTest && !isPaused && (state === "RETRYING" || state === "FAILED") && webhook?.deliveredThrough && <Button onClick={() => void tryNow(webhook.deliveredThrough!)}>Try now</Button>}
                {!isTest && state === "DELIVERED" && <Button kind="quiet" onClick={() => setAfter(replayCursor)}>Send again…</Button>}
              </li>
            );
          })}
        </ul>
      )}
      {after && (
        <Confirm title="Send again from here on?" action="Send again" onClose={() => setAfter(null)} onConfirm={() => replay(after, "They are sent again")}>
          <p>This message and all that came after it are sent again. They have the same ids as before, so a program that knows them leaves them out.</p>
        </Confirm>
      )}
    </div>
  );
}
