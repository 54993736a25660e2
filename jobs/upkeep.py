"""What keeps the database in shape: room for tomorrow's events, and an end to what has been kept long enough.

Each step is safe to run again and to be cut off; nothing here needs the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from db import accounts, mails, notifications, reminders, retention, webhook_queue, workspaces
from db.session import Database, Session
from domain.reminders import forgotten_before

SESSIONS_KEPT = timedelta(days=30)
"""After their end, so that a refresh token that comes back late is still known for a stolen one."""
ATTEMPTS_KEPT = timedelta(days=1)
MAILS_KEPT = timedelta(days=7)
"""After they were sent or given up; what they were for causes no second one by then."""
NOTIFICATIONS_KEPT = timedelta(days=90)
"""After they were read."""
WITHDRAWN_KEPT = timedelta(days=8)
"""Longer than a weekly digest waits."""
DELIVERIES_KEPT = timedelta(days=7)
"""After they were last sent."""
PERSONAL_WORKSPACES_KEPT = timedelta(days=8)
"""After the end of their person, longer than their log lives; then all that was in them goes."""


async def make_room(database: Database, at: datetime) -> None:
    """Partitions of the log for the days to come. Raises Busy while somebody reads the log for long."""
    present = await database.alone(retention.partition_days)
    for ahead in range(1, retention.DAYS_AHEAD + 1):
        day = (at + timedelta(days=ahead)).date()
        if day not in present:
            async with database.transaction() as session:
                await retention.create_partition(session, day)


async def prune_log(database: Database, at: datetime) -> None:
    """Events older than a week go, floors first. Raises Busy while somebody reads the log for long."""
    before = (at - retention.EVENTS_KEPT).replace(hour=0, minute=0, second=0, microsecond=0)
    days = await database.alone(retention.partition_days)
    old = [day for day in days if day < before.date()]
    for day in [None, *old]:
        for step in (retention.raise_floors, retention.drop_events):
            async with database.transaction() as session:
                await step(session, day, before)
    await database.alone(retention.cap_logs)


async def forget(database: Database, at: datetime) -> None:
    """What no longer matters: what has ended, and what erased people had alone."""
    steps: list[Callable[[Session], Awaitable[None]]] = [
        lambda session: retention.forget_idempotency_keys(session, at - retention.IDEMPOTENCY_KEPT),
        lambda session: accounts.delete_ended_sessions(session, at - SESSIONS_KEPT),
        lambda session: accounts.delete_old_attempts(session, at - ATTEMPTS_KEPT),
        lambda session: mails.delete_ended_mails(session, at - MAILS_KEPT),
        lambda session: mails.delete_expired_account_tokens(session, at),
        lambda session: reminders.delete_old_reminders(session, forgotten_before(at)),
        lambda session: notifications.delete_old_notifications(session, at - NOTIFICATIONS_KEPT, at - WITHDRAWN_KEPT),
        lambda session: webhook_queue.delete_old_deliveries(session, at - DELIVERIES_KEPT),
        lambda session: workspaces.delete_ended_personal_workspaces(session, at - PERSONAL_WORKSPACES_KEPT),
    ]
    for step in steps:
        await database.alone(step)
