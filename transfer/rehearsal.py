"""What a dry run has seen: the lines before, by which it judges the ones that come, as an import would.

Invariant: memory does not grow with the file. What was seen is in a scratch file of SQLite's own, which goes with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from db import projects, transfer, workspaces
from db import tasks as task_rows
from db.ids import typed
from db.models import Change, Comment, Label, Project, Status, Task
from db.session import Database
from domain import arrangement, fields
from domain.errors import ErrorCode, Invalid, LimitReached, NotFound
from domain.imports import ImportedReaction, ImportedTask, taken
from domain.members import MAX_MEMBERS
from domain.reactions import MAX_EMOJIS
from domain.task_tree import MAX_DEPTH

_LIMITS: Mapping[type, tuple[int, str]] = {
    Status: (arrangement.MAX_STATUSES, "statuses"),
    Label: (arrangement.MAX_LABELS, "labels"),
    Project: (arrangement.MAX_PROJECTS, "projects"),
}
_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE seen (kind TEXT, id BLOB, task BLOB, depth INTEGER, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE keys (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE emojis (subject BLOB, emoji TEXT, PRIMARY KEY (subject, emoji)) WITHOUT ROWID;
"""
"""`seen`: tasks with their depth, comments with their task (depth 0: they begin a thread), reactions and changes."""


class Rehearsal:
    """Judges lines for a workspace that is not written. Its methods raise what an import would."""

    def __init__(self, database: Database, workspace_id: UUID) -> None:
        self._database = database
        self._workspace_id = workspace_id
        # Without a name it is a file that SQLite makes, fills when its cache is full, and deletes.
        self._scratch = sqlite3.connect("", isolation_level=None)
        self._scratch.executescript(_TABLES)
        self._rows: dict[type, set[UUID]] = {Status: set(), Label: set(), Project: set()}
        self._project_keys: set[str] = set()
        self._member_count: int | None = None

    def close(self) -> None:
        self._scratch.close()

    # ---- what tasks are arranged by

    def there(self, row: Status | Label | Project) -> None:
        """It is in the workspace, or would be."""
        self._rows[type(row)].add(row.id)
        if isinstance(row, Project):
            self._project_keys.add(row.key)

    async def row(self, row: Status | Label | Project) -> None:
        """Raises LimitReached, Invalid."""
        kind: Any = type(row)
        name = kind.__name__.lower()
        limit, what = _LIMITS[kind]
        owner = await self._database.alone(lambda session: projects.workspace_id_of(session, kind, row.id))
        if owner not in {None, self._workspace_id}:
            raise taken(name, row.id)
        if len(self._rows[kind]) >= limit:
            raise LimitReached(f"A workspace has at most {limit} {what}.", limit)
        if isinstance(row, Project) and row.key and row.key in self._project_keys:
            raise Invalid("This key is taken in the workspace.", "key", code=ErrorCode.ALREADY_EXISTS)
        self.there(row)

    def counters(self, prefixes: Iterable[str]) -> None:
        """Raises Invalid."""
        for prefix in prefixes:
            fields.key(prefix, "key_numbers")

    async def member(self, project_ids: Sequence[UUID]) -> None:
        """Raises NotFound, LimitReached."""
        self._pointed_at(Project, project_ids, "project_ids")
        if self._member_count is None:
            count = await self._database.alone(lambda session: workspaces.count_members(session, self._workspace_id))
            self._member_count = max(1, count)  # whoever imports is the first
        if self._member_count >= MAX_MEMBERS:
            raise LimitReached(f"A workspace has at most {MAX_MEMBERS} members.", MAX_MEMBERS)
        self._member_count += 1

    def _pointed_at(self, kind: type, ids: Iterable[UUID], path: str) -> None:
        for one in ids:
            if one not in self._rows[kind]:
                raise NotFound(typed(kind.__name__.lower(), one), path)

    # ---- tasks, and what is said about them

    async def new_ids(self, kind: str, ids: Collection[UUID]) -> set[UUID]:
        """Which of these would be new. Raises Invalid for one of another workspace."""
        owners = await self._database.alone(lambda session: transfer.owners_of_ids(session, kind, ids))
        for one, owner in owners.items():
            if owner != self._workspace_id:
                raise taken(kind, one)
        return set(ids) - owners.keys() - self._seen(kind, ids).keys()

    async def tasks(self, new: Sequence[ImportedTask]) -> None:
        """Raises NotFound, LimitReached, Invalid."""
        plain = [one.task for one in new]
        self._pointed_at(Project, (task.project_id for task in plain if task.project_id is not None), "project_id")
        self._pointed_at(Status, (task.status_id for task in plain), "status_id")
        self._pointed_at(Label, (label for task in plain for label in task.label_ids), "label_ids")
        depths = await self._depths({task.parent_id for task in plain if task.parent_id is not None})
        for task in plain:
            depths[task.id] = self._depth(task, depths)
        keys = [key for one in new for key in dict.fromkeys((one.task.key, *one.old_keys)) if key]
        lead = await self._database.alone(
            lambda session: transfer.tasks_by_keys(session, self._workspace_id, keys) if keys else _nothing()
        )
        own: set[str] = set()
        for key in keys:
            if key in own or key in lead or self._scratch.execute("SELECT 1 FROM keys WHERE key = ?", [key]).fetchone():
                raise Invalid(f"The key {key} is another task's.", "key", code=ErrorCode.ALREADY_EXISTS)
            own.add(key)
        self._scratch.executemany("INSERT INTO keys VALUES (?)", [(key,) for key in own])
        self._remember("task", ((task.id, None, depths[task.id]) for task in plain))

    def _depth(self, task: Task, depths: Mapping[UUID, int]) -> int:
        if task.parent_id is None:
            return 0
        if task.parent_id not in depths:
            raise NotFound(typed("task", task.parent_id), "parent_id")
        depth = depths[task.parent_id] + 1
        if depth > MAX_DEPTH:
            raise LimitReached(f"Subtasks go {MAX_DEPTH} levels deep.", MAX_DEPTH, "parent_id")
        return depth

    async def _depths(self, ids: set[UUID]) -> dict[UUID, int]:
        """tasks that something can hang below -> how deep they are."""
        found = {one: depth for one, (_, depth) in self._seen("task", ids).items()}
        asked = ids - found.keys()
        if asked:
            here = self._workspace_id
            above = await self._database.alone(lambda session: task_rows.parents_above(session, here, asked))
            rows = await self._database.alone(lambda session: task_rows.read_tasks(session, here, asked))
            for one in (one for one, row in rows.items() if row.deleted_at is None):
                depth, current = 0, above.get(one)
                while current is not None:
                    depth, current = depth + 1, above.get(current)
                found[one] = depth
        return found

    async def comments(self, new: Sequence[Comment]) -> None:
        """Raises NotFound."""
        await self._subjects([one.task_id for one in new])
        roots = await self._comments({one.parent_id for one in new if one.parent_id is not None}, only_roots=True)
        for one in new:
            if one.parent_id is None:
                roots[one.id] = one.task_id
            elif roots.get(one.parent_id) != one.task_id:
                raise NotFound(typed("comment", one.parent_id), "parent_id")
        self._remember("comment", ((one.id, one.task_id.bytes, int(one.parent_id is not None)) for one in new))

    async def _subjects(self, task_ids: Sequence[UUID]) -> None:
        asked = set(task_ids) - self._seen("task", task_ids).keys()
        rows = await self._database.alone(lambda session: task_rows.read_tasks(session, self._workspace_id, asked))
        for one in task_ids:
            if one in asked and one not in rows:
                raise NotFound(typed("task", one), "task_id")

    async def _comments(self, ids: set[UUID], *, only_roots: bool) -> dict[UUID, UUID]:
        """comments -> their tasks."""
        seen = self._seen("comment", ids)
        asked = ids - seen.keys()
        rows = await self._database.alone(lambda session: transfer.comments_by_ids(session, self._workspace_id, asked))
        found = {one: UUID(bytes=task) for one, (task, depth) in seen.items() if task and not (only_roots and depth)}
        return found | {one.id: one.task_id for one in rows.values() if not (only_roots and one.parent_id is not None)}

    async def reactions(self, new: Sequence[ImportedReaction]) -> None:
        """Raises NotFound, LimitReached."""
        await self._subjects([one.task_id for one in new])
        tasks = await self._comments({one.comment_id for one in new if one.comment_id is not None}, only_roots=False)
        for one in new:
            if one.comment_id is not None and tasks.get(one.comment_id) != one.task_id:
                raise NotFound(typed("comment", one.comment_id), "comment_id")
        for one in new:
            subject = (one.comment_id or one.task_id).bytes
            self._scratch.execute("INSERT OR IGNORE INTO emojis VALUES (?, ?)", [subject, one.emoji])
            count = self._scratch.execute("SELECT count(*) FROM emojis WHERE subject = ?", [subject]).fetchone()[0]
            if count > MAX_EMOJIS:
                raise LimitReached(f"At most {MAX_EMOJIS} different emojis fit.", MAX_EMOJIS, "emoji")
        self._remember("reaction", ((one.id, None, 0) for one in new))

    async def changes(self, new: Sequence[Change]) -> None:
        """The history may tell of what is gone."""
        self._remember("change", ((one.id, None, 0) for one in new))

    def _seen(self, kind: str, ids: Iterable[UUID]) -> dict[UUID, tuple[bytes | None, int]]:
        found: dict[UUID, tuple[bytes | None, int]] = {}
        for one in ids:
            asked = "SELECT task, depth FROM seen WHERE kind = ? AND id = ?"
            row = self._scratch.execute(asked, [kind, one.bytes]).fetchone()
            if row is not None:
                found[one] = row
        return found

    def _remember(self, kind: str, rows: Iterable[tuple[UUID, bytes | None, int]]) -> None:
        values = [(kind, one.bytes, *more) for one, *more in rows]
        self._scratch.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", values)


async def _nothing() -> dict[str, UUID]:
    return {}
