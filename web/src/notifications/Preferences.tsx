/** What a person wants to hear of each workspace, by which way and when; also whether others see them there. */
import { useRef, useState } from "react";
import { useQuery } from "urql";
import { Link } from "wouter";
import { NO_PROBLEMS, useAct, type Problems } from "../data/act";
import { useQueryAgain } from "../data/again";
import {
  NoticeSettingsDocument, RuledTasksDocument, UpdateNoticeRuleDocument, UpdateNoticeSettingsDocument,
  type Channel, type DigestFrequency, type NotificationKind, type SettingsFragment,
} from "../gql/later/graphql";
import { Button, Field, Loading, Select, textOf } from "../ui/controls";
import { Panel, Problem, Section, Switch, Toggle } from "../ui/forms";
import { toast } from "../ui/toasts";
import { useViewer } from "../workspace/viewer";

const KINDS: readonly (readonly [NotificationKind, string])[] = [
  ["MENTION", "Somebody mentions you"], ["ASSIGNED", "You are assigned"], ["UNASSIGNED", "You are taken off a task"], ["COMMENT", "Comments on tasks you follow"],
  ["REPLY", "Replies in your threads"], ["STATUS_CHANGED", "A task you follow moves on"], ["DUE_SOON", "A task of yours is due"], ["OVERDUE", "A task of yours is late"],
  ["REACTION", "Reactions to what you wrote"],
];
const CHANNELS: readonly (readonly [Channel, string])[] = [["IN_APP", "Here"], ["EMAIL", "Email"]];
const DIGESTS: Record<DigestFrequency, string> = { NONE: "Each at once", HOURLY: "Together, every hour", DAILY: "Together, every day", WEEKLY: "Together, every week" };

type Rules = SettingsFragment["rules"];

interface Changed {
  readonly payload: { readonly settings: SettingsFragment | null } | null;
  readonly problems: Problems | null;
}

export function Preferences() {
  const { workspaces } = useViewer();
  const [id, setId] = useState(() => {
    const last = localStorage.getItem("tutti.workspace");
    return (workspaces.find((workspace) => workspace.id === last) ?? workspaces[0])?.id ?? "";
  });
  const workspace = workspaces.find((each) => each.id === id);
  return (
    <>
      <div className="max-w-sm">
        <Select label="Workspace" value={id} onChange={(event) => setId(event.target.value)}>
          {workspaces.map(({ id: each, name }) => <option key={each} value={each}>{name}</option>)}
        </Select>
      </div>
      {workspace && <OfWorkspace key={id} id={id} name={workspace.name} />}
    </>
  );
}

function OfWorkspace({ id, name }: { id: string; name: string }) {
  const act = useAct();
  const [{ data, error }] = useQueryAgain({ query: NoticeSettingsDocument, variables: { id }, requestPolicy: "network-only" });
  const { settings, problems, change } = useSettings(data?.viewer?.notificationSettings);
  if (!settings || !data?.workspace) return error ? <Problem>{textOf(error)}</Problem> : <Loading what="your preferences" />;
  const update = (shown: Partial<Pick<SettingsFragment, "digest" | "quietHours" | "showPresence">>): void =>
    change((before) => ({ ...before, ...shown }), () => act(UpdateNoticeSettingsDocument, { workspaceId: id, ...shown }, ["from", "to"]));
  const rule = (scopeId: string, kind: NotificationKind, channels: readonly Channel[] | null): void =>
    change((before) => {
      const others = before.rules.filter((each) => each.scopeId !== scopeId || each.kind !== kind);
      return { ...before, rules: channels ? [...others, { scopeId, kind, channels }] : others };
    }, () => act(UpdateNoticeRuleDocument, { scopeId, kind, channels }));

  return (
    <>
      <Kinds workspaceId={id} name={name} rules={settings.rules} projects={data.workspace.projects.nodes} onRule={rule} />
      <Section title="Email" lead={`Hours are those of your time zone, ${data.viewer?.timeZone.replaceAll("_", " ") ?? "UTC"}.`}>
        <Panel>
          {data.viewer && !data.viewer.emailVerifiedAt && (
            <p role="note" className="text-sm wrap-anywhere text-warn">No email comes before you have confirmed that {data.viewer.email} is yours. <Link className="text-accent underline" href="/account/security">Confirm it</Link></p>
          )}
          <Select label="Emails come" value={settings.digest} onChange={(event) => update({ digest: event.target.value as DigestFrequency })}>
            {Object.entries(DIGESTS).map(([each, label]) => <option key={each} value={each}>{label}</option>)}
          </Select>
          <Quiet hours={settings.quietHours ?? null} problems={problems} onChange={(quietHours) => update({ quietHours })} />
        </Panel>
      </Section>
      {data.workspace.kind === "TEAM" && (
        <Section title="Presence">
          <Panel><Switch label="Others see when I am here" hint="And which task I look at or edit. You see others either way." isOn={settings.showPresence} onChange={(showPresence) => update({ showPresence })} /></Panel>
        </Section>
      )}
    </>
  );
}

type Effect = (before: SettingsFragment) => SettingsFragment;

/** What the server said last, with what waits for its answer on top: shown at once, sent one after the other. */
function useSettings(read: SettingsFragment | null | undefined) {
  const [known, setKnown] = useState<SettingsFragment | null>(null);
  const [waiting, setWaiting] = useState<readonly Effect[]>([]);
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const turn = useRef(Promise.resolve());
  const said = known ?? read ?? null;
  function change(effect: Effect, send: () => Promise<Changed>): void {
    setWaiting((now) => [...now, effect]);
    turn.current = turn.current.then(async () => {
      const { payload, problems: found } = await send();
      if (payload?.settings) setKnown(payload.settings);
      setWaiting((now) => now.filter((each) => each !== effect));
      setProblems(found ?? NO_PROBLEMS);
      if (found) toast("Your preferences are as they were", Object.values(found).join(" "));
    });
  }
  return { settings: said && waiting.reduce((before, effect) => effect(before), said), problems, change };
}

interface KindsProps {
  workspaceId: string;
  name: string;
  rules: Rules;
  projects: readonly { readonly id: string; readonly name: string }[];
  onRule: (scopeId: string, kind: NotificationKind, channels: readonly Channel[] | null) => void;
}

function Kinds({ workspaceId, name, rules, projects, onRule }: KindsProps) {
  const [scopeId, setScopeId] = useState(workspaceId);
  const taskIds = [...new Set(rules.map((rule) => rule.scopeId).filter((id) => id.startsWith("task_")))];
  const [{ data }] = useQuery({ query: RuledTasksDocument, variables: { ids: taskIds.slice(0, 100) }, pause: taskIds.length === 0 });
  const isInner = scopeId !== workspaceId;
  const task = data?.nodes.find((node) => node?.id === scopeId);
  const projectId = task && "key" in task ? task.project?.id : undefined;
  const ruleOf = (scope: string, kind: NotificationKind): readonly Channel[] | undefined => rules.find((rule) => rule.scopeId === scope && rule.kind === kind)?.channels;
  return (
    <Section title="What you hear of" lead="What happened to tasks you muted is never told.">
      <div className="max-w-sm">
        <Select label="For" value={scopeId} onChange={(event) => setScopeId(event.target.value)}>
          <option value={workspaceId}>All of {name}</option>
          {projects.map(({ id, name: project }) => <option key={id} value={id}>Project {project}</option>)}
          {data?.nodes.map((node) => node && "key" in node && <option key={node.id} value={node.id}>{node.key} {node.title}</option>)}
        </Select>
      </div>
      <div className="overflow-hidden rounded-xl border border-line">
      <table className="w-full text-sm">
        <thead className="bg-raised text-left">
          <tr><th scope="col" className="px-3 py-2 font-semibold">When</th>{CHANNELS.map(([id, label]) => <th key={id} scope="col" className="w-16 px-2 py-2 text-center font-semibold">{label}</th>)}</tr>
        </thead>
        <tbody className="divide-y divide-line">
          {KINDS.map(([kind, label]) => {
            const own = ruleOf(scopeId, kind);
            const ofProject = projectId === undefined ? undefined : ruleOf(projectId, kind);
            const channels = own ?? ofProject ?? ruleOf(workspaceId, kind) ?? [];
            const wider = ofProject ? `project ${projects.find(({ id }) => id === projectId)?.name ?? ""}` : `all of ${name}`;
            return (
              <tr key={kind}>
                <th scope="row" className="px-3 py-2 text-left font-normal">
                  {label}
                  {isInner && (own
                    ? <Button kind="quiet" className="ml-2 text-accent" aria-label={`${label}: as in ${wider}`} onClick={() => onRule(scopeId, kind, null)}>Reset</Button>
                    : <span className="block text-xs text-dim">As in {wider}</span>)}
                </th>
                {CHANNELS.map(([channel, said]) => (
                  <td key={channel} className="px-2 py-1 text-center align-middle">
                    <Toggle label={`${label}: ${said}`} isOn={channels.includes(channel)} onChange={(isOn) => onRule(scopeId, kind, isOn ? [...channels, channel] : channels.filter((each) => each !== channel))} />
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      </div>
    </Section>
  );
}

function Quiet({ hours, problems, onChange }: { hours: SettingsFragment["quietHours"] | null; problems: Problems; onChange: (hours: { from: string; to: string } | null) => void }) {
  return (
    <div className="grid gap-3">
      <Switch label="Quiet hours" hint="No email then; what waits comes after." isOn={hours !== null} onChange={(isOn) => onChange(isOn ? { from: "20:00", to: "08:00" } : null)} />
      {hours && (
        <div className="grid grid-cols-2 gap-3">
          <Field label="From" type="time" value={hours.from} required problem={problems.from} onChange={(event) => event.target.value && onChange({ from: event.target.value, to: hours.to })} />
          <Field label="To" type="time" value={hours.to} required problem={problems.to} onChange={(event) => event.target.value && onChange({ from: hours.from, to: event.target.value })} />
        </div>
      )}
    </div>
  );
}
