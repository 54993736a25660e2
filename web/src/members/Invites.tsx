/** Invites by link or to one address, and those that are still open. A new link is shown once: the server keeps no copy. */
import { Link2, Mail } from "lucide-react";
import { useEffect, useState } from "react";
import { NO_PROBLEMS, useAct, type Problems } from "../data/act";
import { useRows } from "../data/pages";
import { CreateInviteDocument, InvitesDocument, RevokeInviteDocument, type InvitesQuery, type Role } from "../gql/later/graphql";
import { Button, Field, Select } from "../ui/controls";
import { dayOf, dayWithin } from "../ui/day";
import { Badge, Checks, Once, Panel, Problem, Row, Rows, Section } from "../ui/forms";
import { useOnce } from "../ui/once";
import { toast } from "../ui/toasts";
import { useModel, useWorkspace } from "../workspace/context";
import { givenBy, ROLE_NAMES } from "./roles";

type Invite = NonNullable<NonNullable<InvitesQuery["workspace"]>["invites"]>["nodes"][number];

const pageOf = ({ workspace }: InvitesQuery) => workspace?.invites;

const LASTING = [{ days: "7", label: "7 days" }, { days: "30", label: "30 days" }, { days: "", label: "No end" }];
const DAY_MS = 86_400_000;
const FIELDS = ["email", "role", "projectIds", "maxUses", "expiresAt"];

export function Invites() {
  const workspace = useWorkspace();
  const [invites, readAgain, isMissing] = useRows(InvitesDocument, workspace.id, pageOf);
  useEffect(() => workspace.onEvents((events) => {
    if (events.some((event) => event.__typename === "EntityEvent" && event.kind === "INVITE")) readAgain();
  }), [workspace, readAgain]);
  const open = invites.filter(isOpen);
  return (
    <>
      <NewInvite />
      {(open.length > 0 || isMissing) && (
        <Section title="Open invites">
          {isMissing && <p className="text-sm text-dim">The server cannot be reached, so some may be missing here.</p>}
          {open.length > 0 && <Rows label="Open invites">{open.map((invite) => <OpenInvite key={invite.id} invite={invite} />)}</Rows>}
        </Section>
      )}
    </>
  );
}

function isOpen({ revokedAt, expiresAt, useCount, maxUses }: Invite): boolean {
  return !revokedAt && !(expiresAt && Date.parse(expiresAt) < Date.now()) && !(maxUses && useCount >= maxUses);
}

function NewInvite() {
  const workspace = useWorkspace();
  const model = useModel();
  const act = useAct();
  const [way, setWay] = useState<"link" | "mail">("link");
  const [role, setRole] = useState<Role>("MEMBER");
  const [url, setUrl] = useState<string | null>(null);
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const projects = model.projects.filter(({ archivedAt }) => !archivedAt);

  const [isBusy, submit] = useOnce(async (form) => {
    const given = new FormData(form);
    const days = Number(given.get("days"));
    const email = String(given.get("email") ?? "").trim();
    const maxUses = Number(given.get("maxUses"));
    const { payload, problems: found } = await act(CreateInviteDocument, {
      workspaceId: workspace.id,
      role,
      ...(role === "GUEST" && { projectIds: given.getAll("projectIds").map(String) }),
      ...(days && { expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() }),
      ...(way === "mail" ? { email } : maxUses && { maxUses }),
    }, FIELDS);
    setProblems(found ?? NO_PROBLEMS);
    if (found) return;
    if (way === "mail") {
      toast("The invite is on its way", email);
      form.reset();
    }
    setUrl(way === "link" ? (payload.url ?? null) : null);
  });

  return (
    <Section title="Invite people">
      <Panel>
        <div role="group" aria-label="How to invite" className="flex w-fit gap-1 rounded-xl bg-raised p-1">
          <Button kind={way === "link" ? "plain" : "quiet"} aria-pressed={way === "link"} onClick={() => { setWay("link"); setProblems(NO_PROBLEMS); }}><Link2 size={16} aria-hidden />By link</Button>
          <Button kind={way === "mail" ? "plain" : "quiet"} aria-pressed={way === "mail"} onClick={() => { setWay("mail"); setProblems(NO_PROBLEMS); setUrl(null); }}><Mail size={16} aria-hidden />By email</Button>
        </div>
        <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
          {way === "mail" && <Field label="Email" name="email" type="email" required autoComplete="off" problem={problems.email} hint="Only the owner of this address can join by it." />}
          <div className="grid gap-3 sm:grid-cols-3">
            <Select label="They join as" value={role} onChange={(event) => setRole(event.target.value as Role)}>
              {givenBy(model.me).map((each) => <option key={each} value={each}>{ROLE_NAMES[each]}</option>)}
            </Select>
            <Select label="It works for" name="days" defaultValue="30">{LASTING.map(({ days, label }) => <option key={days} value={days}>{label}</option>)}</Select>
            {way === "link" && <Field label="How many may use it" name="maxUses" type="number" min={1} max={10_000} placeholder="Any number" problem={problems.maxUses} />}
          </div>
          {role === "GUEST" && (
            <Checks legend="Projects they see" name="projectIds" choices={projects.map(({ id, name }) => ({ id, label: name }))} problem={problems.projectIds} none="There is no project yet; make one in the settings first." />
          )}
          <Problem>{[problems.form, problems.role, problems.expiresAt].filter(Boolean).join(" ")}</Problem>
          <div><Button kind="primary" type="submit" disabled={isBusy}>{way === "link" ? "Make an invite link" : "Send the invite"}</Button></div>
        </form>
        {url && <Once label="The link. It is shown only now." value={url} copied="The link is copied" />}
      </Panel>
    </Section>
  );
}

function OpenInvite({ invite }: { invite: Invite }) {
  const act = useAct();
  async function revoke(): Promise<void> {
    const { problems } = await act(RevokeInviteDocument, { id: invite.id });
    if (problems) toast("The invite still works", problems.form);
  }
  const { email, role, useCount, maxUses, expiresAt, projects, createdBy } = invite;
  const Icon = email ? Mail : Link2;
  const said = [
    email ? null : `used ${useCount}${maxUses ? ` of ${maxUses}` : ""} ${useCount === 1 && !maxUses ? "time" : "times"}`,
    expiresAt ? `until ${dayWithin(dayOf(expiresAt))}` : "no end",
    `by ${createdBy.name}`,
    projects?.length ? `for ${projects.map(({ name }) => name).join(", ")}` : null,
  ];
  return (
    <Row>
      <Icon size={18} aria-hidden className="shrink-0 text-dim" />
      <div className="min-w-0 grow basis-40">
        <p className="truncate text-sm font-medium">{email ?? "Invite link"}</p>
        <p className="text-sm text-dim">{said.filter(Boolean).join(", ")}</p>
      </div>
      <Badge>{ROLE_NAMES[role]}</Badge>
      <Button kind="danger" aria-label={`Revoke the invite ${email ? `of ${email}` : "link"}`} onClick={() => void revoke()}>Revoke</Button>
    </Row>
  );
}
