"""How long the log and other passing things are kept.

The floor of a workspace is raised in a transaction of its own before its events
go, so a reader is told that its cursor expired and never meets a hole.

Invariant: nobody waits long for what is done here. Whoever waits for a lock of the
whole log has all who come after them wait behind, so that is given up soon.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import column, delete, func, select, table, text, update

from db.session import Session
from db.tables import idempotency, workspace_heads

EVENTS_KEPT = timedelta(days=7)
MAX_EVENTS_PER_WORKSPACE = 1_000_000
IDEMPOTENCY_KEPT = timedelta(hours=72)
DAYS_AHEAD = 3

LOCK_MILLISECONDS = 100
"""How long a day that comes or goes may wait for each of its locks: a backup, which reads the log, has them long."""

_DEFAULT = "events_default"


def _name(day: date) -> str:
    return f"events_{day:%Y%m%d}"


async def partition_days(session: Session) -> list[date]:
    """The days that have a partition of the log, in order."""
    found = await session.execute(
        text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'events'::regclass AND c.relname <> :fallback ORDER BY c.relname"
        ),
        {"fallback": _DEFAULT},
    )
    return [datetime.strptime(name, "events_%Y%m%d").replace(tzinfo=UTC).date() for name in found.scalars()]


async def create_partition(session: Session, day: date) -> None:
    """Make room for a day that is to come, within a transaction. It must have no events yet.

    Attached, it lets others write meanwhile; made in place it would not. The default partition is locked either way, so
    this waits for whoever reads the log. Raises Busy, at once, as long as somebody does.
    """
    start, end = day.isoformat(), (day + timedelta(days=1)).isoformat()
    await _hasten(session)
    await session.execute(text(f"CREATE TABLE {_name(day)} (LIKE events INCLUDING ALL)"))
    await session.execute(
        text(
            f"ALTER TABLE events ATTACH PARTITION {_name(day)}"
            f" FOR VALUES FROM ('{start} 00:00:00+00') TO ('{end} 00:00:00+00')"
        )
    )


async def _hasten(session: Session) -> None:
    """Wait for no lock for long, until the transaction ends."""
    await session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'"))


async def raise_floors(session: Session, day: date | None, before: datetime) -> None:
    """Let no log claim to reach back to events of this partition (None: the default one) from before an instant."""
    name = _DEFAULT if day is None else _name(day)
    rows = table(name, column("workspace_id"), column("commit_seq"), column("occurred_at"))
    gone = (
        select(rows.c.workspace_id, func.max(rows.c.commit_seq).label("seq"))
        .where(rows.c.occurred_at < before)
        .group_by(rows.c.workspace_id)
        .subquery()
    )
    await session.execute(
        update(workspace_heads)
        .where(workspace_heads.c.workspace_id == gone.c.workspace_id, workspace_heads.c.floor_seq < gone.c.seq)
        .values(floor_seq=gone.c.seq)
    )


async def drop_events(session: Session, day: date | None, before: datetime) -> None:
    """Delete what `raise_floors` gave up, within a transaction. Raises Busy, at once, while somebody reads the log.

    What has a default partition cannot be detached concurrently, so a day goes by a lock of the whole log.
    """
    if day is None:
        await session.execute(text("DELETE FROM events_default WHERE occurred_at < :before"), {"before": before})
    else:
        await _hasten(session)
        await session.execute(text(f"DROP TABLE IF EXISTS {_name(day)}"))


async def cap_logs(session: Session, at_most: int = MAX_EVENTS_PER_WORKSPACE) -> None:
    """Raise the floors of the longest logs: a cursor behind a million events is better served by a fresh fetch."""
    reach = workspace_heads.c.seq - at_most
    await session.execute(update(workspace_heads).where(workspace_heads.c.floor_seq < reach).values(floor_seq=reach))


async def forget_idempotency_keys(session: Session, before: datetime) -> None:
    """Delete the outcomes of mutations from before an instant."""
    await session.execute(delete(idempotency).where(idempotency.c.created_at < before))
