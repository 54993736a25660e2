/** Whether the person follows a task or hears nothing of it, and who else follows. */
import { Bell, BellOff, BellRing } from "lucide-react";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useMutation, useQuery } from "urql";
import type { Task } from "../data/model";
import { TaskExtrasDocument, UpdateTaskSubscriptionDocument, type TaskExtrasQuery } from "../gql/graphql";
import { reacted, unreacted, type Reaction } from "../sync/comments";
import { uuidv7 } from "../sync/ids";
import { Button, textOf } from "../ui/controls";
import { Menu, OneOf } from "../ui/menu";
import { toast } from "../ui/toasts";
import { useWorkspace } from "../workspace/context";

type Extras = NonNullable<TaskExtrasQuery["task"]>;

const CHOICES = [
  { id: "follow", name: "Following", label: "Follow: tell me what happens", icon: <BellRing size={15} aria-hidden /> },
  { id: "leave", name: "Not following", label: "Only when I am mentioned or assigned", icon: <Bell size={15} aria-hidden /> },
  { id: "mute", name: "Muted", label: "Mute: tell me nothing", icon: <BellOff size={15} aria-hidden /> },
];

/** What is asked for beside the replica, and again when an event says that it may be different. */
export function useExtras(task: Task): readonly [Extras | undefined, () => void] {
  const workspace = useWorkspace();
  const isThere = workspace.confirmedVersion(task.id) !== undefined;
  const [{ data }, ask] = useQuery({ query: TaskExtrasDocument, variables: { id: task.id }, requestPolicy: "network-only", pause: !isThere });
  useEffect(() => workspace.onEvents((events) => {
    const isOurs = events.some((event) =>
      event.__typename === "EntityEvent" ? event.kind === "REACTION" && event.entityId === task.id : "taskId" in event && event.taskId === task.id);
    if (isOurs) ask({ requestPolicy: "network-only" });
  }), [workspace, task.id, ask]);
  return [data?.task ?? undefined, () => ask({ requestPolicy: "network-only" })];
}

export function FollowMenu({ task, extras }: { task: Task; extras: Extras | undefined }) {
  const [, update] = useMutation(UpdateTaskSubscriptionDocument);
  const [chosen, setChosen] = useState<string | null>(null); // until the server has answered
  const known = !extras ? "leave" : extras.viewerMuted ? "mute" : extras.viewerSubscribed ? "follow" : "leave";
  const state = chosen ?? known;
  async function choose(next: string): Promise<void> {
    setChosen(next);
    const input = { taskId: task.id, subscribed: next === "follow", muted: next === "mute", clientMutationId: uuidv7() };
    const { data, error } = await update({ input });
    const problem = data?.updateTaskSubscription.userErrors[0]?.message ?? (error && textOf(error));
    if (problem) toast(`Nothing was changed for “${task.title}”`, problem);
    setChosen(null);
  }
  const { name, label } = CHOICES.find(({ id }) => id === state)!;
  const Icon = state === "mute" ? BellOff : state === "follow" ? BellRing : Bell;
  return (
    <Menu label="What to tell me" trigger={<Button kind="quiet" aria-label={name} title={label}><Icon size={17} aria-hidden /></Button>}>
      <OneOf choices={CHOICES} value={state} onChoose={(next) => void choose(next)} />
      {extras && extras.subscribers.length > 0 && <p className="max-w-64 px-2 pt-1 pb-1.5 text-xs text-dim">Followed by {extras.subscribers.map(({ name }) => name).join(", ")}</p>}
    </Menu>
  );
}

/**
 * The reactions to the task itself, with those on top that wait for the server; what it has confirmed meanwhile stays on top
 * until it was read, so that nothing flickers.
 */
export function useTaskReactions(task: Task, extras: Extras | undefined): { reactions: readonly Reaction[]; react: (emoji: string, isOn: boolean) => void } {
  const workspace = useWorkspace();
  const waiting = useSyncExternalStore(workspace.subscribe, () => workspace.waiting);
  const own = useMemo(() => waiting.filter(({ name, entityId }) => entityId === task.id && REACTS[name]), [waiting, task.id]);
  const [asked, setAsked] = useState(own);
  useEffect(() => setAsked((before) => [...before.filter(({ key }) => !own.some((each) => each.key === key)), ...own]), [own]);
  useEffect(() => setAsked(own), [extras]);
  useEffect(() => workspace.onRefused(({ operation }) => setAsked((before) => before.filter(({ key }) => key !== operation.key))), [workspace]);
  const reactions = useMemo(
    () => asked.reduce<readonly Reaction[]>((shown, { name, input }) => REACTS[name]!(shown, String(input.emoji), workspace.me), extras?.reactions ?? []),
    [asked, extras, workspace],
  );
  return { reactions, react: (emoji, isOn) => workspace.react(task.id, emoji, isOn) };
}

const REACTS: Readonly<Record<string, typeof reacted>> = { addReaction: reacted, removeReaction: unreacted };
