"""Notifications that wait for a mail, and what a mail of them has to know. `db.mails` queues them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from db.ids import new_id
from db.session import Session


@dataclass(frozen=True, slots=True)
class Waiting:
    """One person's notifications of one workspace that are not in a mail yet, and when the person wants mail."""

    user_id: UUID
    workspace_id: UUID
    first_at: datetime
    time_zone: str
    digest: str
    quiet_from: str | None
    quiet_to: str | None


async def drop_of_strangers(session: Session) -> None:
    """Who does not belong to a workspace gets no mail of it; an invited person has the invitation."""
    await session.execute(
        text(
            "DELETE FROM notification_mails n WHERE n.mail_id IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM memberships m WHERE m.user_id = n.user_id AND m.workspace_id = n.workspace_id)"
        )
    )


async def waiting_mails(session: Session) -> list[Waiting]:
    """All that wait, by person and workspace."""
    found = await session.execute(
        text(
            "SELECT n.user_id, n.workspace_id, min(n.created_at) AS first_at, u.time_zone,"
            " coalesce(s.digest, 'NONE') AS digest, s.quiet_from, s.quiet_to"
            " FROM notification_mails n JOIN users u ON u.id = n.user_id"
            " JOIN memberships m ON m.user_id = n.user_id AND m.workspace_id = n.workspace_id"
            " LEFT JOIN notification_settings s ON s.membership_id = m.id WHERE n.mail_id IS NULL"
            " GROUP BY n.user_id, n.workspace_id, u.time_zone, s.digest, s.quiet_from, s.quiet_to"
        )
    )
    return [Waiting(**row._mapping) for row in found]


async def put_into_mail(session: Session, waiting: Waiting, at: datetime) -> None:
    """Everything that waits for this person and workspace goes into one mail; one statement, so all or nothing."""
    mail_id = new_id()
    await session.execute(
        text(
            "WITH waiting AS (SELECT notification_id, cause_id FROM notification_mails"
            "  WHERE user_id = :user_id AND workspace_id = :workspace_id AND mail_id IS NULL FOR UPDATE SKIP LOCKED),"
            " made AS (INSERT INTO mails (id, cause, kind, user_id, workspace_id, data, created_at, due_at)"
            "  SELECT :mail_id, :cause, 'NOTIFICATIONS', :user_id, :workspace_id, '{}', :at, :at"
            "  WHERE EXISTS (SELECT 1 FROM waiting) RETURNING id)"
            " UPDATE notification_mails n SET mail_id = made.id FROM made, waiting w"
            " WHERE n.notification_id = w.notification_id AND n.cause_id = w.cause_id"
        ),
        {
            "mail_id": mail_id,
            "cause": f"notifications:{mail_id}",
            "user_id": waiting.user_id,
            "workspace_id": waiting.workspace_id,
            "at": at,
        },
    )


async def contents(session: Session, mail_id: UUID) -> list[Mapping[str, Any]]:
    """What a mail tells: not withdrawn, not read, of tasks that are there; the oldest first."""
    found = await session.execute(
        text(
            "SELECT DISTINCT n.id, n.kind, n.created_at, n.group_count, coalesce(a.name, p.name) AS actor,"
            " t.id AS task_id, t.project_id, t.key, t.title, c.body"
            " FROM notification_mails w JOIN notifications n ON n.id = w.notification_id AND n.user_id = w.user_id"
            " JOIN tasks t ON t.id = n.task_id AND t.deleted_at IS NULL LEFT JOIN users a ON a.id = n.actor_id"
            " LEFT JOIN api_tokens p ON p.id = n.actor_id AND p.workspace_id = n.workspace_id"
            " LEFT JOIN comments c ON c.id = n.comment_id AND c.deleted_at IS NULL"
            " WHERE w.mail_id = :mail_id AND n.withdrawn_at IS NULL AND n.read_at IS NULL ORDER BY n.created_at, n.id"
        ),
        {"mail_id": mail_id},
    )
    return [dict(row._mapping) for row in found]


async def stop_mail(session: Session, user_id: UUID, workspace_id: UUID, kinds: list[str]) -> None:
    """No mail about these kinds any more, in the workspace and whatever narrower scope says otherwise."""
    values = {"user_id": user_id, "workspace_id": workspace_id, "kinds": kinds}
    await session.execute(
        text(
            "WITH mine AS (SELECT id, workspace_id FROM memberships"
            "  WHERE user_id = :user_id AND workspace_id = :workspace_id),"
            " narrower AS (UPDATE notification_rules r SET channels = array_remove(r.channels, 'EMAIL') FROM mine"
            "  WHERE r.membership_id = mine.id AND r.scope_id <> mine.workspace_id AND r.kind = ANY(:kinds))"
            " INSERT INTO notification_rules (membership_id, workspace_id, kind, channels)"
            " SELECT mine.id, mine.workspace_id, k, ARRAY['IN_APP'] FROM mine, unnest(CAST(:kinds AS text[])) AS k"
            " ON CONFLICT (membership_id, scope_id, kind)"
            " DO UPDATE SET channels = array_remove(notification_rules.channels, 'EMAIL')"
        ),
        values,
    )
    await session.execute(
        text(
            "DELETE FROM notification_mails w USING notifications n WHERE n.id = w.notification_id"
            " AND w.mail_id IS NULL AND w.user_id = :user_id AND w.workspace_id = :workspace_id"
            " AND n.kind = ANY(:kinds)"
        ),
        values,
    )
