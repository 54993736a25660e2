/** Who joined, left, and changed rights, and what became of invites, API tokens and webhooks: the newest first, for those who manage members. */
import { useEffect, useRef, useState } from "react";
import { useClient } from "urql";
import { AuditLogDocument, type AuditLogQuery } from "../gql/later/graphql";
import { aRole, ROLE_NAMES } from "../members/roles";
import { useAgain } from "../data/again";
import type { Model } from "../data/model";
import { Button, Loading, textOf } from "../ui/controls";
import { Problem, Row, Rows, Section } from "../ui/forms";
import { Ago } from "../ui/time";
import { useModel, useWorkspace } from "../workspace/context";

type Entry = NonNullable<NonNullable<AuditLogQuery["workspace"]>["auditLog"]>["nodes"][number];

type Joined = ReadonlyMap<string, Entry["actor"]>;

const MOST_LOOKED_BACK = 10; // pages in which it is looked for who joined that is gone now

export function AuditLog() {
  const workspace = useWorkspace();
  const model = useModel();
  const client = useClient();
  const shown = useRef<{ readonly entries: readonly Entry[]; readonly end: string | null }>({ entries: [], end: null });
  const [state, setState] = useState<typeof shown.current | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [joined, setJoined] = useState<Joined>(new Map());

  /** Who a membership is of that has ended is said by the entry that began it, which may be older than what is shown. */
  async function lookBack(): Promise<void> {
    let { entries, end } = shown.current;
    const isUnnamed = ({ entityId }: Entry): boolean =>
      entityId.startsWith("membership_") && !joinedIn(entries).has(entityId) && !workspace.model().members.some(({ id }) => id === entityId);
    for (let pages = 0; end && pages < MOST_LOOKED_BACK && shown.current.entries.some(isUnnamed); pages++) {
      const answer = await client.query(AuditLogDocument, { id: workspace.id, after: end }, { requestPolicy: "network-only" }).toPromise();
      const page = answer.data?.workspace?.auditLog;
      if (!page) break;
      entries = [...entries, ...page.nodes];
      end = page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null;
    }
    setJoined(joinedIn(entries));
  }

  async function read(after: string | null): Promise<void> {
    const { data, error } = await client.query(AuditLogDocument, { id: workspace.id, after }, { requestPolicy: "network-only" }).toPromise();
    const page = data?.workspace?.auditLog;
    setProblem(page ? null : error ? textOf(error) : "The log is not for you any more.");
    if (!page) return;
    const { hasNextPage, endCursor } = page.pageInfo;
    const next = hasNextPage ? (endCursor ?? null) : null;
    const { entries: known, end: knownEnd } = shown.current;
    const isNewIn = (list: readonly Entry[]) => ({ id }: Entry): boolean => !list.some((entry) => entry.id === id);
    if (after) shown.current = { entries: [...known, ...page.nodes.filter(isNewIn(known))], end: next };
    // What is older stays where the newest page reaches to it; otherwise there is more between them than a page.
    else if (known.length && !page.nodes.every(isNewIn(known))) shown.current = { entries: [...page.nodes.filter(isNewIn(known)), ...known], end: knownEnd };
    else shown.current = { entries: page.nodes, end: next };
    setState(shown.current);
    await lookBack();
  }
  useEffect(() => {
    void read(null);
    return workspace.onEvents((events) => {
      if (events.some((event) => event.__typename === "EntityEvent" && (event.kind === "MEMBERSHIP" || event.kind === "INVITE"))) void read(null);
    });
  }, [workspace]);
  useAgain(problem !== null, () => void read(null));

  const { entries, end } = state ?? { entries: null, end: null };
  return (
    <Section title="Audit log" lead="Who joined, left or got other rights, and what was done with invites, API tokens and webhooks.">
      <Problem>{problem}</Problem>
      {!entries && !problem && <Loading what="the log" />}
      {entries && (
        <Rows label="Audit log">
          {entries.map((entry) => (
            <Row key={entry.id}>
              <p className="min-w-0 grow text-sm wrap-anywhere"><span className="font-medium">{entry.actor.name}</span> {said(entry, model, joined)}</p>
              <span className="text-sm"><Ago at={entry.at} /></span>
            </Row>
          ))}
        </Rows>
      )}
      {end && <div><Button onClick={() => void read(end)}>Show older ones</Button></div>}
    </Section>
  );
}

const roleOf = (value: unknown): string => (typeof value === "string" && value in ROLE_NAMES ? aRole(value as keyof typeof ROLE_NAMES) : "somebody");

const began = ({ entityId, changes }: Entry): boolean => entityId.startsWith("membership_") && changes.some(({ field, before }) => field === "ROLE" && before == null);

/** The people whom memberships are of, by the entries that began them: whoever joins does that themselves. */
export function joinedIn(entries: readonly Entry[]): Joined {
  const joins = entries.filter(began);
  // A workspace that was read from a file has members whom its first owner let in: who they were is not said.
  const owners = new Set(joins.flatMap(({ actor, changes }) => (changes.some(({ after }) => after === "OWNER") ? [actor.id] : [])));
  const isOwn = ({ actor, changes }: Entry): boolean => !owners.has(actor.id) || changes.some(({ after }) => after === "OWNER");
  return new Map(joins.filter(isOwn).map(({ entityId, actor }) => [entityId, actor]));
}

function saidOfToken(changes: Entry["changes"]): string {
  const { before, after } = changes.find(({ field }) => field === "NAME") ?? {};
  if (before == null) return `made the API token “${after}”`;
  return after == null ? `revoked the API token “${before}”` : `renamed the API token “${before}” to “${after}”`;
}

function saidOfWebhook(changes: Entry["changes"]): string {
  const url = changes.find(({ field }) => field === "URL");
  const paused = changes.find(({ field }) => field === "PAUSED");
  if (url && url.before == null) return `made a webhook to ${url.after}`;
  if (url && url.after == null) return `deleted the webhook to ${url.before}`;
  if (url) return `led the webhook to ${url.before} to ${url.after}`;
  if (paused) return paused.after ? "paused a webhook" : "resumed a webhook";
  return changes.some(({ field }) => field === "SECRET") ? "made a new secret for a webhook" : "changed what a webhook is told of";
}

export function said({ entityId, actor, changes }: Entry, model: Model, joined: Joined): string {
  if (entityId.startsWith("token_")) return saidOfToken(changes);
  if (entityId.startsWith("webhook_")) return saidOfWebhook(changes);
  const role = changes.find(({ field }) => field === "ROLE");
  const projects = changes.find(({ field }) => field === "PROJECTS");
  if (entityId.startsWith("invite_")) return role?.before == null ? `made an invite for ${roleOf(role?.after)}` : `revoked an invite for ${roleOf(role.before)}`;
  const member = model.members.find(({ id }) => id === entityId)?.user ?? joined.get(entityId);
  const isOwn = member?.id === actor.id;
  const name = member?.name ?? "somebody who is gone";
  if (role && role.before == null) return isOwn || !member ? `joined as ${roleOf(role.after)}` : `let ${name} in as ${roleOf(role.after)}`;
  if (role && role.after == null) return isOwn ? `left, and was ${roleOf(role.before)}` : `removed ${member?.name ?? "somebody"}, who was ${roleOf(role.before)}`;
  if (role) return `made ${isOwn ? "themselves" : name} ${roleOf(role.after)}, who was ${roleOf(role.before)}`;
  const names = (ids: unknown): string => (Array.isArray(ids) ? ids.map((id) => model.projects.find((project) => project.id === id)?.name ?? "a deleted project").join(", ") : "") || "no project";
  return projects ? `let ${name} see ${names(projects.after)}` : `changed ${name}`;
}
