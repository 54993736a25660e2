/** API tokens: what programs act by, and what each of them may do. A new one is shown once: the server keeps no copy. */
import { KeyRound } from "lucide-react";
import { useState, type ReactNode } from "react";
import { NO_PROBLEMS, useAct, type Problems } from "../data/act";
import {
  ApiTokensDocument, CreateApiTokenDocument, RevokeApiTokenDocument, UpdateApiTokenDocument, type Permission, type TokenRowFragment as Token,
} from "../gql/later/graphql";
import { Button, Field, Select } from "../ui/controls";
import { dayOf, dayWithin } from "../ui/day";
import { Dialog } from "../ui/dialog";
import { Badge, Checks, Confirm, Problem, Row, Rows, Saving, Section, useDraft } from "../ui/forms";
import { useOnce } from "../ui/once";
import { Ago, useNow } from "../ui/time";
import { toast } from "../ui/toasts";
import { useModel, useWorkspace } from "../workspace/context";
import { Freshness, useFresh } from "./fresh";
import { SecretDialog, type Secret } from "./SecretDialog";

const RIGHTS: Record<Permission, { readonly does: string; readonly hint: string }> = {
  TASK_READ: { does: "See tasks", hint: "Every token may." },
  TASK_WRITE: { does: "Change tasks", hint: "Create, move and archive them, too." },
  TASK_DELETE: { does: "Delete tasks", hint: "And restore them." },
  COMMENT_WRITE: { does: "Comment", hint: "Under the name of the token." },
  PROJECT_ADMIN: { does: "Arrange projects", hint: "Statuses, labels and guests of projects, too." },
  MEMBER_INVITE: { does: "Invite people", hint: "With roles that may do no more than the token." },
  MEMBER_ADMIN: { does: "Manage members", hint: "Change their roles, and remove them." },
  TOKEN_ADMIN: { does: "Manage API tokens", hint: "Make others that may do no more than itself." },
  WEBHOOK_ADMIN: { does: "Manage webhooks", hint: "Have other addresses told what happens here." },
  WORKSPACE_ADMIN: { does: "Manage the workspace", hint: "Rename it, and delete it." },
  EXPORT: { does: "Export everything", hint: "All of the workspace's data at once." },
};

const LASTING = [{ days: "30", label: "30 days" }, { days: "90", label: "90 days" }, { days: "365", label: "A year" }, { days: "", label: "No end" }];
const DAY_MS = 86_400_000;
const FIELDS = ["name", "scopes", "expiresAt"];
const LOST = "The token was made, but its secret was lost on the way here. Revoke it, and make another one.";

type Question = { readonly kind: "new" } | { readonly kind: "rename" | "revoke"; readonly token: Token };

export function Tokens() {
  const workspace = useWorkspace();
  const read = useFresh(ApiTokensDocument, workspace.id);
  const [question, setQuestion] = useState<Question | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const now = useNow();
  const tokens = read.data?.workspace?.apiTokens;
  const hasEnded = ({ revokedAt, expiresAt }: Token): boolean => Boolean(revokedAt) || (Boolean(expiresAt) && Date.parse(expiresAt!) <= now);
  const working = tokens?.filter((token) => !hasEnded(token)) ?? [];
  const ended = tokens?.filter(hasEnded) ?? [];
  function close(): void {
    setQuestion(null);
    read.ask();
  }
  return (
    <>
      <Section title="API tokens" lead="What programs act by, in this workspace only. A token may do what is chosen for it, for as long as whoever made it may do that."
        action={<Button kind="primary" onClick={() => setQuestion({ kind: "new" })}><KeyRound size={16} aria-hidden />New token</Button>}>
        <Freshness of={read} what="the API tokens" />
        {tokens && working.length === 0 && <p className="text-sm text-dim">No program has a token here.</p>}
        {working.length > 0 && (
          <Rows label="API tokens">
            {working.map((token) => (
              <TokenRow key={token.id} token={token} badge={null}>
                <Button kind="quiet" aria-label={`Rename ${token.name}`} onClick={() => setQuestion({ kind: "rename", token })}>Rename</Button>
                <Button kind="danger" aria-label={`Revoke ${token.name}`} onClick={() => setQuestion({ kind: "revoke", token })}>Revoke</Button>
              </TokenRow>
            ))}
          </Rows>
        )}
      </Section>
      {ended.length > 0 && (
        <Section title="No longer valid" lead="What was revoked is listed for 30 days.">
          <Rows label="Tokens that are no longer valid">
            {ended.map((token) => (
              <TokenRow key={token.id} token={token} badge={token.revokedAt ? "Revoked" : "Expired"}>
                {!token.revokedAt && <Button kind="danger" aria-label={`Revoke ${token.name}`} onClick={() => setQuestion({ kind: "revoke", token })}>Revoke</Button>}
              </TokenRow>
            ))}
          </Rows>
        </Section>
      )}
      {question?.kind === "new" && <NewToken onMade={setSecret} onClose={close} />}
      {question?.kind === "rename" && <RenameToken token={question.token} onClose={close} />}
      {question?.kind === "revoke" && <RevokeToken token={question.token} onClose={close} />}
      {secret && (
        <SecretDialog secret={secret} onClose={() => setSecret(null)}>
          <p>Whoever has it may do all that was chosen for it. A program sends it with each request to <span className="wrap-anywhere">{location.origin}/graphql</span>, as <code>Authorization: Bearer</code> and the token.</p>
        </SecretDialog>
      )}
    </>
  );
}

function TokenRow({ token, badge, children }: { token: Token; badge: string | null; children: ReactNode }) {
  const { name, prefix, scopes, createdBy, createdAt, expiresAt, lastUsedAt, revokedAt } = token;
  const end = revokedAt ? `revoked ${dayWithin(dayOf(revokedAt))}` : expiresAt ? `until ${dayWithin(dayOf(expiresAt))}` : "no end";
  return (
    <Row>
      <KeyRound size={18} aria-hidden className="mt-0.5 shrink-0 self-start text-dim" />
      <div className="min-w-0 grow basis-52">
        <p className="font-medium wrap-anywhere">{name} <code className="text-sm font-normal text-dim">{prefix}…</code></p>
        <p className="text-sm">{scopes.map((scope) => RIGHTS[scope].does).join(", ")}</p>
        <p className="text-sm text-dim">Made {dayWithin(dayOf(createdAt))} by {createdBy.name}, {end}, {lastUsedAt ? <>last used <Ago at={lastUsedAt} /></> : "never used"}</p>
      </div>
      {badge && <Badge>{badge}</Badge>}
      <span className="flex gap-1 max-sm:w-full max-sm:pl-7.5 empty:hidden">{children}</span>
    </Row>
  );
}

function NewToken({ onMade, onClose }: { onMade: (secret: Secret) => void; onClose: () => void }) {
  const workspace = useWorkspace();
  const { me } = useModel();
  const act = useAct();
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [isBusy, submit] = useOnce(async (form) => {
    const given = new FormData(form);
    const name = String(given.get("name")).trim();
    const days = Number(given.get("days"));
    const { payload, problems: found } = await act(CreateApiTokenDocument, {
      workspaceId: workspace.id,
      name,
      scopes: ["TASK_READ", ...given.getAll("scopes").map((scope) => scope as Permission)],
      ...(days && { expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() }),
    }, FIELDS);
    if (found) return setProblems(found);
    if (!payload.secret) return setProblems({ form: LOST });
    onClose();
    onMade({ title: `Copy the token of ${name}`, label: "The token", value: payload.secret });
  });
  const choices = (me?.permissions ?? []).filter((each) => each !== "TASK_READ").map((id) => ({ id, label: RIGHTS[id].does, hint: RIGHTS[id].hint }));
  return (
    <Dialog title="New API token" onClose={onClose}>
      <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
        <Field label="Name" name="name" required maxLength={100} autoComplete="off" problem={problems.name} hint="What it is for, like CI. People see it at what the token does." />
        <Checks legend="What it may do, besides seeing tasks" name="scopes" choices={choices} problem={problems.scopes} />
        <Select label="It works for" name="days" defaultValue="90">{LASTING.map(({ days, label }) => <option key={days} value={days}>{label}</option>)}</Select>
        <Problem>{[problems.expiresAt, problems.form].filter(Boolean).join(" ")}</Problem>
        <Saving isChanged isBusy={isBusy} label="Make the token" />
      </form>
    </Dialog>
  );
}

function RenameToken({ token: { id, name }, onClose }: { token: Token; onClose: () => void }) {
  const act = useAct();
  const draft = useDraft({ name }, 1);
  const [isBusy, submit] = useOnce(async () => {
    const { problems } = await act(UpdateApiTokenDocument, { id, name: draft.values.name }, FIELDS);
    if (problems) draft.refuse(problems);
    else onClose();
  });
  return (
    <Dialog title={`Rename ${name}`} onClose={onClose}>
      <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
        <Field label="Name" value={draft.values.name} required maxLength={100} autoComplete="off" problem={draft.problems.name} hint="What it may do stays: make another token for that." onChange={(event) => draft.set({ name: event.target.value })} />
        <Problem>{draft.problems.form}</Problem>
        <Saving isChanged={draft.isChanged} isBusy={isBusy} label="Save name" />
      </form>
    </Dialog>
  );
}

function RevokeToken({ token: { id, name }, onClose }: { token: Token; onClose: () => void }) {
  const act = useAct();
  async function revoke(): Promise<Problems | null> {
    const { problems } = await act(RevokeApiTokenDocument, { id });
    if (!problems) toast(`“${name}” is revoked`);
    return problems;
  }
  return (
    <Confirm title={`Revoke “${name}”?`} action="Revoke token" onClose={onClose} onConfirm={revoke}>
      <p>Programs that use it are refused within a second, for good. Webhooks that it made are paused.</p>
    </Confirm>
  );
}
