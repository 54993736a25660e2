"""When people get their notifications by mail: at once, in digests, and never in their quiet hours."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from db import notification_mails
from db.notification_mails import Waiting
from db.session import Database

AT_ONCE = timedelta(minutes=1)
"""What follows within it goes into the same mail, and what is taken back within it into none."""
MORNING = time(8)


async def put_into_mails(database: Database, at: datetime) -> None:
    """What is due becomes mails of the outbox, one for each person and workspace."""
    await database.alone(notification_mails.drop_of_strangers)
    for waiting in await database.alone(notification_mails.waiting_mails):
        if is_due(waiting, at):
            await database.alone(
                lambda session, waiting=waiting: notification_mails.put_into_mail(session, waiting, at)  # type: ignore[misc]
            )


def is_due(waiting: Waiting, at: datetime) -> bool:
    """Whether the oldest has waited as long as the person wants, and now is no quiet hour of theirs."""
    zone = ZoneInfo(waiting.time_zone)
    return due_at(waiting, zone) <= at and not _is_quiet(waiting, at.astimezone(zone).strftime("%H:%M"))


def due_at(waiting: Waiting, zone: ZoneInfo) -> datetime:
    """When the oldest should go, quiet hours aside."""
    local = waiting.first_at.astimezone(zone)
    if waiting.digest == "HOURLY":
        return waiting.first_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if waiting.digest in {"DAILY", "WEEKLY"}:
        day = local.date() + timedelta(days=0 if local.time() < MORNING else 1)
        while waiting.digest == "WEEKLY" and day.weekday() != 0:
            day += timedelta(days=1)
        return datetime.combine(day, MORNING, zone)
    return waiting.first_at + AT_ONCE


def _is_quiet(waiting: Waiting, clock: str) -> bool:
    start, end = waiting.quiet_from, waiting.quiet_to
    if start is None or end is None or start == end:
        return False
    return start <= clock < end if start < end else clock >= start or clock < end
