"""Projects, statuses and labels: what tasks are arranged by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Table, delete, func, insert, select, update

from db import pages
from db.models import Label, Project, Status, StatusCategory
from db.pages import Page, PageRequest, SortKey
from db.scope import Scope, in_workspaces, visible
from db.session import Session
from db.tables import labels, projects, statuses

Row = TypeVar("Row", Project, Status, Label)


def _project(row: Any) -> Project:
    return Project(**{column.name: getattr(row, column.name) for column in projects.c})


def _status(row: Any) -> Status:
    stored = {column.name: getattr(row, column.name) for column in statuses.c}
    return Status(**{**stored, "category": StatusCategory(row.category)})


def _label(row: Any) -> Label:
    return Label(**{column.name: getattr(row, column.name) for column in labels.c})


_KINDS: dict[type, tuple[Table, Any]] = {
    Project: (projects, _project),
    Status: (statuses, _status),
    Label: (labels, _label),
}


async def rows_by_ids(session: Session, kind: type[Row], scope: Scope, ids: Collection[UUID]) -> dict[UUID, Row]:
    """ids -> the projects, statuses or labels of those that the scope sees."""
    table, from_row = _KINDS[kind]
    seen = visible(table, scope) if kind is Project else in_workspaces(table, scope)
    found = await session.execute(select(table).where(table.c.id.in_(list(ids)), seen))
    return {row.id: from_row(row) for row in found}


async def workspace_id_of(session: Session, kind: type[Row], row_id: UUID) -> UUID | None:
    """Where a row lives; a door decides who may know it."""
    table, _ = _KINDS[kind]
    found = await session.execute(select(table.c.workspace_id).where(table.c.id == row_id))
    return found.scalar_one_or_none()


async def lock_rows(
    session: Session, kind: type[Row], workspace_id: UUID, ids: Collection[UUID], *, for_share: bool = False
) -> dict[UUID, Row]:
    """Lock rows of one workspace to the end of the transaction, in the order of their ids.

    `for_share`: only keep them from changing, as something else is about to point at them.
    """
    table, from_row = _KINDS[kind]
    query = (
        select(table).where(table.c.workspace_id == workspace_id, table.c.id.in_(sorted(set(ids)))).order_by(table.c.id)
    )
    query = query.with_for_update(read=True, key_share=True) if for_share else query.with_for_update()
    return {row.id: from_row(row) for row in await session.execute(query)}


async def insert_row(session: Session, kind: type[Row], values: Mapping[str, Any]) -> Row:
    """Insert one row; -> it. Raises Duplicate when its id, key or name is taken."""
    table, from_row = _KINDS[kind]
    found = await session.execute(insert(table).values(**values).returning(table))
    row: Row = from_row(found.one())
    return row


async def all_rows(session: Session, kind: type[Row], workspace_id: UUID) -> list[Row]:
    """Every project, status or label of a workspace, the oldest first, archived ones too."""
    table, from_row = _KINDS[kind]
    query = select(table).where(table.c.workspace_id == workspace_id).order_by(table.c.created_at, table.c.id)
    return [from_row(row) for row in await session.execute(query)]


async def update_row(
    session: Session, kind: type[Row], row_id: UUID, values: Mapping[str, Any], updated_at: datetime
) -> Row:
    """Set columns and raise the version; -> the row after it. Raises Duplicate when a key or name is taken."""
    table, from_row = _KINDS[kind]
    found = await session.execute(
        update(table)
        .where(table.c.id == row_id)
        .values(**values, version=table.c.version + 1, updated_at=updated_at)
        .returning(table)
    )
    row: Row = from_row(found.one())
    return row


async def delete_row(session: Session, kind: type[Row], row_id: UUID) -> None:
    """Delete a row that nothing points at any more."""
    table, _ = _KINDS[kind]
    await session.execute(delete(table).where(table.c.id == row_id))


async def count_rows(session: Session, kind: type[Row], workspace_id: UUID) -> int:
    table, _ = _KINDS[kind]
    found = await session.execute(select(func.count()).select_from(table).where(table.c.workspace_id == workspace_id))
    return int(found.scalar_one())


async def project_keys(session: Session, workspace_id: UUID) -> set[str]:
    """The keys that the projects of a workspace have."""
    found = await session.execute(select(projects.c.key).where(projects.c.workspace_id == workspace_id))
    return set(found.scalars())


async def statuses_by_workspace_ids(
    session: Session, scope: Scope, workspace_ids: Collection[UUID]
) -> dict[UUID, list[Status]]:
    """Every status of each workspace, in their order."""
    found = await session.execute(
        select(statuses)
        .where(statuses.c.workspace_id.in_(list(workspace_ids)), in_workspaces(statuses, scope))
        .order_by(statuses.c.rank, statuses.c.id)
    )
    grouped: dict[UUID, list[Status]] = {one: [] for one in workspace_ids}
    for row in found:
        grouped[row.workspace_id].append(_status(row))
    return grouped


async def statuses_of(session: Session, workspace_id: UUID) -> list[Status]:
    """Every status of a workspace, in their order."""
    found = await session.execute(
        select(statuses).where(statuses.c.workspace_id == workspace_id).order_by(statuses.c.rank, statuses.c.id)
    )
    return [_status(row) for row in found]


async def labels_by_workspace_ids(
    session: Session, scope: Scope, workspace_ids: Collection[UUID]
) -> dict[UUID, list[Label]]:
    """Every label of each workspace, by name."""
    found = await session.execute(
        select(labels)
        .where(labels.c.workspace_id.in_(list(workspace_ids)), in_workspaces(labels, scope))
        .order_by(func.lower(labels.c.name), labels.c.id)
    )
    grouped: dict[UUID, list[Label]] = {one: [] for one in workspace_ids}
    for row in found:
        grouped[row.workspace_id].append(_label(row))
    return grouped


_KEYS = [SortKey("created_at", projects.c.created_at, pages.instant), SortKey("id", projects.c.id, UUID)]


async def project_pages(
    session: Session, scope: Scope, workspace_ids: Sequence[UUID], include_archived: bool, request: PageRequest
) -> dict[UUID, Page[Project]]:
    """The same page of projects of each workspace, the oldest first. Raises BadCursor."""
    query = select(projects).where(visible(projects, scope))
    if not include_archived:
        query = query.where(projects.c.archived_at.is_(None))
    return await pages.read_pages(session, query, projects.c.workspace_id, workspace_ids, _KEYS, request, _project)
