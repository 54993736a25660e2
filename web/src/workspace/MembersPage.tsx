/** Who is here, as what, and links that let others in. A new link is shown once: the server keeps no copy of it. */
import { useEffect, useState } from "react";
import { useMutation, useQuery } from "urql";
import { may } from "../data/model";
import { CreateInviteDocument, InvitesDocument, RevokeInviteDocument, type Role } from "../gql/graphql";
import { SeenLine } from "../presence/Presence";
import { useSeen } from "../presence/use";
import { uuidv7 } from "../sync/ids";
import { Avatar, Button, INPUT, Select, textOf } from "../ui/controls";
import { toast } from "../ui/toasts";
import { useModel, useWorkspace } from "./context";

const ROLE_NAMES: Record<string, string> = { OWNER: "Owner", ADMIN: "Admin", MEMBER: "Member", GUEST: "Guest", VIEWER: "Viewer" };

export default function MembersPage() {
  const model = useModel();
  const seen = useSeen();
  const isTeam = model.workspace?.kind === "TEAM";
  return (
    <div className="mx-auto grid w-full max-w-3xl gap-8 overflow-y-auto p-4">
      <section className="grid gap-2">
        <h2 className="text-lg font-semibold">Members</h2>
        <ul className="rounded-xl border border-line">
          {model.members.map(({ id, role, user }) => (
            <li key={id} className="flex items-center gap-3 border-b border-line p-3 last:border-b-0">
              <Avatar id={user.id} name={user.name} size={32} />
              <span className="min-w-0 grow"><span className="block truncate font-medium">{user.name}</span><span className="text-sm text-dim">@{user.handle}</span></span>
              <SeenLine seen={seen.get(user.id)} />
              <span className="text-sm">{ROLE_NAMES[role]}</span>
            </li>
          ))}
        </ul>
      </section>
      {isTeam && may(model, "MEMBER_INVITE") && <Invites />}
      {!isTeam && <p className="text-dim">This is your personal workspace. To work with others, create a workspace from the menu at the top.</p>}
    </div>
  );
}

function Invites() {
  const workspace = useWorkspace();
  const model = useModel();
  const [{ data }, ask] = useQuery({ query: InvitesDocument, variables: { id: workspace.id }, requestPolicy: "cache-and-network" });
  const [, create] = useMutation(CreateInviteDocument);
  const [, revoke] = useMutation(RevokeInviteDocument);
  const [role, setRole] = useState<Role>("MEMBER");
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => workspace.onEvents((events) => {
    if (events.some((event) => event.__typename === "EntityEvent" && event.kind === "INVITE")) ask({ requestPolicy: "network-only" });
  }), [workspace, ask]);

  async function make(): Promise<void> {
    const answer = await create({ input: { workspaceId: workspace.id, role, clientMutationId: uuidv7() } });
    const payload = answer.data?.createInvite;
    if (payload?.url) setUrl(payload.url);
    else toast("No link was made", payload?.userErrors[0]?.message ?? textOf(answer.error));
  }
  async function takeBack(id: string): Promise<void> {
    const answer = await revoke({ input: { id, clientMutationId: uuidv7() } });
    const problem = answer.data?.revokeInvite.userErrors[0]?.message ?? (answer.error && textOf(answer.error));
    if (problem) toast("The link still works", problem);
  }

  const invites = data?.workspace?.invites?.nodes.filter(({ revokedAt }) => !revokedAt) ?? [];
  const roles = (model.me?.role === "OWNER" || model.me?.role === "ADMIN" ? ["ADMIN", "MEMBER", "VIEWER"] : ["MEMBER", "VIEWER"]) as Role[];
  return (
    <section className="grid gap-3">
      <h2 className="text-lg font-semibold">Invite people</h2>
      <div className="flex flex-wrap items-end gap-2">
        <Select label="They join as" value={role} onChange={(event) => setRole(event.target.value as Role)}>{roles.map((each) => <option key={each} value={each}>{ROLE_NAMES[each]}</option>)}</Select>
        <Button kind="primary" onClick={() => void make()}>Make an invite link</Button>
      </div>
      {url && (
        <div className="grid gap-2 rounded-xl bg-soft p-3">
          <label htmlFor="invite-url" className="text-sm font-medium">The link. It is shown only now.</label>
          <div className="flex gap-2">
            <input id="invite-url" readOnly value={url} className={INPUT} onFocus={(event) => event.target.select()} />
            <Button onClick={() => void navigator.clipboard.writeText(url).then(() => toast("Copied"))}>Copy</Button>
          </div>
        </div>
      )}
      {invites.length > 0 && (
        <ul className="rounded-xl border border-line">
          {invites.map(({ id, role: as, useCount, maxUses, expiresAt }) => (
            <li key={id} className="flex items-center gap-3 border-b border-line p-3 text-sm last:border-b-0">
              <span className="grow">{ROLE_NAMES[as]}, used {useCount}{maxUses ? ` of ${maxUses}` : ""} times{expiresAt && `, until ${new Date(expiresAt).toLocaleDateString()}`}</span>
              <Button kind="danger" onClick={() => void takeBack(id)}>Revoke</Button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
