"""Lines into a workspace: batch after batch, each one transaction, and nothing of them kept but a map of people.

Invariant: the id of what is written is made of the workspace and the line's own id alone (or is that id). So whoever
runs an import again, after a crash or by mistake, adds what is missing and changes nothing of what is there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid5

from db import projects, transfer, workspaces
from db.history import TEXTS
from db.ids import of_kind, typed
from db.models import (
    Actor,
    ActorKind,
    ActorRef,
    Change,
    ChangedField,
    Comment,
    FieldChange,
    Label,
    Project,
    Status,
    StatusCategory,
    Task,
)
from db.session import Database, Session
from db.unit_of_work import Outcome, UnitOfWork, Writer, now
from domain import fields, imports
from domain.arrangement import DEFAULT_STATUSES
from domain.errors import Refusal, Refusals
from domain.imports import ImportedReaction, ImportedTask
from domain.mentions import MENTION
from domain.reminders import SYSTEM
from transfer.lines import (
    ChangeLine,
    CommentLine,
    HeaderLine,
    LabelLine,
    Line,
    Malformed,
    Numbered,
    PersonLine,
    ProjectLine,
    ReactionLine,
    StatusLine,
    TaskLine,
    WorkspaceLine,
)
from transfer.rehearsal import Rehearsal

Row = TypeVar("Row")

BATCH = 300
"""Lines of one transaction: it holds the head of the log, for which others wait, for some hundredths of a second."""

BATCH_CHARACTERS = 1_000_000
"""Of their long texts; a batch ends with the line that brings it there."""


@dataclass
class Report:
    """What an import has done, or would do. Counts are by the type of line."""

    read: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    present: Counter[str] = field(default_factory=Counter)
    strangers: dict[UUID, PersonLine] = field(default_factory=dict)
    """Who is named and has no account here, or does not belong to the workspace."""
    dropped: Counter[str] = field(default_factory=Counter)
    """What could not be taken along, by a phrase that says what and why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to import into which workspace, as whom.

    `is_new`: the workspace was made for this import, so people join it and keys stay; `has_default_statuses`: with the
    statuses that every one begins with. `has_kept_ids`: ids stay, too.
    `is_by_category`: a status of the same category is the same one. `is_dry`: judge every line, and write nothing.
    """

    workspace_id: UUID
    actor: Actor
    is_new: bool = False
    has_default_statuses: bool = False
    has_kept_ids: bool = False
    is_by_category: bool = False
    is_dry: bool = False


Progress = Callable[[Report], None]


class Loader:
    """Runs one import. `progress` hears of each batch; what it raises ends the import between two batches."""

    def __init__(self, database: Database, writer: Writer, plan: Plan, progress: Progress) -> None:
        self._database = database
        self._writer = writer
        self._plan = plan
        self._progress = progress
        self._people: dict[UUID, UUID] = {}
        self._names: dict[UUID, str] = {}
        self._ids: dict[UUID, UUID] = {}
        """Of what has an id here already, and another one in the file."""
        self._same: dict[tuple[type, str], UUID] = {}
        """(kind, what it is known by) -> id of what is in the workspace."""
        self._may_join = False
        """People come before tasks. So where there are tasks, all have joined, and who is missing was removed since."""
        self._rehearsal = Rehearsal(database, plan.workspace_id) if plan.is_dry else None
        self.report = Report()

    async def load(self, lines: Iterable[Numbered]) -> Report:
        """Import all lines, once. Raises Malformed, naming the line, and what the writer raises."""
        try:
            return await self._load(lines)
        finally:
            if self._rehearsal is not None:
                self._rehearsal.close()

    async def _load(self, lines: Iterable[Numbered]) -> Report:
        await self._look_around()
        batch: list[Numbered] = []
        weight = 0
        for numbered in lines:
            is_full = len(batch) == BATCH or weight > BATCH_CHARACTERS
            if batch and (is_full or type(numbered[1]) is not type(batch[0][1])):
                await self._take(batch)
                batch, weight = [], 0
            batch.append(numbered)
            weight += _weight(numbered[1])
        if batch:
            await self._take(batch)
        return self.report

    async def _look_around(self) -> None:
        """What the workspace has of statuses, labels and projects."""
        workspace_id = self._plan.workspace_id

        async def look(session: Session) -> None:
            # The first of a category stands for it: the last one to be put here.
            for status in reversed(await projects.statuses_of(session, workspace_id)):
                self._meet(status)
            for label in await projects.all_rows(session, Label, workspace_id):
                self._meet(label)
            for project in await projects.all_rows(session, Project, workspace_id):
                self._meet(project)

            self._may_join = self._plan.is_new and not await transfer.has_tasks(session, workspace_id)

        await self._database.alone(look)
        has_none = not any(kind is Status for kind, _ in self._same)
        if self._plan.has_default_statuses and self._plan.is_dry and has_none:
            at = now()
            for name, category, color in reversed(DEFAULT_STATUSES):
                self._meet(Status(uuid5(workspace_id, name), 1, at, at, workspace_id, name, category, color, ""))

    def _meet(self, row: Status | Label | Project) -> None:
        known_as = self._known_as(
            type(row),
            row.id,
            row.name,
            category=row.category if isinstance(row, Status) else None,
            key=row.key if isinstance(row, Project) else None,
        )
        for one in known_as:
            self._same[type(row), one] = row.id
        if self._rehearsal is not None:
            self._rehearsal.there(row)
        if isinstance(row, Project):
            self._same[Project, row.name.lower()] = row.id

    def _known_as(
        self, kind: type, own: UUID, name: str, *, category: StatusCategory | None = None, key: str | None = None
    ) -> list[str]:
        """By what something is the same as what is there. Only projects may be called the same: a key tells them."""
        names = [str(own), name.lower() if key is None else f"{name.lower()} {key}"]
        return [*names, category.value] if category is not None and self._plan.is_by_category else names

    async def _take(self, batch: Sequence[Numbered]) -> None:
        kind = batch[0][1].type
        self.report.read[kind] += len(batch)
        try:
            await self._take_all(batch)
        except (Refusal, Refusals, Malformed) as error:
            if len(batch) == 1:
                raise Malformed(f"{batch[0][0]}: {_said(error)}") from error
            # One by one, to tell which it is.
            self.report.read[kind] -= len(batch)
            for one in batch:
                await self._take([one])
            return
        self._progress(self.report)

    async def _take_all(self, batch: Sequence[Numbered]) -> None:
        lines: list[Any] = [line for _, line in batch]
        match lines[0]:
            case HeaderLine():
                pass
            case WorkspaceLine():
                await self._workspace(lines)
            case StatusLine() | LabelLine() | ProjectLine():
                await self._rows(lines)
            case PersonLine():
                await self._persons(lines)
            case TaskLine():
                await self._tasks(lines)
            case CommentLine():
                await self._comments(lines)
            case ReactionLine():
                await self._reactions(lines)
            case ChangeLine():
                await self._changes(lines)

    async def _write(
        self,
        kind: str,
        batch: Sequence[Row],
        id_of: Callable[[Row], UUID],
        work: Callable[[UnitOfWork, Sequence[Row]], Awaitable[int]],
        judge: Callable[[Sequence[Row]], Awaitable[None]] | None,
    ) -> None:
        """Run a unit of work that adds rows and says how many, or find out whether and how many it would add.

        The second one of an id is passed over, as it would be in a later batch.
        """
        once = {id_of(one): one for one in reversed(batch)}
        rows = [one for one in batch if once[id_of(one)] is one]
        if self._rehearsal is not None and judge is not None:
            new_ids = await self._rehearsal.new_ids(kind, once)
            await judge([one for one in rows if id_of(one) in new_ids])
            added = len(new_ids)
        else:
            counted: list[int] = []

            async def unit(uow: UnitOfWork) -> Outcome:
                counted.append(await work(uow, rows))
                return Outcome()

            await self._writer.run(self._plan.actor, unit)
            added = counted[-1]
        self.report.added[kind] += added
        self.report.present[kind] += len(batch) - added

    def _id(self, own: UUID) -> UUID:
        """The id here of what has this one in the file."""
        found = self._ids.get(own)
        if found is not None:
            return found
        return own if self._plan.has_kept_ids else uuid5(self._plan.workspace_id, str(own))

    def _maybe(self, own: UUID | None) -> UUID | None:
        return None if own is None else self._id(own)

    # ---- the workspace, and what tasks are arranged by

    async def _workspace(self, lines: Sequence[WorkspaceLine]) -> None:
        here = self._plan.workspace_id
        for line in lines:
            self._ids[line.id] = here
            if not self._plan.is_new or not line.key_numbers:
                continue
            if self._rehearsal is not None:
                self._rehearsal.counters(line.key_numbers)
            else:
                await self._do(partial(imports.import_counters, workspace_id=here, counters=line.key_numbers))

    async def _do(self, work: Callable[[UnitOfWork], Awaitable[object]]) -> None:
        async def unit(uow: UnitOfWork) -> Outcome:
            await work(uow)
            return Outcome()

        await self._writer.run(self._plan.actor, unit)

    async def _rows(self, lines: Sequence[StatusLine | LabelLine | ProjectLine]) -> None:
        """Each by itself: they are few, and one of the same name is the same one."""
        for line in lines:
            row = imports.checked_row(self._row(line))
            known_as = self._known_as(
                type(row),
                row.id,
                row.name,
                category=row.category if isinstance(row, Status) else None,
                key=line.key if isinstance(line, ProjectLine) else None,
            )
            known = next((found for one in known_as if (found := self._same.get((type(row), one)))), None)
            if known is not None:
                self._ids[line.id] = known
                self.report.present[line.type] += 1
                continue
            if self._rehearsal is not None:
                await self._rehearsal.row(row)
            else:
                await self._do(partial(imports.import_row, row=row))
            self._meet(row)
            self.report.added[line.type] += 1

    def _row(self, line: StatusLine | LabelLine | ProjectLine) -> Status | Label | Project:
        shared: dict[str, Any] = {
            "id": self._id(line.id),
            "workspace_id": self._plan.workspace_id,
            "version": line.version,
            "created_at": line.created_at,
            "updated_at": line.updated_at,
            "name": line.name,
            "color": line.color,
        }
        match line:
            case StatusLine():
                return Status(**shared, category=line.category, rank=line.rank or "")
            case ProjectLine():
                key = line.key if self._plan.is_new and line.key else ""
                return Project(**shared, key=key, description=line.description, archived_at=line.archived_at)
        return Label(**shared)

    # ---- people

    async def _persons(self, lines: Sequence[PersonLine]) -> None:
        """Find who of them has an account here; in a new workspace they become members."""
        plan = self._plan
        emails = {line.email.strip().lower() for line in lines if line.email}
        accounts = await self._database.alone(lambda session: transfer.user_ids_by_emails(session, emails))
        user_ids = list(accounts.values())
        found = await self._database.alone(lambda session: workspaces.members_of(session, plan.workspace_id, user_ids))
        # Who imports made the workspace; in a dry run it is not there.
        members = {*found, plan.actor.user_id} if plan.is_new else set(found)
        for line in lines:
            self._names[line.id] = line.name
            user_id = accounts.get(line.email.strip().lower()) if line.email else None
            if user_id is not None and user_id not in members and self._may_join and line.role is not None:
                await self._join(user_id, line)
            elif user_id is None or user_id not in members:
                self.report.strangers[line.id] = line
                continue
            else:
                self.report.present["person"] += 1
            self._people[line.id] = user_id

    async def _join(self, user_id: UUID, line: PersonLine) -> None:
        assert line.role is not None
        role, project_ids = line.role, [self._id(one) for one in line.project_ids]
        if self._rehearsal is not None:
            await self._rehearsal.member(project_ids)
        else:
            await self._do(lambda uow: imports.import_member(uow, self._plan.workspace_id, user_id, role, project_ids))
        self.report.added["person"] += 1

    def _who(self, persons: Iterable[UUID]) -> tuple[UUID, ...]:
        return tuple(dict.fromkeys(self._people[one] for one in persons if one in self._people))

    def _author(self, person: UUID | None) -> ActorRef:
        """Whom something is by: whoever imports it, where its author is not known here."""
        found = None if person is None else self._people.get(person)
        return self._plan.actor.ref if found is None else ActorRef(ActorKind.USER, found)

    def _text(self, text: str) -> str:
        """A text in which the people of here are mentioned, and others named."""

        def said(matched: re.Match[str]) -> str:
            person = UUID(matched[1])
            if person in self._people:
                return f"@[{typed('user', self._people[person])}]"
            return f"@{self._names[person]}" if person in self._names else matched[0]

        return MENTION.sub(said, text)

    # ---- tasks, and what is said about them

    async def _tasks(self, lines: Sequence[TaskLine]) -> None:
        batch = [imports.checked_task(self._task(line)) for line in lines]
        workspace_id = self._plan.workspace_id
        await self._write(
            "task",
            batch,
            lambda one: one.task.id,
            lambda uow, rows: imports.import_tasks(uow, workspace_id, rows),
            self._rehearsal.tasks if self._rehearsal else None,
        )

    def _task(self, line: TaskLine) -> ImportedTask:
        has_keys = self._plan.is_new
        task = Task(
            id=self._id(line.id),
            version=line.version,
            created_at=line.created_at,
            updated_at=line.updated_at,
            workspace_id=self._plan.workspace_id,
            key=line.key if has_keys and line.key else "",
            project_id=self._maybe(line.project_id),
            parent_id=self._maybe(line.parent_id),
            title=line.title,
            description=self._text(line.description),
            status_id=self._id(line.status_id),
            priority=line.priority,
            start_date=line.start_date,
            due_date=line.due_date,
            estimate=line.estimate,
            rank=line.rank or "",
            created_by=self._author(line.created_by),
            completed_at=line.completed_at,
            archived_at=line.archived_at,
            deleted_at=None,
            assignee_ids=self._who(line.assignee_ids),
            label_ids=tuple(self._id(one) for one in line.label_ids),
        )
        self.report.dropped["assignments of people who are not in the workspace"] += sum(
            one not in self._people for one in line.assignee_ids
        )
        return ImportedTask(
            task, line.old_keys if has_keys else (), self._who(line.followers), self._who(line.muted_by)
        )

    async def _comments(self, lines: Sequence[CommentLine]) -> None:
        batch = [self._comment(line) for line in lines]
        workspace_id = self._plan.workspace_id
        await self._write(
            "comment",
            batch,
            lambda one: one.id,
            lambda uow, rows: imports.import_comments(uow, workspace_id, rows),
            self._rehearsal.comments if self._rehearsal else None,
        )

    def _comment(self, line: CommentLine) -> Comment:
        body = self._text(line.body)
        if line.author is not None and line.author not in self._people:
            named = f"**{self._names.get(line.author, 'Somebody')}** wrote:\n\n{body}"
            body = named if len(named) <= fields.MAX_COMMENT else body
        return Comment(
            id=self._id(line.id),
            version=line.version,
            created_at=line.created_at,
            updated_at=line.updated_at,
            workspace_id=self._plan.workspace_id,
            task_id=self._id(line.task_id),
            parent_id=self._maybe(line.parent_id),
            author=self._author(line.author),
            body=fields.body(body, "body"),
            resolved_at=line.resolved_at,
            edited_at=line.edited_at,
            deleted_at=None,
        )

    async def _reactions(self, lines: Sequence[ReactionLine]) -> None:
        known = [line for line in lines if line.person in self._people]
        self.report.dropped["reactions of people who are not in the workspace"] += len(lines) - len(known)
        batch = [
            ImportedReaction(
                id=self._id(line.id),
                task_id=self._id(line.task_id),
                comment_id=self._maybe(line.comment_id),
                emoji=fields.emoji(line.emoji, "emoji"),
                user_id=self._people[line.person],
                added_at=line.added_at,
            )
            for line in known
        ]
        workspace_id = self._plan.workspace_id
        await self._write(
            "reaction",
            batch,
            lambda one: one.id,
            lambda uow, rows: imports.import_reactions(uow, workspace_id, rows),
            self._rehearsal.reactions if self._rehearsal else None,
        )

    async def _changes(self, lines: Sequence[ChangeLine]) -> None:
        batch = [self._change(line) for line in lines]
        workspace_id = self._plan.workspace_id
        await self._write(
            "change",
            batch,
            lambda one: one.id,
            lambda uow, rows: imports.import_history(uow, workspace_id, rows),
            self._rehearsal.changes if self._rehearsal else None,
        )

    def _change(self, line: ChangeLine) -> Change:
        if line.kind not in transfer.HISTORIED:
            raise Malformed(f"kind: the history of a {line.kind.value} is not taken along")
        known = None if line.actor is None else self._people.get(line.actor)
        change = Change(
            id=self._id(line.id),
            workspace_id=self._plan.workspace_id,
            kind=line.kind,
            entity_id=self._id(line.entity_id),
            version=line.version,
            change_set_id=self._id(line.change_set_id),
            at=line.at,
            # Whoever imports it did not do it.
            actor=SYSTEM.ref if known is None else ActorRef(ActorKind.USER, known),
            fields=tuple(
                FieldChange(one.field, self._value(one.field, one.before), self._value(one.field, one.after))
                for one in line.fields
            ),
        )
        return imports.checked_change(change)

    def _value(self, changed: ChangedField, value: Any) -> Any:
        """What a change shows, with the ids of here."""
        if value is None:
            return None
        if changed in TEXTS and isinstance(value, str):
            return self._text(value)
        if changed not in _POINTERS:
            return value
        is_set = changed in {ChangedField.ASSIGNEES, ChangedField.LABELS}
        if is_set != isinstance(value, list):
            raise Malformed(f"fields: {changed.value} is {'a list of ids' if is_set else 'an id'}")
        found = [self._pointer(changed, one) for one in (value if is_set else [value])]
        return found if is_set else found[0]

    def _pointer(self, changed: ChangedField, value: Any) -> str:
        kind = _POINTERS[changed]
        own = of_kind(kind, value) if isinstance(value, str) else None
        if own is None:
            raise Malformed(f"fields: {changed.value} has an id of another kind")
        return typed(kind, self._people.get(own, own) if kind == "user" else self._id(own))


_POINTERS: Mapping[ChangedField, str] = {
    ChangedField.STATUS: "status",
    ChangedField.PARENT: "task",
    ChangedField.PROJECT: "project",
    ChangedField.ASSIGNEES: "user",
    ChangedField.LABELS: "label",
}


def _weight(line: Line) -> int:
    """The characters of a line's long texts."""
    match line:
        case TaskLine():
            return len(line.description)
        case CommentLine():
            return len(line.body)
        case ChangeLine():
            values = [value for one in line.fields for value in (one.before, one.after)]
            return sum(len(value) for value in values if isinstance(value, str))
    return 0


def _said(error: Refusal | Refusals | Malformed) -> str:
    if isinstance(error, Malformed):
        return str(error)
    refusals = error.refusals if isinstance(error, Refusals) else (error,)
    return "; ".join(f"{'.'.join(one.path)}: {one.message}" if one.path else one.message for one in refusals)
