"""Whole workspaces in SQL: read as streams for an export, written in batches by an import.

Invariant: nothing here holds more than a page of rows, however large the workspace. What is deleted is not read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid, any_, bindparam, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from db import history
from db.comments import comment_of
from db.direct import Direct
from db.models import Change, Comment, EventKind
from db.session import ReadSession, Session, WriteSession
from db.tables import (
    changes,
    comments,
    key_counters,
    reactions,
    task_assignees,
    task_labels,
    task_subscriptions,
    tasks,
    users,
)
from db.tasks import task_of

PAGE = 500
"""Rows that are read, and held, at once."""
CHANGES_PAGE = 100
"""Each may have two long texts."""

# ---- reading


async def workspace_ids_by_name(session: Session, name: str) -> list[UUID]:
    """The workspaces of this slug, or else of this name."""
    found = await session.execute(
        text(
            "SELECT id, slug = :name AS is_slug FROM workspaces WHERE deleted_at IS NULL"
            " AND (slug = :name OR lower(name) = lower(:name)) ORDER BY created_at, id"
        ),
        {"name": name},
    )
    rows = found.all()
    return [row.id for row in rows if row.is_slug] or [row.id for row in rows]


async def key_counters_of(session: Session, workspace_id: UUID) -> dict[str, int]:
    """prefix -> the last number that was given with it."""
    found = await session.execute(
        select(key_counters).where(key_counters.c.workspace_id == workspace_id).order_by(key_counters.c.prefix)
    )
    return {row.prefix: row.last_number for row in found}


_PEOPLE = text(
    """
    SELECT u.id, u.email, u.handle, u.name, m.role,
           ARRAY(SELECT project_id FROM project_guests WHERE membership_id = m.id ORDER BY project_id) AS project_ids
    FROM users u LEFT JOIN memberships m ON m.user_id = u.id AND m.workspace_id = :workspace_id
    WHERE u.deleted_at IS NULL AND (m.id IS NOT NULL OR u.id IN (
        SELECT user_id FROM task_assignees WHERE workspace_id = :workspace_id
        UNION SELECT created_by FROM tasks WHERE workspace_id = :workspace_id AND created_by_kind = 'USER'
        UNION SELECT author_id FROM comments WHERE workspace_id = :workspace_id AND author_kind = 'USER'
        UNION SELECT user_id FROM reactions WHERE workspace_id = :workspace_id
        UNION SELECT actor_id FROM changes WHERE workspace_id = :workspace_id AND actor_kind = 'USER'))
    ORDER BY u.email
    """
).bindparams(bindparam("workspace_id", type_=Uuid))


async def people_of(session: Session, workspace_id: UUID) -> list[Any]:
    """Who belongs to a workspace, or has left something in it and has an account: their rows, with role and projects.

    `role` is None for who no longer belongs.
    """
    return list(await session.execute(_PEOPLE, {"workspace_id": workspace_id}))


_INTEGRATIONS = text(
    """
    SELECT id, name FROM api_tokens WHERE workspace_id = :workspace_id AND id IN (
        SELECT created_by FROM tasks WHERE workspace_id = :workspace_id AND created_by_kind = 'INTEGRATION'
        UNION SELECT author_id FROM comments WHERE workspace_id = :workspace_id AND author_kind = 'INTEGRATION'
        UNION SELECT actor_id FROM changes WHERE workspace_id = :workspace_id AND actor_kind = 'INTEGRATION')
    ORDER BY name, id
    """
).bindparams(bindparam("workspace_id", type_=Uuid))


async def integrations_of(session: Session, workspace_id: UUID) -> list[Any]:
    """(id, name) of the API tokens that have left something in a workspace, revoked ones too."""
    return list(await session.execute(_INTEGRATIONS, {"workspace_id": workspace_id}))


_TASKS = Direct(
    text(
        """
        WITH RECURSIVE tree AS (
            SELECT t.id, 0 AS depth, CAST(NULL AS uuid) AS above FROM tasks t
            LEFT JOIN tasks p ON p.id = t.parent_id
            WHERE t.workspace_id = :workspace_id AND t.deleted_at IS NULL AND (p.id IS NULL OR p.deleted_at IS NOT NULL)
            UNION ALL
            SELECT t.id, tree.depth + 1, tree.id FROM tasks t JOIN tree ON t.parent_id = tree.id
            WHERE t.workspace_id = :workspace_id AND t.deleted_at IS NULL
        )
        SELECT t.id, t.version, t.created_at, t.updated_at, t.workspace_id, t.key, t.project_id,
               tree.above AS parent_id, t.title, t.description, t.status_id, t.priority, t.start_date, t.due_date,
               t.estimate, t.rank, t.created_by_kind, t.created_by, t.completed_at, t.archived_at, t.deleted_at,
               ARRAY(SELECT user_id FROM task_assignees WHERE task_id = t.id ORDER BY added_at, user_id)
                   AS assignee_ids,
               ARRAY(SELECT label_id FROM task_labels WHERE task_id = t.id ORDER BY added_at, label_id) AS label_ids,
               ARRAY(SELECT key FROM task_keys WHERE task_id = t.id AND key <> t.key ORDER BY key) AS old_keys,
               ARRAY(SELECT user_id FROM task_subscriptions WHERE task_id = t.id AND is_subscribed
                     ORDER BY since, user_id) AS followers,
               ARRAY(SELECT user_id FROM task_subscriptions WHERE task_id = t.id AND is_muted ORDER BY user_id)
                   AS muted_by,
               parents.key AS parent_key
        FROM tree JOIN tasks t ON t.id = tree.id LEFT JOIN tasks parents ON parents.id = tree.above
        ORDER BY tree.depth, t.id
        """
    ).bindparams(bindparam("workspace_id", type_=Uuid))
)


async def all_tasks(session: ReadSession, workspace_id: UUID) -> AsyncIterator[tuple[Any, Any]]:
    """(task, row) of every task, those above before those below; the row has what else belongs to it: `old_keys`,
    `followers`, `muted_by`, `parent_key`. A task whose parent is deleted has none.
    """
    async for page in session.stream(_TASKS, {"workspace_id": workspace_id}, PAGE):
        for row in page:
            yield task_of(row), row


_COMMENTS = Direct(
    text(
        "SELECT c.*, p.id AS root_id FROM comments c JOIN tasks t ON t.id = c.task_id AND t.deleted_at IS NULL"
        " LEFT JOIN comments p ON p.id = c.parent_id AND p.deleted_at IS NULL"
        " WHERE c.workspace_id = :workspace_id AND c.deleted_at IS NULL"
        " ORDER BY p.id IS NOT NULL, c.id"
    ).bindparams(bindparam("workspace_id", type_=Uuid))
)


async def all_comments(session: ReadSession, workspace_id: UUID) -> AsyncIterator[tuple[Comment, UUID | None]]:
    """(comment, the first one of its thread if that is there) of every comment, first ones before replies."""
    async for page in session.stream(_COMMENTS, {"workspace_id": workspace_id}, PAGE):
        for row in page:
            yield comment_of(row), row.root_id


_REACTIONS = Direct(
    text(
        "SELECT r.* FROM reactions r JOIN tasks t ON t.id = r.task_id AND t.deleted_at IS NULL"
        " LEFT JOIN comments c ON c.id = r.comment_id"
        " WHERE r.workspace_id = :workspace_id AND c.deleted_at IS NULL ORDER BY r.id"
    ).bindparams(bindparam("workspace_id", type_=Uuid))
)


async def all_reactions(session: ReadSession, workspace_id: UUID) -> AsyncIterator[Any]:
    """The row of every reaction."""
    async for page in session.stream(_REACTIONS, {"workspace_id": workspace_id}, PAGE):
        for row in page:
            yield row


HISTORIED = (EventKind.TASK, EventKind.COMMENT, EventKind.PROJECT, EventKind.STATUS, EventKind.LABEL)
"""Of these the history goes along. The workspace's own, and who was let in by what invite or token, is the audit of one
server: an import may go into another workspace.
"""

_CHANGES = Direct(
    text(
        "SELECT h.* FROM changes h WHERE h.workspace_id = :workspace_id AND h.kind = ANY (:kinds) AND ("
        " EXISTS (SELECT FROM tasks t WHERE t.id = h.entity_id AND t.deleted_at IS NULL)"
        " OR EXISTS (SELECT FROM comments c JOIN tasks t ON t.id = c.task_id"
        "  WHERE c.id = h.entity_id AND c.deleted_at IS NULL AND t.deleted_at IS NULL)"
        " OR EXISTS (SELECT FROM projects WHERE id = h.entity_id)"
        " OR EXISTS (SELECT FROM statuses WHERE id = h.entity_id)"
        " OR EXISTS (SELECT FROM labels WHERE id = h.entity_id))"
        " ORDER BY h.entity_id, h.version, h.id"
    ).bindparams(bindparam("workspace_id", type_=Uuid), bindparam("kinds", type_=ARRAY(changes.c.kind.type)))
)


async def all_changes(session: ReadSession, workspace_id: UUID) -> AsyncIterator[Change]:
    """The history of all that is exported, with whole texts; that of one object in the order of its versions."""
    parameters = {"workspace_id": workspace_id, "kinds": [kind.value for kind in HISTORIED]}
    async for page in session.stream(_CHANGES, parameters, CHANGES_PAGE):
        for change in await history.whole(session, page):
            yield change


# ---- writing

_TABLES: dict[str, Table] = {"task": tasks, "comment": comments, "reaction": reactions, "change": changes}


async def owners_of_ids(session: Session, kind: str, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """ids of tasks, comments, reactions or changes -> the workspaces of those that are there, deleted ones too."""
    table = _TABLES[kind]
    found = await session.execute(
        select(table.c.id, table.c.workspace_id).where(table.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))),
        {"ids": list(ids)},
    )
    return {row.id: row.workspace_id for row in found}


_INSERT = {
    kind: Direct(insert(_TABLES[kind]), [column.name for column in _TABLES[kind].c if column.computed is None])
    for kind in ("task", "comment")
}


async def insert_rows(session: WriteSession, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert tasks or comments: each row has all of the table's columns. Raises Duplicate."""
    await session.write_each(_INSERT[kind], rows)


_ADD_MEMBER = {
    "assignees": Direct(insert(task_assignees)),
    "labels": Direct(insert(task_labels)),
}
_ADD_SUBSCRIPTION = Direct(insert(task_subscriptions))


async def insert_members(
    session: WriteSession, table: str, workspace_id: UUID, sets: Mapping[UUID, Sequence[UUID]], at: datetime
) -> None:
    """Fill the sets of new tasks, `assignees` or `labels`, in their order."""
    member = "user_id" if table == "assignees" else "label_id"
    rows = [
        {
            "workspace_id": workspace_id,
            "task_id": task_id,
            member: one,
            "added_at": at + timedelta(microseconds=place),
        }
        for task_id, members in sets.items()
        for place, one in enumerate(members)
    ]
    await session.write_each(_ADD_MEMBER[table], rows)


async def insert_subscriptions(
    session: WriteSession,
    workspace_id: UUID,
    said: Mapping[UUID, tuple[Sequence[UUID], Sequence[UUID]]],
    at: datetime,
) -> None:
    """new tasks -> (who follows, who wants to hear nothing)."""
    rows = [
        {
            "workspace_id": workspace_id,
            "task_id": task_id,
            "user_id": one,
            "is_subscribed": one in followers,
            "is_muted": one in muted,
            "since": at + timedelta(microseconds=place),
        }
        for task_id, (followers, muted) in said.items()
        for place, one in enumerate(dict.fromkeys([*followers, *muted]))
    ]
    await session.write_each(_ADD_SUBSCRIPTION, rows)


async def roots(session: Session, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """ids of comments -> the tasks of those that are there and begin a thread."""
    found = await session.execute(
        select(comments.c.id, comments.c.task_id).where(
            comments.c.workspace_id == workspace_id, comments.c.id.in_(list(ids)), comments.c.parent_id.is_(None)
        )
    )
    return {row.id: row.task_id for row in found}


async def comments_by_ids(session: Session, workspace_id: UUID, ids: Collection[UUID]) -> dict[UUID, Comment]:
    """ids -> the comments of those that are there, deleted ones too."""
    found = await session.execute(
        select(comments).where(comments.c.workspace_id == workspace_id, comments.c.id.in_(list(ids)))
    )
    return {row.id: comment_of(row) for row in found}


_ADD_REACTION = Direct(
    upsert(reactions).on_conflict_do_nothing().returning(reactions.c.id),
    ["id", "workspace_id", "task_id", "comment_id", "emoji", "user_id", "added_at"],
)


async def add_reaction(session: Session, row: Mapping[str, Any]) -> bool:
    """Whether a reaction is new. `row` has the table's columns."""
    return bool(await session.fetch(_ADD_REACTION, row))


async def raise_counters(session: Session, workspace_id: UUID, numbers: Mapping[str, int]) -> None:
    """No key of these prefixes up to these numbers is given any more."""
    if not numbers:
        return
    row = upsert(key_counters)
    # In one order always, so that two imports do not wait for each other.
    values = [
        {"workspace_id": workspace_id, "prefix": prefix, "last_number": numbers[prefix]} for prefix in sorted(numbers)
    ]
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["workspace_id", "prefix"],
            set_={"last_number": row.excluded.last_number},
            where=key_counters.c.last_number < row.excluded.last_number,
        ),
        values,
    )


async def tasks_by_keys(session: Session, workspace_id: UUID, keys: Sequence[str]) -> dict[str, UUID]:
    """keys -> the tasks to which they lead."""
    found = await session.execute(
        text(
            "SELECT key, task_id FROM task_keys"
            " WHERE workspace_id = :workspace_id AND key = ANY (CAST(:keys AS text[]))"
        ).bindparams(bindparam("workspace_id", type_=Uuid)),
        {"workspace_id": workspace_id, "keys": list(keys)},
    )
    return {row.key: row.task_id for row in found}


async def last_rank(session: Session, workspace_id: UUID) -> str | None:
    """The rank of the last task of a workspace."""
    found = await session.execute(
        select(tasks.c.rank)
        .where(tasks.c.workspace_id == workspace_id, tasks.c.deleted_at.is_(None))
        .order_by(tasks.c.rank.desc(), tasks.c.id.desc())
        .limit(1)
    )
    return found.scalar_one_or_none()


async def has_tasks(session: Session, workspace_id: UUID) -> bool:
    """Whether a workspace has tasks, or had some."""
    found = await session.execute(select(select(tasks.c.id).where(tasks.c.workspace_id == workspace_id).exists()))
    return bool(found.scalar_one())


async def most_emojis(session: Session, subject_ids: Collection[UUID]) -> int:
    """The most different emojis that one of these tasks and comments has."""
    counts = (
        select(func.count(func.distinct(reactions.c.emoji)).label("how_many"))
        .where(reactions.c.subject_id.in_(list(subject_ids)))
        .group_by(reactions.c.subject_id)
        .subquery()
    )
    return int((await session.execute(select(func.coalesce(func.max(counts.c.how_many), 0)))).scalar_one())


async def user_ids_by_emails(session: Session, emails: Collection[str]) -> dict[str, UUID]:
    """Addresses as they are stored -> the accounts of those who have one."""
    found = await session.execute(
        select(users.c.email, users.c.id).where(users.c.email.in_(list(emails)), users.c.deleted_at.is_(None))
    )
    return {row.email: row.id for row in found}


async def workspace_is_there(session: Session, workspace_id: UUID) -> bool | None:
    """Whether a workspace of this id is there; None if it was deleted."""
    found = await session.execute(
        text("SELECT deleted_at IS NULL AS is_live FROM workspaces WHERE id = :which").bindparams(
            bindparam("which", type_=Uuid)
        ),
        {"which": workspace_id},
    )
    row = found.first()
    if row is None:
        return False
    return True if row.is_live else None


async def is_slug_taken(session: Session, slug: str) -> bool:
    found = await session.execute(
        text("SELECT EXISTS (SELECT FROM workspaces WHERE slug = :slug AND deleted_at IS NULL) AS is_taken"),
        {"slug": slug},
    )
    return bool(found.scalar_one())
