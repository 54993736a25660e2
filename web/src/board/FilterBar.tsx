/** What is shown: toggles for people, menus for the rest. */
import { Plus, UserX } from "lucide-react";
import { memo, useEffect, useMemo, useRef, type ReactNode } from "react";
import { kept, type Membership, type Model } from "../data/model";
import { Avatar, Button, Dot, INPUT } from "../ui/controls";
import { AnyOf, Menu, OneOf, type Choice } from "../ui/menu";
import { isFiltered, NO_FILTERS, NOBODY, PRIORITIES, PRIORITY_NAMES, type Filters } from "./arrange";
import { GROUPINGS, SORTINGS, type Grouping, type Sorting } from "./groups";

interface FilterBarProps extends Pick<Model, "statuses" | "labels" | "projects" | "members"> {
  myId: string | undefined;
  /** How many tasks are shown. */
  count: number;
  /** How many each person would have, by id. */
  countOf: ReadonlyMap<string, number>;
  /** Whether more are being read. */
  isWhole: boolean;
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
  onNew: (() => void) | undefined;
  /** How the list is grouped and sorted; the board is neither. */
  grouping?: Grouping | undefined;
  sorting?: Sorting | undefined;
  onArrange: (name: "group" | "sort", value: string) => void;
}

const DUE = [{ id: "", label: "Any day" }, { id: "overdue", label: "Overdue" }, { id: "today", label: "Today" }, { id: "week", label: "Within 7 days" }, { id: "none", label: "Without a day" }];
const choicesOf = (names: Readonly<Record<string, string>>): Choice[] => Object.entries(names).map(([id, label]) => ({ id, label }));
const [GROUP_CHOICES, SORT_CHOICES] = [choicesOf(GROUPINGS), choicesOf(SORTINGS)];
const ARCHIVE: readonly Choice[] = [{ id: "yes", label: "Archived tasks" }];
const AT_HAND = 12; // so many people have a toggle of their own; the others are in a menu

const tasksOf = (count: number): string => `${count} ${count === 1 ? "task" : "tasks"}`;

export function FilterBar({ countOf, ...props }: FilterBarProps) {
  const { members, myId: me, filters: { assignees } } = props;
  const everybody = useMemo(() => [...members].sort((a, b) => Number(b.user.id === me) - Number(a.user.id === me)), [members, me]);
  const people = useMemo(() => everybody.filter(({ user }, at) => at < AT_HAND || assignees.includes(user.id)), [everybody, assignees]);
  const before = useRef<readonly number[]>(undefined);
  const counts = kept(before.current, [NOBODY, ...people.map(({ user }) => user.id)].map((id) => countOf.get(id) ?? 0));
  useEffect(() => void (before.current = counts), [counts]);
  return <Bar {...props} everybody={everybody} people={people} counts={counts} />;
}

interface BarProps extends Omit<FilterBarProps, "countOf"> {
  everybody: readonly Membership[];
  /** Who has a toggle. */
  people: readonly Membership[];
  /** How many tasks nobody has, and then each of `people`. */
  counts: readonly number[];
}

/** Drawn anew only when it says something else: others change tasks many times a second. */
const Bar = memo(function Bar({ statuses, labels, projects, members, everybody, people, counts, myId: me, count, isWhole, filters, onChange, onNew, grouping, sorting, onArrange }: BarProps) {
  const toggled = (set: readonly string[], id: string): string[] => (set.includes(id) ? set.filter((each) => each !== id) : [...set, id]);
  const toggle = (id: string, name: string, count: number | undefined, picture: ReactNode): ReactNode => (
    <button key={id} type="button" aria-pressed={filters.assignees.includes(id)} aria-label={`${name}, ${tasksOf(count ?? 0)}`}
      className="flex items-center gap-1 rounded-full p-0.5 ring-accent aria-pressed:ring-2 pointer-coarse:px-1 pointer-coarse:py-2.5" onClick={() => onChange({ assignees: toggled(filters.assignees, id) })}>
      {picture}<span className="pr-1 text-xs text-dim tabular-nums">{count}</span>
    </button>
  );
  const named = (label: string, chosen: number): string => (chosen ? `${label} (${chosen})` : label);
  return (
    <div className="flex shrink-0 items-center gap-2 border-b border-line pr-3">
      <div className="flex min-w-0 grow items-center gap-2 py-2 pl-3 max-sm:overflow-x-auto max-sm:*:shrink-0 sm:flex-wrap" role="group" aria-label="Filters">
        <input type="search" aria-label="Filter by text" placeholder="Filter…" className={`${INPUT} max-w-40 max-sm:max-w-28`} value={filters.text} onChange={(event) => onChange({ text: event.target.value })} />
        <div className="flex items-center gap-1 sm:flex-wrap" role="group" aria-label="Assignees">
          {people.map(({ user: { id, name } }, at) => toggle(id, id === me ? "Me" : name, counts[at + 1], <Avatar id={id} name={name} size={26} />))}
          {members.length > AT_HAND && (
            <Menu label="All people" trigger={<Button kind="quiet" className="px-2" aria-label={`All people, +${members.length - people.length}`}>+{members.length - people.length}</Button>}>
              <AnyOf choices={everybody.map(({ user }) => ({ id: user.id, label: user.name, icon: <Avatar id={user.id} name={user.name} size={20} /> }))} values={filters.assignees} onToggle={(id) => onChange({ assignees: toggled(filters.assignees, id) })} />
            </Menu>
          )}
          {toggle(NOBODY, "Unassigned", counts[0], <span title="Unassigned" className="rounded-full border border-line p-1.25"><UserX size={14} aria-hidden /></span>)}
        </div>
        <Menu label="Status" trigger={<Button>{named("Status", filters.statuses.length)}</Button>}>
          <AnyOf choices={statuses.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }))} values={filters.statuses} onToggle={(id) => onChange({ statuses: toggled(filters.statuses, id) })} />
        </Menu>
        <Menu label="Priority" trigger={<Button>{named("Priority", filters.priorities.length)}</Button>}>
          <AnyOf choices={PRIORITIES.map((id) => ({ id, label: PRIORITY_NAMES[id]! }))} values={filters.priorities} onToggle={(id) => onChange({ priorities: toggled(filters.priorities, id) })} />
        </Menu>
        <Menu label="Labels" trigger={<Button>{named("Labels", filters.labels.length)}</Button>}>
          <AnyOf choices={labels.map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> }))} values={filters.labels} onToggle={(id) => onChange({ labels: toggled(filters.labels, id) })} />
        </Menu>
        <Menu label="Due" trigger={<Button>{filters.due ? DUE.find(({ id }) => id === filters.due)?.label : "Due"}</Button>}>
          <OneOf choices={DUE} value={filters.due} onChoose={(due) => onChange({ due })} />
        </Menu>
        {projects.length > 0 && (
          <Menu label="Project" trigger={<Button>{projects.find(({ id }) => id === filters.project)?.name ?? (filters.project ? "No project" : "Project")}</Button>}>
            <OneOf choices={[{ id: "", label: "All projects" }, ...projects.filter(({ archivedAt }) => !archivedAt).map(({ id, name, color }) => ({ id, label: name, icon: <Dot color={color} /> })), { id: NOBODY, label: "No project" }]} value={filters.project} onChoose={(project) => onChange({ project })} />
          </Menu>
        )}
        <Menu label="View" trigger={<Button>{named("View", [filters.archived, grouping, sorting].filter(Boolean).length)}</Button>}>
          {grouping !== undefined && <OneOf label="Group by" choices={GROUP_CHOICES} value={grouping} onChoose={(id) => onArrange("group", id)} />}
          {sorting !== undefined && <OneOf label="Sort by" choices={SORT_CHOICES} value={sorting} onChoose={(id) => onArrange("sort", id)} />}
          <AnyOf label="Show" choices={ARCHIVE} values={[filters.archived]} onToggle={(id, isOn) => onChange({ archived: isOn ? id : "" })} />
        </Menu>
        {isFiltered(filters) && <Button kind="quiet" onClick={() => onChange(NO_FILTERS)}>Clear</Button>}
        <span className="text-sm whitespace-nowrap text-dim">{tasksOf(count)}{!isWhole && ", reading more…"}</span>
      </div>
      {onNew && <Button kind="primary" className="shrink-0 max-sm:px-3" aria-keyshortcuts="c" onClick={onNew}><Plus size={16} aria-hidden /><span className="max-sm:sr-only">New task</span></Button>}
    </div>
  );
});
