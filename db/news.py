"""What became of people's notifications since they last looked, read for many people at once.

Invariant: as many statements for many people as for one, but for those who get a snapshot; and each is judged by
rights of their own, as of the same snapshot of the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, any_, cast, column, func, select, true

from db.models import Notification, NotificationKind
from db.notifications import Wanted, heads_by_user_ids, notification_of, shown_columns, shown_page, unread_by_user_ids
from db.pages import PageRequest
from db.scope import Scope
from db.session import Session
from db.tables import notifications, tasks


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
    user_ids = list({user_id for user_id, _ in readers})
    heads = await heads_by_user_ids(session, user_ids)
    unread = await unread_by_user_ids(session, user_ids)
    changed = await _changed(session, readers, most + 1)
    places = await _places(session, [one for several in changed.values() for one in several])
    found = []
    for place, (user_id, after) in enumerate(readers):
        scope, seq = scopes[user_id], heads[user_id]
        several = changed[place]
        if after is None or len(several) > most:
            page = await shown_page(session, scope, user_id, Wanted(is_unread=True), PageRequest(most))
            found.append(News(seq, True, tuple(page.rows), (), unread[user_id]))
            continue
        shown, removed_ids = [], []
        for one in several:
            if _is_seen(one, scope, places):
                shown.append(one)
            else:
                removed_ids.append(one.id)
        projects = frozenset(project for one in shown if (project := places.get(one.task_id)) is not None)
        found.append(News(seq, False, tuple(shown), tuple(removed_ids), unread[user_id], projects))
    return found


async def _changed(session: Session, readers: Sequence[Reader], limit: int) -> Mapping[int, list[Notification]]:
    """place of a reader -> what changed for them, the oldest change first."""
    changed: dict[int, list[Notification]] = defaultdict(list)
    wanted = [(place, user_id, after) for place, (user_id, after) in enumerate(readers) if after is not None]
    if not wanted:
        return changed
    places, user_ids, afters = (list(one) for one in zip(*wanted, strict=True))
    reader = func.unnest(cast(places, ARRAY(BigInteger)), cast(user_ids, ARRAY(Uuid)), cast(afters, ARRAY(BigInteger)))
    readers_table = reader.table_valued(
        column("place", BigInteger), column("user_id", Uuid), column("after", BigInteger)
    ).render_derived(name="reader")
    newer = (
        select(*shown_columns)
        .where(
            notifications.c.user_id == readers_table.c.user_id,
            notifications.c.seq > readers_table.c.after,
            notifications.c.is_in_app,
        )
        .order_by(notifications.c.seq, notifications.c.id)
        .limit(limit)
        .lateral("newer")
    )
    found = await session.execute(
        select(readers_table.c.place, newer)
        .select_from(readers_table.join(newer, true()))
        .order_by(readers_table.c.place, newer.c.seq, newer.c.id)
    )
    for row in found:
        changed[row.place].append(notification_of(row))
    return changed


async def _places(session: Session, several: Sequence[Notification]) -> dict[UUID | None, UUID | None]:
    """Tasks that these are about and that are not deleted -> the project of each, whoever may see it."""
    ids = {one.task_id for one in several if one.task_id is not None}
    if not ids:
        return {}
    found = await session.execute(
        select(tasks.c.id, tasks.c.project_id).where(
            tasks.c.id == any_(cast(list(ids), ARRAY(Uuid))), tasks.c.deleted_at.is_(None)
        )
    )
    return {row.id: row.project_id for row in found}


def _is_seen(one: Notification, scope: Scope, places: Mapping[UUID | None, UUID | None]) -> bool:
    """Whether somebody still may know of what this tells: what `shown_page` asks of those it shows."""
    if one.withdrawn_at is not None or not one.is_in_app:
        return False
    grant = scope.grant(one.workspace_id)
    if one.task_id is None:
        return grant is not None or one.kind is NotificationKind.INVITED
    return grant is not None and one.task_id in places and grant.sees_project(places[one.task_id])
