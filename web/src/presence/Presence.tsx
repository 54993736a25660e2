/** People who are here, shown: dots with words, avatars of who looks at a task, who edits a field. */
import { Eye, Pencil } from "lucide-react";
import { useIsCutOff, useLink } from "../data/connection";
import { Avatar } from "../ui/controls";
import { Ago } from "../ui/time";
import { useModel } from "../workspace/context";
import { useEditorOf, useOnline, useOthersAt, type Seen } from "./use";

const WORDS: Record<string, string> = { ONLINE: "Online", AWAY: "Away", DO_NOT_DISTURB: "Do not disturb", OFFLINE: "Offline" };
const LOOKS: Record<string, string> = {
  ONLINE: "bg-good border-good",
  AWAY: "bg-surface border-good",
  DO_NOT_DISTURB: "bg-bad border-bad",
  OFFLINE: "bg-surface border-dim",
};

/** Full: online. A ring: away, or gray where they are not here. It is told apart by its words, too. */
const PresenceDot = ({ status, size = "size-2.5" }: { status: string; size?: string }) => (
  <span className={`inline-block ${size} shrink-0 rounded-full border-2 ${LOOKS[status] ?? LOOKS.OFFLINE}`} aria-hidden />
);

/** A dot and whether they are here, or when they were. Without a connection nobody can say who still is. */
export function SeenLine({ seen }: { seen: Seen | undefined }) {
  const isCutOff = useIsCutOff();
  const status = seen?.status ?? "OFFLINE";
  const isHere = status !== "OFFLINE";
  return (
    <span className="inline-flex items-center gap-1.5 text-sm whitespace-nowrap text-dim">
      <PresenceDot status={isCutOff ? "OFFLINE" : status} />
      {!isHere && seen?.lastSeenAt ? <span>Last seen <Ago at={seen.lastSeenAt} /></span> : isCutOff ? "Not known now" : WORDS[status]}
    </span>
  );
}

const SHOWN = 5;

/** Who is online in the open workspace. */
export function Here() {
  const online = useOnline();
  const model = useModel();
  const link = useLink((state) => state.link);
  // Without a connection nobody can say who else is here.
  if (model.workspace?.kind !== "TEAM" || online.length === 0 || link !== "live") return null;
  return (
    <div role="group" aria-label={`Online: ${online.map(({ user }) => user.name).join(", ")}`} className="flex shrink-0 items-center gap-2 px-2.5 py-1">
      <span className="flex gap-1.5">
        {online.slice(0, SHOWN).map(({ user, status }) => (
          <span key={user.id} className="relative inline-flex rounded-full ring-2 ring-raised">
            <Avatar id={user.id} name={user.name} size={24} />
            {/* At the edge: the letters are to be read. */}
            <span className="absolute -right-1 -bottom-1 inline-flex rounded-full bg-raised p-px"><PresenceDot status={status} size="size-2" /></span>
          </span>
        ))}
      </span>
      <span className="text-sm text-dim max-md:sr-only">{online.length} online</span>
    </div>
  );
}

/** Avatars of others who have this task open. */
export function Viewers({ taskId, size = 20 }: { taskId: string; size?: number }) {
  const others = useOthersAt(taskId);
  if (others.length === 0) return null;
  const names = others.map(({ user, mode }) => `${user.name} ${mode === "VIEWING" ? "is looking" : mode === "EDITING" ? "is editing" : "is commenting"}`);
  const isActive = others.some(({ mode }) => mode !== "VIEWING");
  const Doing = isActive ? Pencil : Eye;
  return (
    <span className="flex items-center gap-1" title={names.join(", ")}>
      <span className="sr-only">{names.join(", ")}</span>
      {/* Those who are assigned are on the same card. */}
      <Doing size={14} aria-hidden className={`appear ${isActive ? "text-accent" : "text-good"}`} />
      <span aria-hidden className="flex -space-x-1">
        {others.slice(0, 3).map(({ user, mode }) => (
          <span key={user.id} className={`appear inline-flex rounded-full border-2 ${mode === "VIEWING" ? "border-good" : "border-accent"}`}><Avatar id={user.id} name={user.name} size={size} /></span>
        ))}
      </span>
      {others.length > 3 && <span className="text-xs text-dim">+{others.length - 3}</span>}
    </span>
  );
}

/** Says that somebody edits a field, in a place that is kept for it. It keeps nobody from doing so too. */
export function EditedBy({ taskId, field, what, className = "" }: { taskId: string; field: string; what: string; className?: string }) {
  const editor = useEditorOf(taskId, field);
  return (
    <p role="status" className={`flex h-4 min-w-0 text-xs text-accent ${className}`}>
      {editor && <span className="appear flex min-w-0 items-center gap-1.5"><Avatar id={editor.user.id} name={editor.user.name} size={16} /><span className="truncate">{editor.user.name} is editing {what}</span></span>}
    </p>
  );
}

/** Says who writes a comment. Its line is there also when nobody does, so that nothing moves. */
export function CommentedBy({ taskId }: { taskId: string }) {
  const writing = useOthersAt(taskId).filter(({ mode }) => mode === "COMMENTING");
  const names = [...new Map(writing.map(({ user }) => [user.id, user.name])).values()]; // once, from however many devices
  const who = names.length < 3 ? names.join(" and ") : `${names.length} people`;
  return (
    <p role="status" className="h-4 truncate text-xs text-accent">
      {names.length > 0 && <span className="appear">{who} {names.length === 1 ? "is writing a comment" : "are writing comments"}</span>}
    </p>
  );
}
