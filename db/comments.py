"""Comments in SQL: rows by id, the page of a task, writing. Deleted ones are kept, and gone for everybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, any_, bindparam, insert, or_, select, update

from db import pages
from db.direct import Direct
from db.models import ActorKind, ActorRef, Comment
from db.pages import Page, PageRequest, SortKey
from db.scope import Scope, sight_of, visible, visible_by_parameters
from db.session import Session
from db.tables import comments, tasks

_columns = [column for column in comments.c if column.name != "search"]


def comment_of(row: Any) -> Comment:
    """A row of `live_comments`."""
    return Comment(
        id=row.id,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        workspace_id=row.workspace_id,
        task_id=row.task_id,
        parent_id=row.parent_id,
        author=ActorRef(ActorKind(row.author_kind), row.author_id),
        body=row.body,
        resolved_at=row.resolved_at,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
    )


def live_comments(scope: Scope) -> Select[Any]:
    """The comments that somebody may see: those of the tasks that they may see."""
    return (
        select(*_columns)
        .join(tasks, tasks.c.id == comments.c.task_id)
        .where(visible(tasks, scope), tasks.c.deleted_at.is_(None), comments.c.deleted_at.is_(None))
    )


async def comments_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Comment]:
    """ids -> the comments of those that the scope sees."""
    found = await session.fetch(_SEEN, {"ids": list(ids), **sight_of(scope)})
    return {row.id: comment_of(row) for row in found}


_SEEN = Direct(
    select(*_columns)
    .join(tasks, tasks.c.id == comments.c.task_id)
    .where(
        comments.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        visible_by_parameters(tasks),
        tasks.c.deleted_at.is_(None),
        comments.c.deleted_at.is_(None),
    )
)


_KEYS = [
    SortKey("created_at", comments.c.created_at, pages.instant),
    SortKey("id", comments.c.id, UUID),
]


async def comment_pages(
    session: Session, scope: Scope, task_ids: Sequence[UUID], request: PageRequest
) -> dict[UUID, Page[Comment]]:
    """The same page of comments of each task, the oldest first. Raises BadCursor."""
    return await pages.read_pages(
        session, live_comments(scope), comments.c.task_id, task_ids, _KEYS, request, comment_of
    )


async def comment_counts_by_task_ids(session: Session, scope: Scope, task_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """How many comments each task has; every task has an entry."""
    return await pages.count_by_parents(session, live_comments(scope), comments.c.task_id, task_ids)


# ---- for a change


async def place_of_comment(session: Session, comment_id: UUID) -> tuple[UUID, UUID] | None:
    """(workspace, task) of a comment, deleted or not, without asking who asks; a door decides."""
    found = await session.execute(
        select(comments.c.workspace_id, comments.c.task_id).where(comments.c.id == comment_id)
    )
    row = found.first()
    return None if row is None else (row.workspace_id, row.task_id)


async def lock_comments(session: Session, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, Comment]:
    """Lock comments to the end of the transaction, in the order of their ids, and read them. Deleted ones too."""
    found = await session.execute(
        select(*_columns)
        .where(comments.c.workspace_id == workspace_id, comments.c.id.in_(sorted(set(ids))))
        .order_by(comments.c.id)
        .with_for_update(key_share=True)
    )
    return {row.id: comment_of(row) for row in found}


async def insert_comment(session: Session, row: Mapping[str, Any]) -> Comment:
    """Raises Duplicate when the id is taken."""
    found = await session.execute(insert(comments).values(**row).returning(*_columns))
    return comment_of(found.one())


async def update_comment(
    session: Session, comment_id: UUID, values: Mapping[str, Any], updated_at: datetime
) -> Comment:
    """Set columns and raise the version; -> the row after it."""
    found = await session.execute(
        update(comments)
        .where(comments.c.id == comment_id)
        .values(**values, version=comments.c.version + 1, updated_at=updated_at)
        .returning(*_columns)
    )
    return comment_of(found.one())


async def authors_in_thread(session: Session, workspace_id: UUID, root_id: UUID) -> list[UUID]:
    """The people who wrote in a thread, its first comment included; what was deleted does not count."""
    found = await session.execute(
        select(comments.c.author_id)
        .where(
            comments.c.workspace_id == workspace_id,
            or_(comments.c.id == root_id, comments.c.parent_id == root_id),
            comments.c.author_kind == ActorKind.USER.value,
            comments.c.deleted_at.is_(None),
        )
        .distinct()
    )
    return list(found.scalars())
