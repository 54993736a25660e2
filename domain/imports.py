"""What comes from elsewhere: rows with ids, times and authors of their own, written in batches.

An import is for an OWNER or ADMIN, as it writes in other people's names. All that holds for what people make holds for
what is imported: values, limits, keys, depth, who can be assigned, and an event for each thing in the workspace's log.
Only notifications are left out: nobody is told of what happened long ago.

Invariant: a row whose id is in the workspace already is passed over, deleted or not, so doing it again does nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from db import projects, transfer, workspaces
from db import tasks as task_rows
from db.history import TEXTS, insert_changes
from db.models import Change, ChangedField, Comment, Label, Membership, Permission, Project, Role, Status, Task
from db.scope import Grant
from db.unit_of_work import UnitOfWork
from domain import access, arrangement, events, fields, members, ordering, task_fields
from domain.errors import ErrorCode, Invalid, LimitReached, NotFound
from domain.ids import typed
from domain.reactions import MAX_EMOJIS
from domain.task_fields import stored
from domain.task_tree import MAX_DEPTH, judge_parents
from domain.tasks import MAX_ASSIGNEES, MAX_LABELS

IMPORTERS = Permission.MEMBER_ADMIN
"""An OWNER and ADMINs have it: who may say who belongs may also say what they did elsewhere."""
_TASK_KEY = re.compile(r"([A-Z][A-Z0-9]{0,9})-([1-9][0-9]{0,8})\Z")


@dataclass(frozen=True, slots=True)
class ImportedTask:
    """A task with what belongs to it. Its `key` empty: it gets one; its `rank` empty: it comes after all others."""

    task: Task
    old_keys: tuple[str, ...] = ()
    followers: tuple[UUID, ...] = ()
    muted_by: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedReaction:
    id: UUID
    task_id: UUID
    comment_id: UUID | None
    emoji: str
    user_id: UUID
    added_at: datetime


async def importing(uow: UnitOfWork, workspace_id: UUID) -> Grant:
    """The door of every import. Raises NotFound, Forbidden."""
    return await access.permitted(uow, workspace_id, IMPORTERS)


async def _new_ids(uow: UnitOfWork, kind: str, workspace_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these are not there yet. Raises Invalid for one of another workspace."""
    owners = await transfer.owners_of_ids(uow, kind, ids)
    for one, owner in owners.items():
        if owner != workspace_id:
            raise taken(kind, one)
    return set(ids) - owners.keys()


def taken(kind: str, own: UUID) -> Invalid:
    """An id that is kept is another workspace's."""
    said = f"{typed(kind, own)} is in another workspace of this server already; import without keeping the ids."
    return Invalid(said, "id", code=ErrorCode.ALREADY_EXISTS)


# ---- what tasks are arranged by


async def import_row(uow: UnitOfWork, row: Project | Status | Label) -> None:
    """Add a project, status or label; its texts were checked. Records it created.

    Raises NotFound, Forbidden, LimitReached, Invalid(ALREADY_EXISTS).
    """
    grant = await importing(uow, row.workspace_id)
    kind: Any = type(row)
    if await projects.workspace_id_of(uow, kind, row.id) not in {None, row.workspace_id}:
        raise taken(access.KIND_NAMES[kind], row.id)
    stamps = {"version": row.version, "created_at": row.created_at, "updated_at": row.updated_at}
    if isinstance(row, Project):
        await arrangement.room(uow, Project, grant, arrangement.MAX_PROJECTS, "projects")
        values = {
            "name": row.name,
            "description": row.description,
            "color": row.color,
            "key": row.key or await arrangement.free_key(uow, row.workspace_id, row.name),
            "archived_at": row.archived_at,
        }
        await arrangement.insert(uow, Project, row.workspace_id, row.id, {**stamps, **values})
    elif isinstance(row, Status):
        await arrangement.room(uow, Status, grant, arrangement.MAX_STATUSES, "statuses")
        values = {
            "name": row.name,
            "color": row.color,
            "category": row.category.value,
            "rank": row.rank or await arrangement.status_rank(uow, row.workspace_id, ordering.LAST),
        }
        await arrangement.insert(uow, Status, row.workspace_id, row.id, {**stamps, **values})
    else:
        await arrangement.room(uow, Label, grant, arrangement.MAX_LABELS, "labels")
        values = {"name": row.name, "color": row.color}
        await arrangement.insert(uow, Label, row.workspace_id, row.id, {**stamps, **values})


def checked_row(row: Project | Status | Label) -> Project | Status | Label:
    """The row with its texts as they are stored. Raises Refusals."""
    rules: dict[str, tuple[Any, Any]] = {"name": (fields.name, row.name), "color": (fields.color, row.color)}
    if isinstance(row, Project):
        rules["description"] = (fields.description, row.description)
        if row.key:
            rules["key"] = (fields.key, row.key)
    if isinstance(row, Status) and row.rank:
        rules["rank"] = (rank, row.rank)
    return replace(row, **fields.checked(rules))


async def import_member(
    uow: UnitOfWork, workspace_id: UUID, user_id: UUID, role: Role, project_ids: Sequence[UUID]
) -> Membership | None:
    """Somebody with an account joins a workspace that is being made; -> None if they belong already.

    Raises NotFound, Forbidden, LimitReached.
    """
    grant = await access.permitted(uow, workspace_id, IMPORTERS)
    await access.pointed_at(uow, Project, grant, list(project_ids), "project_ids")
    if await workspaces.members_of(uow, workspace_id, [user_id]):
        return None
    # There is one OWNER: who imports.
    given = Role.ADMIN if role is Role.OWNER else role
    return await members.add_member(uow, workspace_id, user_id, given, project_ids if given is Role.GUEST else ())


async def import_counters(uow: UnitOfWork, workspace_id: UUID, counters: Mapping[str, int]) -> None:
    """Keys up to these numbers are not given again. Raises NotFound, Forbidden."""
    await importing(uow, workspace_id)
    for prefix in counters:
        fields.key(prefix, "key_numbers")
    await transfer.raise_counters(uow, workspace_id, counters)


# ---- tasks


def rank(value: str | None, path: str) -> str:
    """A rule: a place in an order, as this server makes them."""
    found = str(fields.required(value, path))
    if not ordering.is_rank(found):
        raise Invalid(f"This is no rank: one has at most {ordering.MAX_LENGTH} letters and digits, like a1V.", path)
    return found


def task_key(value: str | None, path: str) -> str:
    """A rule: `WEB-142`."""
    found = str(fields.required(value, path))
    if not _TASK_KEY.match(found):
        raise Invalid("A task's key is a prefix of capital letters and digits, a hyphen, and a number.", path)
    return found


def checked_task(new: ImportedTask) -> ImportedTask:
    """The task with its values as they are stored. Raises Refusals."""
    task = new.task
    checks = fields.Checks()
    good: dict[ChangedField, Any] = {}
    with checks.one():
        task_fields.within_dates(task.start_date, task.due_date)
    with checks.one():
        fields.ids_up_to(MAX_ASSIGNEES, "assignees")(list(task.assignee_ids), "assignee_ids")
    with checks.one():
        fields.ids_up_to(MAX_LABELS, "labels")(list(task.label_ids), "label_ids")
    for key in (task.key, *new.old_keys):
        with checks.one():
            if key:
                task_key(key, "key")
    with checks.one():
        if task.rank:
            rank(task.rank, "rank")
    for field in (ChangedField.TITLE, ChangedField.DESCRIPTION, ChangedField.ESTIMATE):
        with checks.one():
            rule = {
                ChangedField.TITLE: fields.title,
                ChangedField.DESCRIPTION: fields.description,
                ChangedField.ESTIMATE: fields.estimate,
            }[field]
            good[field] = rule(getattr(task, field.value.lower()), field.value.lower())  # type: ignore[operator]
    checks.done()
    texts = {field.value.lower(): value for field, value in good.items()}
    return replace(
        new,
        task=replace(
            task,
            **texts,
            assignee_ids=tuple(dict.fromkeys(task.assignee_ids)),
            label_ids=tuple(dict.fromkeys(task.label_ids)),
        ),
    )


async def import_tasks(uow: UnitOfWork, workspace_id: UUID, batch: Sequence[ImportedTask]) -> int:
    """Add checked tasks, those above before those below; -> how many were new. Records each created.

    Who does not see a task is neither assigned to it nor follows it. Raises NotFound, Forbidden, Invalid, LimitReached.
    """
    grant = await importing(uow, workspace_id)
    new_ids = await _new_ids(uow, "task", workspace_id, [one.task.id for one in batch])
    new = [one for one in batch if one.task.id in new_ids]
    if not new:
        return 0
    plain = [one.task for one in new]
    project_ids = sorted({task.project_id for task in plain if task.project_id is not None})
    found = await access.pointed_at(uow, Project, grant, project_ids, "project_id")
    await access.pointed_at(uow, Status, grant, sorted({task.status_id for task in plain}), "status_id")
    await access.pointed_at(uow, Label, grant, sorted({one for task in plain for one in task.label_ids}), "label_ids")
    await _allow_parents(uow, grant, plain)
    plain = await _with_keys(uow, grant, plain, {one.id: one.key for one in found.values()})
    plain = await _with_ranks(uow, workspace_id, plain)
    people = {one for item in new for one in (*item.task.assignee_ids, *item.followers, *item.muted_by)}
    grants = await workspaces.members_of(uow, workspace_id, people, for_share=True) if people else {}

    def seeing(task: Task, user_ids: Sequence[UUID]) -> tuple[UUID, ...]:
        return tuple(one for one in user_ids if one in grants and grants[one].sees_project(task.project_id))

    plain = [replace(task, assignee_ids=seeing(task, task.assignee_ids)) for task in plain]
    await transfer.insert_rows(uow, "task", [_task_row(task) for task in plain])
    await _lead_to(uow, workspace_id, plain, new)
    for table in ("assignees", "labels"):
        sets = {task.id: task.assignee_ids if table == "assignees" else task.label_ids for task in plain}
        await transfer.insert_members(uow, table, workspace_id, sets, uow.now)
    said = {
        task.id: (seeing(task, one.followers), seeing(task, one.muted_by)) for task, one in zip(plain, new, strict=True)
    }
    await transfer.insert_subscriptions(uow, workspace_id, said, uow.now)
    for task in plain:
        events.task_changed(uow, None, task)
    return len(plain)


def _task_row(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "version": task.version,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "workspace_id": task.workspace_id,
        "key": task.key,
        "project_id": task.project_id,
        "parent_id": task.parent_id,
        "title": task.title,
        "description": task.description,
        "status_id": task.status_id,
        "priority": stored(ChangedField.PRIORITY, task.priority),
        "start_date": task.start_date,
        "due_date": task.due_date,
        "estimate": task.estimate,
        "rank": task.rank,
        "created_by_kind": task.created_by.kind.value,
        "created_by": task.created_by.id,
        "completed_at": task.completed_at,
        "archived_at": task.archived_at,
        "deleted_at": None,
    }


async def _allow_parents(uow: UnitOfWork, grant: Grant, new: Sequence[Task]) -> None:
    """Raises NotFound, Invalid, LimitReached for the first that may not hang where it wants to."""
    own: dict[UUID, int] = {}
    outside = {task.parent_id for task in new if task.parent_id is not None} - {task.id for task in new}
    judged = await judge_parents(uow, grant, {task.id: task.parent_id for task in new if task.parent_id in outside})
    for refused in judged.refused.values():
        refused.path = ("parent_id",)
        raise refused
    above = await task_rows.parents_above(uow, grant.workspace_id, outside) if outside else {}
    for task in new:
        if task.parent_id is None:
            own[task.id] = 0
        elif task.parent_id in own:
            own[task.id] = own[task.parent_id] + 1
        elif task.parent_id in outside:
            own[task.id] = _depth(above, task.parent_id) + 1
        else:
            # It is among these, but further down.
            raise NotFound(typed("task", task.parent_id), "parent_id")
        if own[task.id] > MAX_DEPTH:
            raise LimitReached(f"Subtasks go {MAX_DEPTH} levels deep.", MAX_DEPTH, "parent_id")


def _depth(parent_by_id: Mapping[UUID, UUID | None], task_id: UUID) -> int:
    depth, current = 0, parent_by_id.get(task_id)
    while current is not None:
        depth, current = depth + 1, parent_by_id.get(current)
    return depth


async def _with_keys(uow: UnitOfWork, grant: Grant, new: Sequence[Task], prefixes: Mapping[UUID, str]) -> list[Task]:
    """Tasks without a key get the next ones of their project's prefix, or of the workspace's."""
    workspace = await workspaces.workspace_by_id(uow, grant.workspace_id)
    if workspace is None:
        raise NotFound(typed("workspace", grant.workspace_id), "workspace_id")
    by_prefix: dict[str, list[Task]] = defaultdict(list)
    numbers: dict[str, int] = {}
    for task in new:
        matched = _TASK_KEY.match(task.key)
        if matched is not None:
            numbers[matched[1]] = max(numbers.get(matched[1], 0), int(matched[2]))
        else:
            by_prefix[workspace.key if task.project_id is None else prefixes[task.project_id]].append(task)
    await transfer.raise_counters(uow, grant.workspace_id, numbers)
    keys: dict[UUID, str] = {}
    for prefix in sorted(by_prefix):
        wanting = by_prefix[prefix]
        given = await task_rows.next_keys(uow, grant.workspace_id, prefix, len(wanting))
        keys.update({task.id: key for task, key in zip(wanting, given, strict=True)})
    return [replace(task, key=keys.get(task.id, task.key)) for task in new]


async def _with_ranks(uow: UnitOfWork, workspace_id: UUID, new: Sequence[Task]) -> list[Task]:
    """Tasks without a place come after all others, in their order."""
    wanting = [task.id for task in new if not task.rank]
    if not wanting:
        return list(new)
    ranks = ordering.spread(await transfer.last_rank(uow, workspace_id), None, len(wanting))
    given = dict(zip(wanting, ranks, strict=True))
    return [replace(task, rank=given.get(task.id, task.rank)) for task in new]


async def _lead_to(uow: UnitOfWork, workspace_id: UUID, new: Sequence[Task], items: Sequence[ImportedTask]) -> None:
    """All their keys lead to them. Raises Invalid where one leads elsewhere already."""
    keys = [
        (key, task.id)
        for task, item in zip(new, items, strict=True)
        for key in dict.fromkeys((task.key, *item.old_keys))
    ]
    await task_rows.add_task_keys(uow, workspace_id, keys)
    lead = await transfer.tasks_by_keys(uow, workspace_id, [key for key, _ in keys])
    for key, task_id in keys:
        if lead[key] != task_id:
            raise Invalid(f"The key {key} is another task's.", "key", code=ErrorCode.ALREADY_EXISTS)


# ---- what is said about tasks


async def import_comments(uow: UnitOfWork, workspace_id: UUID, batch: Sequence[Comment]) -> int:
    """Add comments whose bodies were checked, first ones before replies; -> how many were new. Records each created.

    Raises NotFound, Forbidden, Invalid.
    """
    await importing(uow, workspace_id)
    new_ids = await _new_ids(uow, "comment", workspace_id, [one.id for one in batch])
    new = [one for one in batch if one.id in new_ids]
    subjects = await _subjects(uow, workspace_id, [one.task_id for one in new])
    roots = await transfer.roots(uow, workspace_id, {one.parent_id for one in new if one.parent_id is not None})
    for one in new:
        if one.parent_id is None:
            roots[one.id] = one.task_id
        elif roots.get(one.parent_id) != one.task_id:
            raise NotFound(typed("comment", one.parent_id), "parent_id")
    await transfer.insert_rows(uow, "comment", [_comment_row(one) for one in new])
    for one in new:
        events.comment_changed(uow, subjects[one.task_id], None, one)
    return len(new)


async def _subjects(uow: UnitOfWork, workspace_id: UUID, task_ids: Sequence[UUID]) -> dict[UUID, Task]:
    """The tasks that something is about, locked, as their audience is told. Raises NotFound."""
    found = await task_rows.lock_tasks(uow, workspace_id, task_ids)
    for one in task_ids:
        if one not in found:
            raise NotFound(typed("task", one), "task_id")
    return found


def _comment_row(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "version": comment.version,
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
        "workspace_id": comment.workspace_id,
        "task_id": comment.task_id,
        "parent_id": comment.parent_id,
        "author_kind": comment.author.kind.value,
        "author_id": comment.author.id,
        "body": comment.body,
        "resolved_at": comment.resolved_at,
        "edited_at": comment.edited_at,
        "deleted_at": None,
    }


async def import_reactions(uow: UnitOfWork, workspace_id: UUID, batch: Sequence[ImportedReaction]) -> int:
    """Add reactions of checked emojis; -> how many were new. Records each. Raises NotFound, Forbidden, Invalid."""
    await importing(uow, workspace_id)
    new_ids = await _new_ids(uow, "reaction", workspace_id, [one.id for one in batch])
    new = [one for one in batch if one.id in new_ids]
    subjects = await _subjects(uow, workspace_id, [one.task_id for one in new])
    said = await transfer.comments_by_ids(uow, workspace_id, {one.comment_id for one in new if one.comment_id})
    added = 0
    for one in new:
        comment = None if one.comment_id is None else said.get(one.comment_id)
        if one.comment_id is not None and (comment is None or comment.task_id != one.task_id):
            raise NotFound(typed("comment", one.comment_id), "comment_id")
        row = {name: getattr(one, name) for name in _REACTION_COLUMNS}
        if await transfer.add_reaction(uow, {**row, "workspace_id": workspace_id}):
            events.reactions_changed(uow, subjects[one.task_id], comment)
            added += 1
    if new and await transfer.most_emojis(uow, {one.comment_id or one.task_id for one in new}) > MAX_EMOJIS:
        raise LimitReached(f"At most {MAX_EMOJIS} different emojis fit.", MAX_EMOJIS, "emoji")
    return added


_REACTION_COLUMNS = ("id", "task_id", "comment_id", "emoji", "user_id", "added_at")


_TASK_FIELDS = frozenset(task_fields.COLUMNS) | {ChangedField.ASSIGNEES, ChangedField.LABELS}


def checked_change(change: Change) -> Change:
    """The change, if each of its values is one that its field can have. Raises Invalid."""
    for one in change.fields:
        for value in (one.before, one.after):
            try:
                if one.field in _TASK_FIELDS:
                    task_fields.value_of(one.field, value)
            except (TypeError, ValueError, AttributeError) as error:
                raise Invalid(f"{one.field.value} was never {value!r}.", "fields") from error
            if one.field in TEXTS and not isinstance(value, str | None):
                raise Invalid(f"{one.field.value} is a text.", "fields")
            if any("\0" in part for part in (value if isinstance(value, list) else [value]) if isinstance(part, str)):
                raise Invalid("This cannot hold a zero character.", "fields")
    return change


async def import_history(uow: UnitOfWork, workspace_id: UUID, batch: Sequence[Change]) -> int:
    """Add what was changed elsewhere, that of one object in the order of its versions; -> how many were new.

    Raises NotFound, Forbidden, Invalid.
    """
    await importing(uow, workspace_id)
    new_ids = await _new_ids(uow, "change", workspace_id, [one.id for one in batch])
    new = [one for one in batch if one.id in new_ids]
    await insert_changes(uow, new)
    return len(new)
