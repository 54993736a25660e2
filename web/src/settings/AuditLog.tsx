/** Who joined, left, and changed rights, and what became of invites: the newest first, for those who manage members. */
import { useEffect, useRef, useState } from "react";
import { useClient } from "urql";
import { AuditLogDocument, type AuditLogQuery } from "../gql/later/graphql";
import { ROLE_NAMES } from "../members/roles";
import { useAgain } from "../data/again";
import type { Model } from "../data/model";
import { Button, Loading, textOf } from "../ui/controls";
import { Problem, Row, Rows, Section } from "../ui/forms";
import { Ago } from "../ui/time";
import { useModel, useWorkspace } from "../workspace/context";

type Entry = NonNullable<NonNullable<AuditLogQuery["workspace"]>["auditLog"]>["nodes"][number];

export function AuditLog() {
  const workspace = useWorkspace();
  const model = useModel();
  const client = useClient();
  const shown = useRef<{ readonly entries: readonly Entry[]; readonly end: string | null }>({ entries: [], end: null });
  const [state, setState] = useState<typeof shown.current | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

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
    <Section title="Audit log" lead="Who joined, left or got other rights, and what was done with invites.">
      <Problem>{problem}</Problem>
      {!entries && !problem && <Loading what="the log" />}
      {entries && (
        <Rows label="Audit log">
          {entries.map((entry) => (
            <Row key={entry.id}>
              <p className="min-w-0 grow text-sm wrap-anywhere"><span className="font-medium">{entry.actor.name}</span> {said(entry, model)}</p>
              <span className="text-sm"><Ago at={entry.at} /></span>
            </Row>
          ))}
        </Rows>
      )}
      {end && <div><Button onClick={() => void read(end)}>Show older ones</Button></div>}
    </Section>
  );
}

const roleOf = (value: unknown): string => ROLE_NAMES[value as keyof typeof ROLE_NAMES]?.toLowerCase() ?? "somebody";

export function said({ entityId, actor, changes }: Entry, model: Model): string {
  const role = changes.find(({ field }) => field === "ROLE");
  const projects = changes.find(({ field }) => field === "PROJECTS");
  if (entityId.startsWith("invite_")) return role?.before == null ? `made an invite for a ${roleOf(role?.after)}` : `revoked an invite for a ${roleOf(role.before)}`;
  const member = model.members.find(({ id }) => id === entityId)?.user;
  const isOwn = member?.id === actor.id;
  const name = member?.name ?? "somebody who is gone";
  if (role && role.before == null) return isOwn || !member ? `joined as ${roleOf(role.after)}` : `let ${name} in as ${roleOf(role.after)}`;
  if (role && role.after == null) return `ended a membership, which was ${roleOf(role.before)}`;
  if (role) return `made ${isOwn ? "themselves" : name} ${roleOf(role.after)}, who was ${roleOf(role.before)}`;
  const names = (ids: unknown): string => (Array.isArray(ids) ? ids.map((id) => model.projects.find((project) => project.id === id)?.name ?? "a deleted project").join(", ") : "") || "no project";
  return projects ? `let ${name} see ${names(projects.after)}` : `changed ${name}`;
}
