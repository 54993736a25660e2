/** What is shown, in one line: toggles for people, menus for the rest, as many as have room. */
import { ListFilter, Plus, SlidersHorizontal, UserX, X } from "lucide-react";
import { Fragment, memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode, type RefObject } from "react";
import { kept, type Membership, type Model } from "../data/model";
import { Avatar, Button, Dot, INPUT } from "../ui/controls";
import { AnyOf, Menu, MenuItem, MenuLine, OneOf, type Choice } from "../ui/menu";
import { isFiltered, NO_FILTERS, NOBODY, PRIORITIES, PRIORITY_NAMES, type Filters } from "./arrange";
import { GROUPINGS, SORTINGS, type Grouping, type Sorting } from "./groups";
import { roomIn, type Room } from "./room";

interface FilterBarProps extends Pick<Model, "statuses" | "labels" | "projects" | "members" | "me"> {
  /** How many tasks are shown. */
  count: number;
  /** How many each person would have, by id. */
  countOf: ReadonlyMap<string, number>;
  /** Whether more are being read. */
  isWhole: boolean;
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
  /** Takes all filters away, and the focus to what is left. */
  onClear: () => void;
  onNew: (() => void) | undefined;
  /** Leads to what was deleted. */
  onDeleted: (() => void) | undefined;
  /** How the list is grouped and sorted; the board is neither. */
  grouping?: Grouping | undefined;
  sorting?: Sorting | undefined;
  onArrange: (name: "group" | "sort", value: string) => void;
}

const DUE = [{ id: "", label: "Any day" }, { id: "overdue", label: "Overdue" }, { id: "today", label: "Today" }, { id: "week", label: "Within 7 days" }, { id: "none", label: "Without a day" }];
const choicesOf = (names: Readonly<Record<string, string>>): Choice[] => Object.entries(names).map(([id, label]) => ({ id, label }));
const [GROUP_CHOICES, SORT_CHOICES] = [choicesOf(GROUPINGS), choicesOf(SORTINGS)];
const ARCHIVE: readonly Choice[] = [{ id: "", label: "Current tasks" }, { id: "yes", label: "Archived tasks" }];

export const tasksOf = (count: number): string => `${count} ${count === 1 ? "task" : "tasks"}`;

/** Gives the focus to all the filters together, so that neither keys are typed into one nor a phone shows its keyboard. */
export const focusFilters = (): void => document.querySelector<HTMLElement>("[data-filters]")?.focus();

export function FilterBar({ countOf, ...props }: FilterBarProps) {
  const { members, projects, me, filters: { assignees } } = props;
  const line = useRef<HTMLDivElement>(null);
  const width = useWidth(line);
  const room = useMemo(() => roomIn(width, members.length, projects.length > 0), [width, members.length, projects.length]);
  const everybody = useMemo(() => [...members].sort((a, b) => Number(b.user.id === me?.user.id) - Number(a.user.id === me?.user.id)), [members, me]);
  const people = useMemo(() => shownOf(everybody, room, assignees), [everybody, room, assignees]);
  const before = useRef<readonly number[]>(undefined);
  const counts = kept(before.current, [NOBODY, ...people.map(({ user }) => user.id)].map((id) => countOf.get(id) ?? 0));
  useEffect(() => void (before.current = counts), [counts]);
  return <Bar {...props} line={line} room={room} everybody={everybody} people={people} counts={counts} />;
}

/** Who has a toggle: the first ones, and whoever is chosen in place of the last of them. */
function shownOf(everybody: readonly Membership[], { hasPeople, people }: Room, chosen: readonly string[]): readonly Membership[] {
  if (!hasPeople) return [];
  const others = everybody.slice(people).filter(({ user }) => chosen.includes(user.id)).length;
  return everybody.filter(({ user }, at) => at < people - others || chosen.includes(user.id));
}

/** How wide an element is, in pixels. */
function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const shown = element.current;
    if (!shown) return;
    const measure = (): void => setWidth(shown.clientWidth);
    measure(); // before the first frame
    const observer = new ResizeObserver(measure);
    observer.observe(shown);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

/** As round as the toggles beside it. */
const AllPeople = ({ more, ...trigger }: { more: number }) => (
  <button type="button" aria-label={`All people, +${more}`} className="flex shrink-0 items-center rounded-full p-0.5 pointer-coarse:px-1 pointer-coarse:py-2.5" {...trigger}>
    <span className="inline-flex h-6.5 min-w-6.5 items-center justify-center rounded-full border border-line bg-raised px-1 text-xs font-semibold text-dim">+{more}</span>
  </button>
);

interface BarProps extends Omit<FilterBarProps, "countOf"> {
  line: RefObject<HTMLDivElement | null>;
  room: Room;
  everybody: readonly Membership[];
  /** Who has a toggle. */
  people: readonly Membership[];
  /** How many tasks nobody has, and then each of `people`. */
  counts: readonly number[];
}

/** Drawn anew only when it says something else: others change tasks many times a second. */
const Bar = memo(function Bar({ line, room, statuses, labels, projects, members, everybody, people, counts, me, count, isWhole, filters, onChange, onClear, onNew, onDeleted, grouping, sorting, onArrange }: BarProps) {
  const toggled = (set: readonly string[], id: string): string[] => (set.includes(id) ? set.filter((each) => each !== id) : [...set, id]);
  const toggle = (id: string, name: string, count: number | undefined, picture: ReactNode): ReactNode => (
    <button key={id} type="button" aria-pressed={filters.assignees.includes(id)} aria-label={`${name}, ${tasksOf(count ?? 0)}`}
      className="flex shrink-0 items-center gap-1 rounded-full p-0.5 ring-accent aria-pressed:ring-2 pointer-coarse:px-1 pointer-coarse:py-2.5" onClick={() => onChange({ assignees: toggled(filters.assignees, id) })}>
      {picture}<span className="pr-1 text-xs text-dim tabular-nums">{count}</span>
    </button>
  );
  const named = (label: string, chosen: number): string => (chosen ? `${label} (${chosen})` : label);
  const spoken = (label: string, chosen: number): string => (chosen ? `${label}, ${chosen}` : label); // also where only the number is seen
  const anyOf = (set: "assignees" | "statuses" | "priorities" | "labels", choices: readonly Choice[]) => (label: { label?: string }): ReactNode =>
    <AnyOf {...label} choices={choices} values={filters[set]} onToggle={(id) => onChange({ [set]: toggled(filters[set], id) })} />;
  const oneOf = (word: "due" | "project", choices: readonly Choice[]) => (label: { label?: string }): ReactNode =>
    <OneOf {...label} choices={choices} value={filters[word]} onChoose={(id) => onChange({ [word]: id })} />;
  const anybody = (more: readonly Choice[] = []) => anyOf("assignees", [...more, ...everybody.map(({ user }) => ({ id: user.id, label: user.name, icon: <Avatar id={user.id} name={user.name} size={20} /> }))]);
  const coloured = ({ id, name, color }: { id: string; name: string; color: string }): Choice => ({ id, label: name, icon: <Dot color={color} /> });
  const kinds = [
    { name: "Status", says: named("Status", filters.statuses.length), choose: anyOf("statuses", statuses.map(coloured)) },
    { name: "Priority", says: named("Priority", filters.priorities.length), choose: anyOf("priorities", PRIORITIES.map((id) => ({ id, label: PRIORITY_NAMES[id]! }))) },
    { name: "Labels", says: named("Labels", filters.labels.length), choose: anyOf("labels", labels.map(coloured)) },
    { name: "Due", says: DUE.find(({ id }) => id && id === filters.due)?.label ?? "Due", choose: oneOf("due", DUE) },
    ...(projects.length > 0 ? [{
      name: "Project", says: projects.find(({ id }) => id === filters.project)?.name ?? (filters.project ? "No project" : "Project"),
      choose: oneOf("project", [{ id: "", label: "All projects" }, ...projects.filter(({ archivedAt }) => !archivedAt).map(coloured), { id: NOBODY, label: "No project" }]),
    }] : []),
    ...(room.hasPeople ? [] : [{ name: "Assignees", says: "", choose: anybody([{ id: NOBODY, label: "Unassigned", icon: <UserX size={16} className="mx-0.5" aria-hidden /> }]) }]),
  ];
  const chosen = [filters.statuses, filters.priorities, filters.labels, filters.due ? [filters.due] : [], filters.project ? [filters.project] : [], room.hasPeople ? [] : filters.assignees].flat().length;
  const viewed = [filters.archived, grouping, sorting].filter(Boolean).length;
  return (
    <div ref={line} className="flex shrink-0 items-center gap-2 border-b border-line pr-3">
      <div className="flex min-w-0 grow items-center gap-2 overflow-x-clip py-2 pl-3 -outline-offset-2" role="group" aria-label="Filters" tabIndex={-1} data-filters>
        <input type="search" aria-label="Filter by text" placeholder="Filter…" className={`${INPUT} min-w-18 shrink-99 basis-40 ${room.isNarrow ? "grow" : ""}`} value={filters.text} onChange={(event) => onChange({ text: event.target.value })} />
        {room.hasPeople && (
          <div className="-m-1 flex min-w-13 items-center gap-1 overflow-x-auto p-1 [scrollbar-width:none]" role="group" aria-label="Assignees">
            {people.map(({ user: { id, name } }, at) => toggle(id, id === me?.user.id ? "Me" : name, counts[at + 1], <Avatar id={id} name={name} size={26} />))}
            {members.length > people.length && (
              <Menu label="All people" trigger={<AllPeople more={members.length - people.length} />}>
                {anybody()({})}
              </Menu>
            )}
            {toggle(NOBODY, "Unassigned", counts[0], <span title="Unassigned" className="rounded-full border border-line p-1.25"><UserX size={14} aria-hidden /></span>)}
          </div>
        )}
        {room.hasMenus ? kinds.map(({ name, says, choose }) => (
          <Menu key={name} label={name} trigger={<Button className="shrink-0"><span className="max-w-36 truncate">{says}</span></Button>}>{choose({})}</Menu>
        )) : (
          <Menu label="Filter" trigger={<Button className="shrink-0" aria-label={spoken("Filter", chosen)}><ListFilter size={16} aria-hidden />{room.hasWords ? named("Filter", chosen) : chosen || ""}</Button>}>
            {kinds.map(({ name, choose }) => <Fragment key={name}>{choose({ label: name })}</Fragment>)}
            {isFiltered(filters) && <><MenuLine /><MenuItem onSelect={() => onChange(NO_FILTERS)}>Clear the filters</MenuItem></>}
          </Menu>
        )}
        <Menu label="View" trigger={<Button className="shrink-0" aria-label={spoken("View", viewed)}>{room.hasWords ? named("View", viewed) : <><SlidersHorizontal size={16} aria-hidden />{viewed || ""}</>}</Button>}>
          {grouping !== undefined && <OneOf label="Group by" choices={GROUP_CHOICES} value={grouping} onChoose={(id) => onArrange("group", id)} />}
          {sorting !== undefined && <OneOf label="Sort by" choices={SORT_CHOICES} value={sorting} onChoose={(id) => onArrange("sort", id)} />}
          <OneOf label="Show" choices={ARCHIVE} value={filters.archived && "yes"} onChoose={(id) => onChange({ archived: id })} />
          {onDeleted && <MenuItem onSelect={onDeleted}>Deleted tasks</MenuItem>}
        </Menu>
        {isFiltered(filters) && !room.isNarrow && <Button kind="quiet" className="shrink-0" aria-label="Clear" title="Clear the filters" onClick={onClear}><X size={16} aria-hidden /></Button>}
        <span className="shrink-0 text-sm whitespace-nowrap text-dim">{tasksOf(count)}{!isWhole && <span className={room.hasMenus ? "" : "sr-only"}>, reading more…</span>}</span>
      </div>
      {onNew && <Button kind="primary" className="shrink-0" aria-keyshortcuts="c" onClick={onNew}><Plus size={16} aria-hidden /><span className={room.hasWords ? "" : "sr-only"}>New task</span></Button>}
    </div>
  );
});
