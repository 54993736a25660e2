"""What became of people's notifications since they last looked, read for many people at once.

Invariant: as many statements for many people as for one, but for those who get a snapshot; and each is judged by
rights of their own, as of the same snapshot of the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, and_, bindparam, column, func, or_, select, true

from db.direct import Direct
from db.models import Notification, NotificationKind
from db.notifications import Wanted, notification_of, shown_columns, shown_page
from db.pages import PageRequest
from db.scope import Scope
from db.session import Session
from db.tables import notification_counts, notification_heads, notifications, tasks


@dataclass(frozen=True, slots=True)
class News:
    """What somebody's notifications became since they were last looked at, as of `seq`.

    `is_snapshot`: it is not what changed but what is unread, the newest first. `removed_ids`: of those that are to be
    forgotten, the ones that were never told of too. `project_ids`: of the tasks that are shown.
    """

    seq: int
    is_snapshot: bool
    shown: tuple[Notification, ...]
    removed_ids: tuple[UUID, ...]
    unread: int
    project_ids: frozenset[UUID] = frozenset()

    def adds_nothing_to(self, earlier: News) -> bool:
        """Whether somebody who was told of that need not be told of this."""
        return not (self.is_snapshot or self.shown or self.removed_ids) and self.unread == earlier.unread


Reader = tuple[UUID, int | None]
"""(whose, after which number; None: from the beginning)"""


async def news_of(session: Session, readers: Sequence[Reader], scopes: Mapping[UUID, Scope], most: int) -> list[News]:
    """What changed for each, in their order, on a snapshot; from the beginning, and where it is more than `most`: what
    is unread, at most so many."""
    standings = await _standings(session, {user_id for user_id, _ in readers})
    changed = await _changed(session, readers, most + 1)
    found = []
    for place, (user_id, after) in enumerate(readers):
        scope, several = scopes[user_id], changed[place]
        seq, unread = standings[user_id]
        if after is None or len(several) > most:
            page = await shown_page(session, scope, user_id, Wanted(is_unread=True), PageRequest(most))
            found.append(News(seq, True, tuple(page.rows), (), unread))
            continue
        shown = [one for one in several if one.is_seen_by(scope)]
        found.append(
            News(
                seq,
                False,
                tuple(one.notification for one in shown),
                tuple(one.notification.id for one in several if not one.is_seen_by(scope)),
                unread,
                frozenset(one.project_id for one in shown if one.project_id is not None),
            )
        )
    return found


async def _standings(session: Session, user_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """Each person's head, and how many they have not read."""
    found = await session.fetch(_STANDINGS, {"user_ids": list(user_ids)})
    return {row.id: (row.seq, int(row.unread)) for row in found}


_person = (
    func.unnest(bindparam("user_ids", type_=ARRAY(Uuid)))
    .table_valued(column("id", Uuid), name="person")
    .render_derived()
)
_unread = (
    select(func.sum(notification_counts.c.unread))
    .where(notification_counts.c.user_id == _person.c.id)
    .correlate(_person)
    .scalar_subquery()
)
_STANDINGS = Direct(
    select(
        _person.c.id,
        func.coalesce(notification_heads.c.seq, 0).label("seq"),
        func.coalesce(_unread, 0).label("unread"),
    ).select_from(_person.outerjoin(notification_heads, notification_heads.c.user_id == _person.c.id))
)


@dataclass(frozen=True, slots=True)
class _Changed:
    """A notification that changed. `is_live`: its task, if it has one, is not deleted. `project_id`: that task's."""

    notification: Notification
    is_live: bool
    project_id: UUID | None

    def is_seen_by(self, scope: Scope) -> bool:
        """Whether its person still may know of what it tells: what `shown_page` asks of those it shows."""
        one = self.notification
        if one.withdrawn_at is not None or not self.is_live:
            return False
        grant = scope.grant(one.workspace_id)
        if one.task_id is None:
            return grant is not None or one.kind is NotificationKind.INVITED
        return grant is not None and grant.sees_project(self.project_id)


async def _changed(session: Session, readers: Sequence[Reader], limit: int) -> Mapping[int, list[_Changed]]:
    """place of a reader -> what changed for them, the oldest change first."""
    changed: dict[int, list[_Changed]] = defaultdict(list)
    wanted = [(place, user_id, after) for place, (user_id, after) in enumerate(readers) if after is not None]
    if not wanted:
        return changed
    places, user_ids, afters = (list(one) for one in zip(*wanted, strict=True))
    found = await session.fetch(_CHANGED, {"places": places, "user_ids": user_ids, "afters": afters, "limit": limit})
    for row in found:
        changed[row.place].append(_Changed(notification_of(row), row.is_live, row.project_id))
    return changed


_reader = (
    func.unnest(
        bindparam("places", type_=ARRAY(BigInteger)),
        bindparam("user_ids", type_=ARRAY(Uuid)),
        bindparam("afters", type_=ARRAY(BigInteger)),
    )
    .table_valued(column("place", BigInteger), column("user_id", Uuid), column("after", BigInteger), name="reader")
    .render_derived()
)
_newer = (
    select(*shown_columns)
    .where(
        notifications.c.user_id == _reader.c.user_id,
        notifications.c.seq > _reader.c.after,
        notifications.c.is_in_app,
    )
    .order_by(notifications.c.seq, notifications.c.id)
    .limit(bindparam("limit", type_=BigInteger))
    .lateral("newer")
)
_CHANGED = Direct(
    select(
        _reader.c.place,
        _newer,
        or_(_newer.c.task_id.is_(None), tasks.c.id.is_not(None)).label("is_live"),
        tasks.c.project_id,
    )
    .select_from(
        _reader.join(_newer, true()).outerjoin(
            tasks, and_(tasks.c.id == _newer.c.task_id, tasks.c.deleted_at.is_(None))
        )
    )
    .order_by(_reader.c.place, _newer.c.seq, _newer.c.id)
)
