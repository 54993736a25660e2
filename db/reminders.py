"""Which due dates people are to be told of, and who was told of which: a row for each, so that nobody is twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import orjson
from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert as upsert

from db.models import NotificationKind
from db.session import Session
from db.tables import reminders


@dataclass(frozen=True, slots=True)
class Window:
    """Where the clocks of `time_zone` show what they show now, these due dates are to be told of: from one to another,
    both included."""

    time_zone: str
    soon: tuple[date, date]
    late: tuple[date, date]


@dataclass(frozen=True, slots=True)
class Due:
    """A task whose assignees are to be told of its due date."""

    workspace_id: UUID
    task_id: UUID
    kind: NotificationKind
    due_date: date
    user_ids: tuple[UUID, ...]


async def due_tasks(session: Session, windows: Sequence[Window], limit: int) -> list[Due]:
    """Tasks of which somebody is to be told now and was not yet, the earliest due dates first; at most `limit`."""
    rows = [
        {
            "time_zone": one.time_zone,
            "soon_from": one.soon[0],
            "soon_to": one.soon[1],
            "late_from": one.late[0],
            "late_to": one.late[1],
        }
        for one in windows
    ]
    found = await session.execute(
        text(
            "WITH windows AS (SELECT * FROM jsonb_to_recordset(CAST(:windows AS jsonb)) AS"
            "  w(time_zone text, soon_from date, soon_to date, late_from date, late_to date)),"
            " near AS (SELECT t.id, t.workspace_id, t.due_date FROM tasks t"
            "  JOIN statuses s ON s.id = t.status_id AND s.category NOT IN ('DONE', 'CANCELED')"
            "  JOIN workspaces w ON w.id = t.workspace_id AND w.deleted_at IS NULL"
            "  LEFT JOIN projects p ON p.id = t.project_id"
            "  WHERE t.deleted_at IS NULL AND t.archived_at IS NULL AND p.archived_at IS NULL"
            "  AND t.due_date BETWEEN CAST(:first AS date) AND CAST(:last AS date)),"
            " told AS (SELECT n.*, a.user_id,"
            "  CASE WHEN n.due_date BETWEEN w.late_from AND w.late_to THEN 'OVERDUE'"
            "   WHEN n.due_date BETWEEN w.soon_from AND w.soon_to THEN 'DUE_SOON' END AS kind"
            "  FROM near n JOIN task_assignees a ON a.task_id = n.id JOIN users u ON u.id = a.user_id"
            "  JOIN windows w ON w.time_zone = u.time_zone WHERE u.deleted_at IS NULL)"
            " SELECT workspace_id, id AS task_id, kind, due_date, array_agg(user_id ORDER BY user_id) AS user_ids"
            " FROM told WHERE kind IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reminders r WHERE r.task_id = told.id"
            "  AND r.user_id = told.user_id AND r.kind = told.kind AND r.due_date = told.due_date)"
            " GROUP BY workspace_id, id, kind, due_date ORDER BY due_date, id, kind LIMIT :limit"
        ),
        {
            "windows": orjson.dumps(rows).decode(),
            "first": min(one.late[0] for one in windows),
            "last": max(one.soon[1] for one in windows),
            "limit": limit,
        },
    )
    return [
        Due(row.workspace_id, row.task_id, NotificationKind(row.kind), row.due_date, tuple(row.user_ids))
        for row in found
    ]


async def claim_reminders(session: Session, due: Due, user_ids: Collection[UUID]) -> list[UUID]:
    """Note that these are told of a due date; -> those of them who were not before."""
    if not user_ids:
        return []
    rows = [
        {
            "workspace_id": due.workspace_id,
            "task_id": due.task_id,
            "user_id": one,
            "kind": due.kind.value,
            "due_date": due.due_date,
        }
        for one in sorted(user_ids)
    ]
    claimed = await session.execute(
        upsert(reminders).values(rows).on_conflict_do_nothing().returning(reminders.c.user_id)
    )
    return sorted(row.user_id for row in claimed)


async def forget_unread(session: Session, task_id: UUID, user_ids: Collection[UUID] | None = None) -> None:
    """Who has not read what they were told of this task's due dates is told again, should there be cause again.

    `user_ids`: only these.
    """
    await session.execute(
        text(
            "DELETE FROM reminders r USING notifications n WHERE r.task_id = :task_id AND n.task_id = r.task_id"
            " AND n.user_id = r.user_id AND n.kind = r.kind AND n.read_at IS NULL AND n.withdrawn_at IS NULL"
            " AND (CAST(:user_ids AS uuid[]) IS NULL OR n.user_id = ANY(CAST(:user_ids AS uuid[])))"
        ),
        {"task_id": task_id, "user_ids": None if user_ids is None else list(user_ids)},
    )


async def delete_old_reminders(session: Session, before: date) -> None:
    """Retention: forget who was told of due dates that are long past."""
    await session.execute(delete(reminders).where(reminders.c.due_date < before))
