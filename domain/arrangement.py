"""Projects, statuses and labels: making, changing and deleting what tasks are arranged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from db import projects, workspaces
from db.errors import Duplicate
from db.models import ChangedField, EventKind, FieldChange, Label, Permission, Project, Status, StatusCategory
from db.scope import Grant
from db.session import Session
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, events, fields, members, ordering, tasks
from domain.errors import ErrorCode, Invalid, LimitReached
from domain.merge import Base, Versioned, settle, values_to_store
from domain.ordering import LAST, Position
from domain.task_fields import shown

Row = TypeVar("Row", Project, Status, Label)

MAX_PROJECTS = 500
MAX_STATUSES = 50
MAX_LABELS = 500

COLUMNS: dict[ChangedField, str] = {
    ChangedField.NAME: "name",
    ChangedField.KEY: "key",
    ChangedField.DESCRIPTION: "description",
    ChangedField.COLOR: "color",
    ChangedField.CATEGORY: "category",
    ChangedField.RANK: "rank",
    ChangedField.ARCHIVED: "archived_at",
}

_EVENT_KINDS: dict[type, EventKind] = {
    Project: EventKind.PROJECT,
    Status: EventKind.STATUS,
    Label: EventKind.LABEL,
}

RULES: dict[ChangedField, tuple[str, Any]] = {
    ChangedField.NAME: ("name", fields.name),
    ChangedField.SLUG: ("slug", fields.slug),
    ChangedField.KEY: ("key", fields.key),
    ChangedField.DESCRIPTION: ("description", fields.description),
    ChangedField.COLOR: ("color", fields.color),
    ChangedField.CATEGORY: ("category", fields.required),
    ChangedField.ARCHIVED: ("archived", fields.required),
}


def checked(patch: Mapping[ChangedField, Any]) -> dict[ChangedField, Any]:
    """The values as they are stored. Raises Refusals naming every field that is wrong."""
    good = fields.checked({RULES[field][0]: (RULES[field][1], value) for field, value in patch.items()})
    return {field: good[RULES[field][0]] for field in patch}


def _record(uow: UnitOfWork, before: Any, after: Any, changes: Sequence[FieldChange] = ()) -> None:
    tell = events.project_changed if isinstance(after or before, Project) else events.shared_changed
    tell(uow, before, after, changes)


def _taken(error: Duplicate) -> Invalid:
    if error.constraint.startswith("pk_"):
        return Invalid("This id is taken.", "id", code=ErrorCode.ALREADY_EXISTS)
    path = "key" if "key" in error.constraint else "name"
    return Invalid(f"This {path} is taken in the workspace.", path, code=ErrorCode.ALREADY_EXISTS)


async def insert(uow: UnitOfWork, kind: type[Row], workspace_id: UUID, row_id: UUID, values: dict[str, Any]) -> Row:
    """A new project, status or label; -> it. `values` may have stamps of its own. Raises Invalid(ALREADY_EXISTS)."""
    stamps = {"id": row_id, "workspace_id": workspace_id, "created_at": uow.now, "updated_at": uow.now}
    try:
        row = await projects.insert_row(uow, kind, {**stamps, **values})
    except Duplicate as error:
        raise _taken(error) from error
    _record(uow, None, row)
    return row


async def rewrite(
    uow: UnitOfWork, kind: type[Row], row: Row, wanted: Mapping[ChangedField, Any], base: Base
) -> tuple[ChangedField, ...]:
    """Bring a locked row to the wanted values; -> merged fields. Raises Conflict, Invalid."""
    asked = {
        field: (shown(field, getattr(row, COLUMNS[field])), shown(field, value)) for field, value in wanted.items()
    }
    changes, merged = await settle(uow, Versioned(row.workspace_id, row.id, row.version), base, asked)
    if changes:
        values = values_to_store(wanted, changes)
        try:
            after = await projects.update_row(
                uow, kind, row.id, {COLUMNS[one.field]: values[one.field] for one in changes}, uow.now
            )
        except Duplicate as error:
            raise _taken(error) from error
        uow.remember(_EVENT_KINDS[kind], row.workspace_id, row.id, after.version, changes)
        _record(uow, row, after, changes)
    return tuple(merged)


async def room(uow: UnitOfWork, kind: type[Row], grant: Grant, limit: int, what: str) -> None:
    """Raises LimitReached where one more does not fit."""
    if await projects.count_rows(uow, kind, grant.workspace_id) >= limit:
        raise LimitReached(f"A workspace has at most {limit} {what}.", limit)


# ---- projects


async def create_project(
    uow: UnitOfWork, workspace_id: UUID, project_id: UUID, values: Mapping[ChangedField, Any]
) -> Outcome:
    """`values`: NAME, and what else is given of KEY, DESCRIPTION and COLOR. Raises NotFound, Forbidden, Refusals."""
    grant = await access.permitted(uow, workspace_id, Permission.PROJECT_ADMIN)
    given = {ChangedField.DESCRIPTION: None, ChangedField.COLOR: None, **values}
    if given.get(ChangedField.KEY) is None:
        given.pop(ChangedField.KEY, None)
    good = {COLUMNS[field]: value for field, value in checked(given).items()}
    await room(uow, Project, grant, MAX_PROJECTS, "projects")
    if "key" not in good:
        good["key"] = await free_key(uow, workspace_id, good["name"])
    await insert(uow, Project, workspace_id, project_id, good)
    return Outcome({"project": str(project_id)})


async def free_key(uow: UnitOfWork, workspace_id: UUID, name: str) -> str:
    """A key like the name that no project has; with a number if need be. One at a time in a workspace."""
    await workspaces.lock_workspace(uow, workspace_id)
    taken = await projects.project_keys(uow, workspace_id)
    key = fields.key_from(name)
    return next(one for number in count(1) if (one := key if number == 1 else f"{key}{number}") not in taken)


async def update_project(uow: UnitOfWork, project_id: UUID, patch: Mapping[ChangedField, Any], base: Base) -> Outcome:
    """`patch` may hold ARCHIVED as a boolean. A new key is for new tasks. Raises NotFound, Forbidden, Conflict..."""
    _, project = await access.administered(uow, Project, project_id)
    wanted = checked(patch)
    if ChangedField.ARCHIVED in wanted:
        wanted[ChangedField.ARCHIVED] = (project.archived_at or uow.now) if wanted[ChangedField.ARCHIVED] else None
    merged = await rewrite(uow, Project, project, wanted, base)
    return Outcome({"project": str(project_id)}, tuple(field.value for field in merged))


async def delete_project(uow: UnitOfWork, project_id: UUID, move_tasks_to: UUID | None) -> Outcome:
    """Its tasks go to another project, or to none; its guests lose it. Raises NotFound, Forbidden, Invalid."""
    grant, project = await access.administered(uow, Project, project_id)
    target = None
    if move_tasks_to == project_id:
        raise Invalid("The tasks need another project.", "moveTasksToProjectId")
    if move_tasks_to is not None:
        found = await access.pointed_at(uow, Project, grant, [move_tasks_to], "moveTasksToProjectId")
        target = found[move_tasks_to]
    await tasks.send_tasks_to_project(uow, grant.workspace_id, project_id, target)
    await members.forget_project(uow, project)
    await projects.delete_row(uow, Project, project_id)
    _record(uow, project, None)
    return Outcome({"deleted_project": str(project_id)})


# ---- statuses


async def status_rank(uow: UnitOfWork, workspace_id: UUID, position: Position, moving: Status | None = None) -> str:
    """The rank of a status that goes there. Raises Invalid."""
    others = [one for one in await projects.statuses_of(uow, workspace_id) if moving is None or one.id != moving.id]
    ranks = [one.rank for one in others]
    if position.kind in {"first", "last"}:
        index = 0 if position.kind == "first" else len(others)
    else:
        anchors = [index for index, one in enumerate(others) if one.id == position.anchor_id]
        if not anchors:
            raise Invalid("There is no such other status in this workspace.", "position", position.kind)
        index = anchors[0] + (position.kind == "after")
    low = ranks[index - 1] if index > 0 else None
    high = ranks[index] if index < len(ranks) else None
    if moving is not None and (low is None or low < moving.rank) and (high is None or moving.rank < high):
        return moving.rank
    if ordering.has_room(low, high):
        return ordering.between(low, high)
    return await _spread_statuses(uow, others, index)


async def _spread_statuses(uow: UnitOfWork, others: Sequence[Status], index: int) -> str:
    """No rank fits there: all statuses (they are few) get new ones; -> the one for `index`."""
    ranks = ordering.spread(None, None, len(others) + 1)
    rank = ranks.pop(index)
    locked = await projects.lock_rows(uow, Status, others[0].workspace_id, {one.id for one in others})
    for status, new in zip(others, ranks, strict=True):
        await rewrite(uow, Status, locked[status.id], {ChangedField.RANK: new}, Base())
    return rank


async def create_status(
    uow: UnitOfWork,
    workspace_id: UUID,
    status_id: UUID,
    values: Mapping[ChangedField, Any],
    position: Position = LAST,
) -> Outcome:
    """`values`: NAME, CATEGORY, and COLOR if given. Raises NotFound, Forbidden, Refusals, LimitReached."""
    grant = await access.permitted(uow, workspace_id, Permission.PROJECT_ADMIN)
    good = {COLUMNS[field]: value for field, value in checked({ChangedField.COLOR: None, **values}).items()}
    await room(uow, Status, grant, MAX_STATUSES, "statuses")
    good["rank"] = await status_rank(uow, workspace_id, position)
    await insert(uow, Status, workspace_id, status_id, good)
    return Outcome({"status": str(status_id)})


async def update_status(
    uow: UnitOfWork,
    status_id: UUID,
    patch: Mapping[ChangedField, Any],
    position: Position | None,
    base: Base,
) -> Outcome:
    """Another category does not touch `completedAt` of tasks: it tells when they came here.

    Raises NotFound, Forbidden, Conflict, Refusals.
    """
    grant, status = await access.administered(uow, Status, status_id)
    wanted = checked(patch)
    if position is not None:
        wanted[ChangedField.RANK] = await status_rank(uow, grant.workspace_id, position, status)
    merged = await rewrite(uow, Status, status, wanted, base)
    return Outcome({"status": str(status_id)}, tuple(field.value for field in merged))


async def delete_status(uow: UnitOfWork, status_id: UUID, move_tasks_to: UUID) -> Outcome:
    """Its tasks go to another status. Raises NotFound, Forbidden, Invalid."""
    grant, status = await access.administered(uow, Status, status_id)
    if move_tasks_to == status_id:
        raise Invalid("The tasks need another status.", "moveTasksToStatusId")
    found = await access.pointed_at(uow, Status, grant, [move_tasks_to], "moveTasksToStatusId")
    await tasks.send_tasks_to_status(uow, grant.workspace_id, status_id, found[move_tasks_to])
    await projects.delete_row(uow, Status, status_id)
    _record(uow, status, None)
    return Outcome({"deleted_status": str(status_id)})


DEFAULT_STATUSES = (
    ("Backlog", StatusCategory.BACKLOG, "#9ca3af"),
    ("To do", StatusCategory.TODO, "#6b7280"),
    ("In progress", StatusCategory.IN_PROGRESS, "#d97706"),
    ("Done", StatusCategory.DONE, "#059669"),
    ("Canceled", StatusCategory.CANCELED, "#dc2626"),
)


async def create_default_statuses(uow: UnitOfWork, workspace_id: UUID, new_id: Any) -> None:
    """What every workspace begins with. Recorded like statuses that somebody made."""
    ranks = ordering.spread(None, None, len(DEFAULT_STATUSES))
    for (name, category, color), rank in zip(DEFAULT_STATUSES, ranks, strict=True):
        values = {"name": name, "category": category.value, "color": color, "rank": rank}
        await insert(uow, Status, workspace_id, new_id(), values)


async def first_status_by_category(session: Session, workspace_id: UUID) -> dict[StatusCategory, UUID]:
    """category -> the first status of it, of those categories that have one."""
    rows = await projects.statuses_of(session, workspace_id)
    return {row.category: row.id for row in reversed(rows)}


# ---- labels


async def create_label(
    uow: UnitOfWork, workspace_id: UUID, label_id: UUID, values: Mapping[ChangedField, Any]
) -> Outcome:
    """`values`: NAME, and COLOR if given. Raises NotFound, Forbidden, Refusals, LimitReached."""
    grant = await access.permitted(uow, workspace_id, Permission.PROJECT_ADMIN)
    good = {COLUMNS[field]: value for field, value in checked({ChangedField.COLOR: None, **values}).items()}
    await room(uow, Label, grant, MAX_LABELS, "labels")
    await insert(uow, Label, workspace_id, label_id, good)
    return Outcome({"label": str(label_id)})


async def update_label(uow: UnitOfWork, label_id: UUID, patch: Mapping[ChangedField, Any], base: Base) -> Outcome:
    """Raises NotFound, Forbidden, Conflict, Refusals."""
    _, label = await access.administered(uow, Label, label_id)
    merged = await rewrite(uow, Label, label, checked(patch), base)
    return Outcome({"label": str(label_id)}, tuple(field.value for field in merged))


async def delete_label(uow: UnitOfWork, label_id: UUID) -> Outcome:
    """It comes off every task. Raises NotFound, Forbidden."""
    grant, label = await access.administered(uow, Label, label_id)
    await tasks.take_label_off(uow, grant.workspace_id, label_id)
    await projects.delete_row(uow, Label, label_id)
    _record(uow, label, None)
    return Outcome({"deleted_label": str(label_id)})
