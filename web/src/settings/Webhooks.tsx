/** Webhooks: addresses that are told what happens here, whether that works, and what to do where it does not. */
import { ChevronDown, MoreHorizontal, Pause, Play, Webhook as Icon } from "lucide-react";
import { useId, useState } from "react";
import { NO_PROBLEMS, useAct, type Problems } from "../data/act";
import {
  CreateWebhookDocument, DeleteWebhookDocument, RotateWebhookSecretDocument, TestWebhookDocument, UpdateWebhookDocument, WebhooksDocument,
  type EventKind, type WebhookRowFragment as Webhook,
} from "../gql/later/graphql";
import { Button, Field } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Badge, Checks, Confirm, Problem, Row, Rows, Saving, Section } from "../ui/forms";
import { Menu, MenuItem } from "../ui/menu";
import { useOnce } from "../ui/once";
import { toast } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";
import { Deliveries, Outcome } from "./Deliveries";
import { Freshness, useFresh } from "./fresh";
import { SecretDialog, type Secret } from "./SecretDialog";

const KINDS: Record<EventKind, string> = {
  TASK: "Tasks", COMMENT: "Comments", REACTION: "Reactions", PROJECT: "Projects", STATUS: "Statuses", LABEL: "Labels",
  MEMBERSHIP: "Members", INVITE: "Invites", WORKSPACE: "The workspace itself",
};
const ALL_KINDS = Object.keys(KINDS) as EventKind[];
const USUAL: readonly EventKind[] = ["TASK", "COMMENT"];

const FIELDS = ["url", "kinds"];
const LOST = "It was made, but its secret was lost on the way here. Close this, and take “New secret” from its menu.";

type Question = { readonly kind: "new" } | { readonly kind: "edit" | "rotate" | "delete"; readonly webhook: Webhook };

const secretOf = (value: string): Secret => ({ title: "Copy the secret of the webhook", label: "The secret", value });

export function Webhooks() {
  const workspace = useWorkspace();
  const read = useFresh(WebhooksDocument, workspace.id);
  const [question, setQuestion] = useState<Question | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const webhooks = read.data?.workspace?.webhooks;
  function close(): void {
    setQuestion(null);
    read.ask();
  }
  return (
    <>
      <Section title="Webhooks" lead="Addresses of yours that are told what happens here: each event by one POST, in order, and again until it is taken."
        action={<Button kind="primary" onClick={() => setQuestion({ kind: "new" })}><Icon size={16} aria-hidden />New webhook</Button>}>
        <Freshness of={read} what="the webhooks" />
        {webhooks?.length === 0 && <p className="text-sm text-dim">No address is told of anything.</p>}
        {webhooks && webhooks.length > 0 && (
          <Rows label="Webhooks">{webhooks.map((webhook) => <WebhookRow key={webhook.id} webhook={webhook} onAsk={setQuestion} onChanged={read.ask} />)}</Rows>
        )}
      </Section>
      {question?.kind === "new" && <WebhookDialog webhook={null} onMade={setSecret} onClose={close} />}
      {question?.kind === "edit" && <WebhookDialog webhook={question.webhook} onMade={setSecret} onClose={close} />}
      {question?.kind === "rotate" && <RotateSecret webhook={question.webhook} onMade={setSecret} onClose={close} />}
      {question?.kind === "delete" && <DeleteWebhook webhook={question.webhook} onClose={close} />}
      {secret && (
        <SecretDialog secret={secret} onClose={() => setSecret(null)}>
          <p>Each message is signed by it, as Standard Webhooks says, so your program can tell that it comes from here.</p>
        </SecretDialog>
      )}
    </>
  );
}

interface WebhookRowProps {
  webhook: Webhook;
  onAsk: (question: Question) => void;
  onChanged: () => void;
}

function WebhookRow({ webhook, onAsk, onChanged }: WebhookRowProps) {
  const act = useAct();
  const [isOpen, setIsOpen] = useState(false);
  const listId = useId();
  const { id, url, kinds, state, createdBy, deliveries: { nodes: [last] } } = webhook;
  const isPaused = state === "PAUSED";
  async function pause(paused: boolean): Promise<void> {
    const { problems } = await act(UpdateWebhookDocument, { id, paused });
    if (problems) toast("The webhook stays as it was", problems.form);
    else toast(paused ? "The webhook is paused" : "The webhook goes on", paused ? "What happens meanwhile waits." : undefined);
    onChanged();
  }
  async function test(): Promise<void> {
    const { problems } = await act(TestWebhookDocument, { id });
    if (problems) return toast("No test was sent", problems.form);
    toast("A test is on its way", "What became of it stands among the messages.");
    setIsOpen(true);
  }
  return (
    <Row>
      <Icon size={18} aria-hidden className="mt-0.5 shrink-0 self-start text-dim" />
      <div className="min-w-0 grow basis-52">
        <div className="flex items-start justify-between gap-3">
          <p className="font-medium wrap-anywhere">{url}</p>
          <State state={state} />
        </div>
        <p className="text-sm">{toldOf(kinds)} <span className="text-dim">by {createdBy.name}</span></p>
        <Trouble webhook={webhook} />
        <p className="text-sm text-dim">{last ? <>Last message: <Outcome delivery={last} /></> : "Nothing was sent yet."}</p>
        <div className="mt-1 -ml-3 flex flex-wrap gap-1">
          <Button kind="quiet" aria-label={`Messages to ${url}`} aria-expanded={isOpen} aria-controls={listId} onClick={() => setIsOpen(!isOpen)}><ChevronDown size={16} aria-hidden className={isOpen ? "rotate-180" : ""} />Messages</Button>
          <Button kind="quiet" aria-label={`${isPaused ? "Resume" : "Pause"} ${url}`} onClick={() => void pause(!isPaused)}>{isPaused ? <Play size={16} aria-hidden /> : <Pause size={16} aria-hidden />}{isPaused ? "Resume" : "Pause"}</Button>
          <Menu label={`${url}: more`} trigger={<Button kind="quiet" aria-label={`More for ${url}`}><MoreHorizontal size={18} aria-hidden /></Button>}>
            <MenuItem onSelect={() => void test()}>Send a test</MenuItem>
            <MenuItem onSelect={() => onAsk({ kind: "edit", webhook })}>Edit…</MenuItem>
            <MenuItem onSelect={() => onAsk({ kind: "rotate", webhook })}>New secret…</MenuItem>
            <MenuItem onSelect={() => onAsk({ kind: "delete", webhook })}>Delete…</MenuItem>
          </Menu>
        </div>
      </div>
      <div id={listId} className="w-full empty:hidden">{isOpen && <Deliveries webhookId={id} url={url} isPaused={isPaused} />}</div>
    </Row>
  );
}

const toldOf = (kinds: readonly EventKind[]): string =>
  kinds.length === ALL_KINDS.length ? "Everything" : ALL_KINDS.filter((kind) => kinds.includes(kind)).map((kind, at) => (at ? KINDS[kind].toLowerCase() : KINDS[kind])).join(", ");

function State({ state }: { state: Webhook["state"] }) {
  if (state === "FAILING") return <Badge><span className="text-bad">Failing</span></Badge>;
  return <Badge>{state === "PAUSED" ? "Paused" : "Active"}</Badge>;
}

/** Why nothing goes out, and what ends that. */
function Trouble({ webhook: { state, pauseReason, createdBy } }: { webhook: Webhook }) {
  if (state === "ACTIVE") return null;
  const words = state === "FAILING" ? "Its address has taken nothing for a day. It is tried once an hour, and all that happens waits for it."
    : pauseReason === "CREATOR_LEFT" ? `${createdBy.name}, who made it, is no longer here. Whoever resumes it takes it over.`
    : pauseReason === "TOKEN_ENDED" ? "The API token that made it, or led it here, is no longer valid. Whoever resumes it takes it over."
    : "Somebody paused it. All that happens waits until it is resumed.";
  return <p className={`text-sm ${state === "FAILING" ? "text-bad" : "text-warn"}`}>{words}</p>;
}

function WebhookDialog({ webhook, onMade, onClose }: { webhook: Webhook | null; onMade: (secret: Secret) => void; onClose: () => void }) {
  const workspace = useWorkspace();
  const act = useAct();
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [isBusy, submit] = useOnce(async (form) => {
    const given = new FormData(form);
    const input = { url: String(given.get("url")).trim(), kinds: given.getAll("kinds").map((kind) => kind as EventKind) };
    if (webhook) {
      const { problems: found } = await act(UpdateWebhookDocument, { id: webhook.id, ...input }, FIELDS);
      if (found) return setProblems(found);
      return onClose();
    }
    const { payload, problems: found } = await act(CreateWebhookDocument, { workspaceId: workspace.id, ...input }, FIELDS);
    if (found) return setProblems(found);
    if (!payload.secret) return setProblems({ form: LOST });
    onClose();
    onMade(secretOf(payload.secret));
  });
  return (
    <Dialog title={webhook ? "Edit the webhook" : "New webhook"} onClose={onClose}>
      <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
        <Field label="Address" name="url" inputMode="url" required maxLength={2_000} autoComplete="off" defaultValue={webhook?.url} placeholder="https://example.com/hooks/tutti" problem={problems.url} hint={webhook ? "What waits goes there, too." : "It is told what happens from now on."} />
        <Checks legend="What it is told of" name="kinds" choices={ALL_KINDS.map((id) => ({ id, label: KINDS[id] }))} chosen={webhook?.kinds ?? USUAL} problem={problems.kinds} />
        <p className="text-sm text-dim">It never tells more than {webhook ? webhook.createdBy.name : "you"} may see.</p>
        <Problem>{problems.form}</Problem>
        <Saving isChanged isBusy={isBusy} label={webhook ? "Save webhook" : "Create webhook"} />
      </form>
    </Dialog>
  );
}

function RotateSecret({ webhook: { id, url }, onMade, onClose }: { webhook: Webhook; onMade: (secret: Secret) => void; onClose: () => void }) {
  const act = useAct();
  async function rotate(): Promise<Problems | null> {
    const { payload, problems } = await act(RotateWebhookSecretDocument, { id });
    if (problems) return problems;
    if (!payload.secret) return { form: "There is a new secret, but it was lost on the way here. Ask for another one." };
    onMade(secretOf(payload.secret));
    return null;
  }
  return (
    <Confirm title="Make a new secret?" action="Make a new secret" onClose={onClose} onConfirm={rotate}>
      <p className="wrap-anywhere">For 24 hours each message to {url} is signed by both, the old one and the new one. From then on only by the new one.</p>
    </Confirm>
  );
}

function DeleteWebhook({ webhook: { id, url }, onClose }: { webhook: Webhook; onClose: () => void }) {
  const act = useAct();
  async function remove(): Promise<Problems | null> {
    const { problems } = await act(DeleteWebhookDocument, { id });
    if (!problems) toast("The webhook is deleted");
    return problems;
  }
  return (
    <Confirm title="Delete this webhook?" action="Delete webhook" onClose={onClose} onConfirm={remove}>
      <p className="wrap-anywhere">{url} is told nothing any more, also of what waits for it. What is known of its messages is deleted, too.</p>
    </Confirm>
  );
}
