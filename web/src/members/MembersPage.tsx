/** Who is here and as what: roles, projects of guests, leaving, handing over; below, how others get in. */
import { MoreHorizontal } from "lucide-react";
import { useState } from "react";
import { useAct, type Problems } from "../data/act";
import { useRows } from "../data/pages";
import { may, type Membership, type Model } from "../data/model";
import {
  AddProjectGuestDocument, AddressesDocument, RemoveMemberDocument, RemoveProjectGuestDocument, TransferWorkspaceDocument, UpdateMemberRoleDocument, type AddressesQuery, type Role,
} from "../gql/later/graphql";
import { SeenLine } from "../presence/Presence";
import { useSeen, type Seen } from "../presence/use";
import { announce } from "../ui/announce";
import { Avatar, Button, Field, Select } from "../ui/controls";
import { inNextRow, useFocusLeft } from "../ui/focus-left";
import { Confirm, Row, Rows, Section, SettingsFrame } from "../ui/forms";
import { AnyOf, Menu, MenuItem } from "../ui/menu";
import { toast } from "../ui/toasts";
import { useUndoable } from "../ui/undo";
import { useModel, useWorkspace } from "../workspace/context";
import { Invites } from "./Invites";
import { aRole, givenBy, ROLE_MEANINGS, ROLE_NAMES } from "./roles";

type Question = { readonly kind: "remove" | "transfer"; readonly member: Membership };

const MANY = 20; // from so many on one is not seen at a glance

const pageOf = ({ workspace }: AddressesQuery) => workspace?.members;

export default function MembersPage() {
  const model = useModel();
  const workspace = useWorkspace();
  const isTeam = model.workspace?.kind === "TEAM";
  const isAdmin = may(model, "MEMBER_ADMIN");
  const [addressed] = useRows(AddressesDocument, workspace.id, pageOf, isAdmin && isTeam);
  const [question, setQuestion] = useState<Question | null>(null);
  const seen = useSeen();
  const [wanted, setWanted] = useState("");
  const addresses = new Map(addressed.map(({ id, email }) => [id, email]));
  const words = wanted.trim().toLowerCase();
  const found = model.members.filter(({ id, user }) => !words || `${user.name} @${user.handle} ${addresses.get(id) ?? ""}`.toLowerCase().includes(words));
  return (
    <SettingsFrame title="Members" lead={isTeam ? model.members.length === 1 ? `Only you are in ${model.workspace?.name} so far.` : `${model.members.length} people work together in ${model.workspace?.name}.` : undefined}>
      {model.members.length > MANY && (
        <Field label="Find a member" type="search" autoComplete="off" value={wanted} onChange={(event) => setWanted(event.target.value)} hint={words && `${found.length} of ${model.members.length}`} />
      )}
      <Rows label="Members">
        {found.map((member) => (
          <Member key={member.id} member={member} model={model} email={addresses.get(member.id) ?? null} seen={seen.get(member.user.id)} onAsk={setQuestion} />
        ))}
      </Rows>
      {isTeam && may(model, "MEMBER_INVITE") && <Invites />}
      {!isTeam && <p className="text-dim">This is your personal workspace. To work with others, create a workspace from the menu at the top.</p>}
      <Section title="What each may do">
        <dl className="grid gap-x-4 gap-y-1 text-sm sm:grid-cols-[6rem_1fr]">
          {(Object.keys(ROLE_NAMES) as Role[]).map((role) => (
            <div key={role} className="contents"><dt className="font-medium">{ROLE_NAMES[role]}</dt><dd className="mb-1 text-dim">{ROLE_MEANINGS[role]}</dd></div>
          ))}
        </dl>
      </Section>
      {question && <Ask question={question} onClose={() => setQuestion(null)} />}
    </SettingsFrame>
  );
}

interface MemberProps {
  member: Membership;
  model: Model;
  email: string | null;
  seen: Seen | undefined;
  onAsk: (question: Question) => void;
}

function Member({ member, model, email, seen, onAsk }: MemberProps) {
  const act = useAct();
  const undoable = useUndoable();
  const more = useFocusLeft(inNextRow);
  const { user, role } = member;
  const isMe = member.id === model.me?.id;
  const isOwner = model.me?.role === "OWNER";
  const mayChange = may(model, "MEMBER_ADMIN") && role !== "OWNER" && !isMe;
  const mayHandOver = isOwner && !isMe;

  async function become(next: Role): Promise<void> {
    const { payload, problems } = await act(UpdateMemberRoleDocument, { id: member.id, role: next, baseVersion: member.version });
    if (problems) toast(`${user.name} is still ${aRole(role)}`, problems.form);
    else undoable(`${user.name} is now ${aRole(next)}`, payload.changeSetId);
  }

  return (
    <Row>
      <Avatar id={user.id} name={user.name} size={34} />
      <div className="min-w-0 grow basis-40">
        <p className="truncate font-medium">{user.name}{isMe && <span className="font-normal text-dim"> (you)</span>}</p>
        <p className="truncate text-sm text-dim">@{user.handle}{email && <>, {email}</>}</p>
        {role === "GUEST" && <GuestProjects member={member} model={model} />}
      </div>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 max-sm:w-full max-sm:pl-11.5">
        <SeenLine seen={seen} />
        {mayChange ? (
          <Select label={`Role of ${user.name}`} isLabelHidden value={role} onChange={(event) => void become(event.target.value as Role)}>
            {givenBy(model.me).map((each) => <option key={each} value={each}>{ROLE_NAMES[each]}</option>)}
          </Select>
        ) : (
          <span className="text-sm text-dim">{ROLE_NAMES[role]}</span>
        )}
        {(mayChange || mayHandOver) && (
          <Menu label={`${user.name}: more`} trigger={<Button ref={more} kind="quiet" aria-label={`More for ${user.name}`}><MoreHorizontal size={18} aria-hidden /></Button>}>
            {mayHandOver && <MenuItem onSelect={() => onAsk({ kind: "transfer", member })}>Make owner…</MenuItem>}
            {mayChange && <MenuItem onSelect={() => onAsk({ kind: "remove", member })}>Remove from workspace…</MenuItem>}
          </Menu>
        )}
      </div>
    </Row>
  );
}

/** Which projects a guest sees; whoever may arrange projects chooses them here. */
function GuestProjects({ member, model }: { member: Membership; model: Model }) {
  const act = useAct();
  const chosen = member.projects?.map(({ id }) => id) ?? [];
  const names = model.projects.filter(({ id }) => chosen.includes(id)).map(({ name }) => name).join(", ");
  async function toggle(projectId: string, isOn: boolean): Promise<void> {
    const input = { projectId, membershipId: member.id };
    const { problems } = isOn ? await act(AddProjectGuestDocument, input) : await act(RemoveProjectGuestDocument, input);
    if (problems) toast("The guest's projects stay as they were", problems.form);
  }
  if (!may(model, "PROJECT_ADMIN")) return <p className="text-sm">{names ? `Sees ${names}` : "Sees no project yet"}</p>;
  return (
    <Menu label={`Projects of ${member.user.name}`} trigger={<Button kind="quiet" className="-ml-3 text-left">{names ? `Sees ${names}` : "Sees no project yet: choose"}</Button>}>
      <AnyOf choices={model.projects.filter(({ archivedAt }) => !archivedAt).map(({ id, name }) => ({ id, label: name }))} values={chosen} onToggle={(id, isOn) => void toggle(id, isOn)} />
    </Menu>
  );
}

function Ask({ question: { kind, member }, onClose }: { question: Question; onClose: () => void }) {
  const act = useAct();
  const workspace = useWorkspace();
  const { name } = member.user;
  async function remove(): Promise<Problems | null> {
    const { problems } = await act(RemoveMemberDocument, { id: member.id });
    if (!problems) announce(`${name} was removed.`);
    return problems;
  }
  async function handOver(): Promise<Problems | null> {
    const { problems } = await act(TransferWorkspaceDocument, { id: workspace.id, toMembershipId: member.id });
    if (!problems) toast(`${name} is the owner now`, "You are an admin.");
    return problems;
  }
  if (kind === "remove") {
    return (
      <Confirm title={`Remove ${name}?`} action={`Remove ${name}`} onClose={onClose} onConfirm={remove}>
        <p>They lose sight of this workspace at once, and are no longer assigned to its tasks. What they wrote stays.</p>
      </Confirm>
    );
  }
  return (
    <Confirm title={`Make ${name} the owner?`} action={`Make ${name} owner`} onClose={onClose} onConfirm={handOver}>
      <p>There is one owner. You become an admin, and only {name} can give the workspace back to you, or delete it.</p>
    </Confirm>
  );
}
