"""What people are told, in SQL. Reading begins at `shown_page`.

Somebody's head row is the lock of all their notifications: whoever changes any
of them raises it first, many people's in the order of their ids. Its `seq` goes
into what changes, so that a reader who knows everything up to a `seq` finds the
rest by it. How many are unread is kept beside, and is right at every commit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as DriverUuid  # noqa: N811
from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, any_, cast, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by

from db import pages
from db.models import ActorKind, ActorRef, FoldedNotification, Notification, NotificationKind, Source
from db.pages import Page, PageRequest, SortKey
from db.scope import Scope, visible
from db.session import Session
from db.tables import notification_counts, notification_heads, notifications, tasks

_live = and_(notifications.c.withdrawn_at.is_(None), notifications.c.is_in_app)
_unread = and_(_live, notifications.c.read_at.is_(None))


_ACTOR_KINDS = {one.value: one for one in ActorKind}


def _source(stored: Mapping[str, Any]) -> Source:
    # Fifty are read of each of fifty people: the driver's UUID, equal to Python's own, is made ten times as fast.
    return Source(
        id=DriverUuid(stored["id"]),
        actor=ActorRef(_ACTOR_KINDS[stored["actor_kind"]], DriverUuid(stored["actor_id"])),
        comment_id=DriverUuid(stored["comment_id"]) if stored["comment_id"] else None,
        at=datetime.fromisoformat(stored["at"]),
        emoji=stored.get("emoji"),
    )


def _source_row(source: Source) -> dict[str, Any]:
    return {
        "id": str(source.id),
        "actor_kind": source.actor.kind.value,
        "actor_id": str(source.actor.id),
        "comment_id": str(source.comment_id) if source.comment_id else None,
        "at": source.at.isoformat(),
        **({"emoji": source.emoji} if source.emoji else {}),
    }


shown_columns = [column for column in notifications.c if column.name != "sources"]


def _values(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "user_id": row.user_id,
        "workspace_id": row.workspace_id,
        "seq": row.seq,
        "kind": NotificationKind(row.kind),
        "task_id": row.task_id,
        "comment_id": row.comment_id,
        "invite_id": row.invite_id,
        "group_key": row.group_key,
        "group_count": row.group_count,
        "actor": ActorRef(ActorKind(row.actor_kind), row.actor_id),
        "emoji": row.emoji,
        "is_in_app": row.is_in_app,
        "created_at": row.created_at,
        "read_at": row.read_at,
        "withdrawn_at": row.withdrawn_at,
    }


def notification_of(row: Any) -> Notification:
    """A row of `shown_columns`."""
    return Notification(**_values(row))


def _folded_of(row: Any) -> FoldedNotification:
    return FoldedNotification(**_values(row), sources=tuple(_source(one) for one in row.sources))


# ---- heads and counts


async def raise_heads(session: Session, user_ids: Collection[UUID]) -> dict[UUID, int]:
    """Lock these people's notifications to the end of the transaction; -> their heads, one higher than before."""
    # The rows of one INSERT are locked in the order in which they come.
    raised = await session.execute(
        text(
            "INSERT INTO notification_heads (user_id, seq)"
            " SELECT one, 1 FROM unnest(CAST(:user_ids AS uuid[])) WITH ORDINALITY AS wanted(one, place) ORDER BY place"
            " ON CONFLICT (user_id) DO UPDATE SET seq = notification_heads.seq + 1 RETURNING user_id, seq"
        ),
        {"user_ids": sorted(set(user_ids))},
    )
    return {row.user_id: row.seq for row in raised}


async def heads_by_user_ids(session: Session, user_ids: Collection[UUID]) -> dict[UUID, int]:
    """How often each person's notifications have changed; 0 where they never did."""
    found = await session.execute(
        select(notification_heads).where(notification_heads.c.user_id == any_(cast(list(user_ids), ARRAY(Uuid))))
    )
    return {**dict.fromkeys(user_ids, 0), **{row.user_id: row.seq for row in found}}


Tally = tuple[UUID, UUID, NotificationKind]
"""(person, workspace, kind)"""


async def add_to_counts(session: Session, deltas: Mapping[Tally, int]) -> None:
    """So many more are unread, or fewer; the heads are locked."""
    rows = [
        {"user_id": user_id, "workspace_id": workspace_id, "kind": kind.value, "unread": delta}
        for (user_id, workspace_id, kind), delta in deltas.items()
        if delta
    ]
    if not rows:
        return
    await session.execute(
        text(
            "INSERT INTO notification_counts (user_id, workspace_id, kind, unread)"
            " SELECT user_id, workspace_id, kind, unread FROM jsonb_to_recordset(CAST(:rows AS jsonb))"
            " AS r(user_id uuid, workspace_id uuid, kind text, unread integer)"
            " ON CONFLICT (user_id, workspace_id, kind)"
            " DO UPDATE SET unread = notification_counts.unread + excluded.unread"
        ),
        {"rows": orjson.dumps(rows, default=str).decode()},
    )


async def unread_by_user_ids(
    session: Session, user_ids: Collection[UUID], workspace_id: UUID | None = None, kind: NotificationKind | None = None
) -> dict[UUID, int]:
    """How many each has not read, of a workspace and a kind if these are given. Never counts rows."""
    query = select(notification_counts.c.user_id, func.sum(notification_counts.c.unread).label("unread")).where(
        notification_counts.c.user_id == any_(cast(list(user_ids), ARRAY(Uuid)))
    )
    if workspace_id is not None:
        query = query.where(notification_counts.c.workspace_id == workspace_id)
    if kind is not None:
        query = query.where(notification_counts.c.kind == kind.value)
    found = await session.execute(query.group_by(notification_counts.c.user_id))
    return {**dict.fromkeys(user_ids, 0), **{row.user_id: int(row.unread) for row in found}}


# ---- writing


_COLUMNS = (
    "id uuid, user_id uuid, workspace_id uuid, seq bigint, kind text, task_id uuid, comment_id uuid, invite_id uuid,"
    " group_key text, sources jsonb, group_count integer, actor_kind text, actor_id uuid, emoji text,"
    " is_in_app boolean, created_at timestamptz, read_at timestamptz, withdrawn_at timestamptz"
)
_NAMES = ", ".join(one.split()[0] for one in _COLUMNS.split(", "))
_CHANGING = (
    "seq",
    "comment_id",
    "sources",
    "group_count",
    "actor_kind",
    "actor_id",
    "emoji",
    "created_at",
    "withdrawn_at",
)


def _rows(several: Iterable[FoldedNotification]) -> dict[str, str]:
    rows = [
        {
            "id": one.id,
            "user_id": one.user_id,
            "workspace_id": one.workspace_id,
            "seq": one.seq,
            "kind": one.kind.value,
            "task_id": one.task_id,
            "comment_id": one.comment_id,
            "invite_id": one.invite_id,
            "group_key": one.group_key,
            "sources": [_source_row(source) for source in one.sources],
            "group_count": one.group_count,
            "actor_kind": one.actor.kind.value,
            "actor_id": one.actor.id,
            "emoji": one.emoji,
            "is_in_app": one.is_in_app,
            "created_at": one.created_at,
            "read_at": one.read_at,
            "withdrawn_at": one.withdrawn_at,
        }
        for one in several
    ]
    return {"rows": orjson.dumps(rows, default=str).decode()}


async def insert_notifications(session: Session, several: Collection[FoldedNotification]) -> None:
    """New ones, in one statement however many there are."""
    if several:
        await session.execute(
            text(
                f"INSERT INTO notifications ({_NAMES})"  # noqa: S608 - names of our own
                f" SELECT {_NAMES} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({_COLUMNS})"
            ),
            _rows(several),
        )


async def rewrite_notifications(session: Session, several: Collection[FoldedNotification]) -> None:
    """What was folded into them or taken out; in one statement."""
    if several:
        changes = ", ".join(f"{one} = r.{one}" for one in _CHANGING)
        await session.execute(
            text(
                f"UPDATE notifications n SET {changes}"  # noqa: S608 - names of our own
                f" FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({_COLUMNS}) WHERE n.id = r.id"
            ),
            _rows(several),
        )


@dataclass(frozen=True, slots=True)
class About:
    """Which notifications: everything that is given must hold. `outside`: of tasks that are in none of these
    projects."""

    workspace_id: UUID
    user_ids: frozenset[UUID] | None = None
    task_id: UUID | None = None
    comment_id: UUID | None = None
    invite_id: UUID | None = None
    kinds: frozenset[NotificationKind] | None = None
    outside: frozenset[UUID] | None = None

    def matches(self, one: Notification) -> bool:
        """Whether it is one of these, but for `outside`, which only the database can tell."""
        return (
            one.workspace_id == self.workspace_id
            and (self.user_ids is None or one.user_id in self.user_ids)
            and (self.task_id is None or one.task_id == self.task_id)
            and (self.comment_id is None or one.comment_id == self.comment_id)
            and (self.invite_id is None or one.invite_id == self.invite_id)
            and (self.kinds is None or one.kind in self.kinds)
        )

    def condition(self) -> ColumnElement[bool]:
        parts: list[ColumnElement[bool]] = [notifications.c.workspace_id == self.workspace_id]
        for column, value in (
            (notifications.c.task_id, self.task_id),
            (notifications.c.comment_id, self.comment_id),
            (notifications.c.invite_id, self.invite_id),
        ):
            if value is not None:
                parts.append(column == value)
        if self.user_ids is not None:
            parts.append(notifications.c.user_id.in_(sorted(self.user_ids)))
        if self.kinds is not None:
            parts.append(notifications.c.kind.in_(sorted(one.value for one in self.kinds)))
        if self.outside is not None:
            elsewhere = or_(tasks.c.project_id.is_(None), tasks.c.project_id.not_in(sorted(self.outside)))
            parts.append(exists(select(tasks.c.id).where(tasks.c.id == notifications.c.task_id, elsewhere)))
        return and_(*parts)


_CONDITIONS = 100
"""In one statement."""


async def open_ones(session: Session, about: Sequence[About]) -> dict[UUID, FoldedNotification]:
    """ids -> those that were neither read nor withdrawn, of any channel."""
    opened: dict[UUID, FoldedNotification] = {}
    for start in range(0, len(about), _CONDITIONS):
        found = await session.execute(
            select(notifications).where(
                notifications.c.withdrawn_at.is_(None),
                notifications.c.read_at.is_(None),
                or_(*[one.condition() for one in about[start : start + _CONDITIONS]]),
            )
        )
        opened |= {row.id: _folded_of(row) for row in found}
    return opened


async def open_groups(
    session: Session, wanted: Collection[tuple[UUID, str]]
) -> dict[tuple[UUID, str], FoldedNotification]:
    """(person, group key) -> the one that was neither read nor withdrawn."""
    keys = sorted({key for _, key in wanted})
    found = await session.execute(
        select(notifications).where(
            notifications.c.user_id == any_(cast(sorted({user_id for user_id, _ in wanted}), ARRAY(Uuid))),
            notifications.c.group_key.in_(keys),
            notifications.c.withdrawn_at.is_(None),
            notifications.c.read_at.is_(None),
        )
    )
    return {(row.user_id, row.group_key): _folded_of(row) for row in found}


async def delete_old_notifications(session: Session, before: datetime, withdrawn_before: datetime) -> None:
    """Delete those that were read, or were for other channels alone, before an instant, and withdrawn ones.

    What is unread stays, however old, so the counts need not know.
    """
    await session.execute(
        notifications.delete().where(
            or_(
                notifications.c.read_at < before,
                and_(~notifications.c.is_in_app, notifications.c.created_at < before),
                notifications.c.withdrawn_at < withdrawn_before,
            )
        )
    )


# ---- reading


def _seen(scope: Scope, user_id: UUID) -> ColumnElement[bool]:
    """Somebody's own, as far as they still may know of what these tell."""
    is_task_seen = exists(
        select(tasks.c.id).where(
            tasks.c.id == notifications.c.task_id, tasks.c.deleted_at.is_(None), visible(tasks, scope)
        )
    )
    return and_(
        notifications.c.user_id == user_id,
        _live,
        or_(
            notifications.c.kind == NotificationKind.INVITED.value,
            notifications.c.workspace_id.in_(scope.workspace_ids),
        ),
        or_(notifications.c.task_id.is_(None), is_task_seen),
    )


async def notifications_by_ids(
    session: Session, scope: Scope, user_id: UUID, ids: Collection[UUID]
) -> dict[UUID, Notification]:
    """ids -> the notifications of those that are somebody's own."""
    found = await session.execute(
        select(*shown_columns).where(_seen(scope, user_id), notifications.c.id.in_(list(ids)))
    )
    return {row.id: notification_of(row) for row in found}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of somebody's notifications they ask for."""

    workspace_id: UUID | None = None
    is_unread: bool = False
    kind: NotificationKind | None = None


_KEYS = [
    SortKey("created_at", notifications.c.created_at, pages.instant, is_descending=True),
    SortKey("id", notifications.c.id, UUID, is_descending=True),
]


async def shown_page(
    session: Session, scope: Scope, user_id: UUID, wanted: Wanted, request: PageRequest
) -> Page[Notification]:
    """A page of somebody's notifications, the newest first. Raises BadCursor."""
    query = select(*shown_columns).where(_seen(scope, user_id))
    if wanted.workspace_id is not None:
        query = query.where(notifications.c.workspace_id == wanted.workspace_id)
    if wanted.is_unread:
        query = query.where(notifications.c.read_at.is_(None))
    if wanted.kind is not None:
        query = query.where(notifications.c.kind == wanted.kind.value)
    return await pages.read_page(session, query, _KEYS, request, notification_of)


# ---- marking


@dataclass(frozen=True, slots=True)
class Mark:
    """Which of somebody's notifications; nothing given: all of them."""

    ids: frozenset[UUID] | None = None
    task_id: UUID | None = None
    workspace_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """Ones that were read or unread just now: how many of which kind, and the newest of them."""

    deltas: Mapping[Tally, int]
    newest_ids: tuple[UUID, ...]


async def mark(
    session: Session,
    user_id: UUID,
    condition: Mark,
    *,
    read_at: datetime | None,
    seq: int,
    shown: int,
) -> Marked:
    """Somebody, whose head is locked at `seq`, has read these, or (`read_at` None) has not. Those that are so stay."""
    parts = [notifications.c.user_id == user_id, _live]
    parts.append(notifications.c.read_at.is_(None) if read_at else notifications.c.read_at.is_not(None))
    if condition.ids is not None:
        parts.append(notifications.c.id == any_(cast(list(condition.ids), ARRAY(Uuid))))
    if condition.task_id is not None:
        parts.append(notifications.c.task_id == condition.task_id)
    if condition.workspace_id is not None:
        parts.append(notifications.c.workspace_id == condition.workspace_id)
    changed = (
        notifications.update()
        .where(*parts)
        .values(read_at=read_at, seq=seq)
        .returning(notifications.c.id, notifications.c.workspace_id, notifications.c.kind, notifications.c.created_at)
        .cte("changed")
    )
    newest = func.array_agg(aggregate_order_by(changed.c.id, changed.c.created_at.desc()), type_=ARRAY(Uuid))
    found = await session.execute(
        select(
            changed.c.workspace_id, changed.c.kind, func.count().label("how_many"), newest[1:shown].label("ids")
        ).group_by(changed.c.workspace_id, changed.c.kind)
    )
    deltas: dict[Tally, int] = {}
    ids: list[UUID] = []
    for row in found:
        deltas[user_id, row.workspace_id, NotificationKind(row.kind)] = -row.how_many if read_at else row.how_many
        ids += row.ids
    return Marked(deltas, tuple(sorted(ids, reverse=True)[:shown]))
