"""What is remembered of presence: whether a member lets others see it, and when they were last here.

Everything else about presence lives in Redis. Invariant: of somebody who hides
theirs nothing is kept, not even a late report of when they left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from db.direct import Direct
from db.scope import Scope
from db.session import Session
from db.tables import memberships, presences
from db.workspaces import visible_memberships


class ActivityMode(StrEnum):
    VIEWING = "VIEWING"
    EDITING = "EDITING"
    COMMENTING = "COMMENTING"


@dataclass(frozen=True, slots=True)
class MemberPresence:
    """A member: whether others may see their presence, and when they were last seen (None: never, or hidden)."""

    workspace_id: UUID
    membership_id: UUID
    user_id: UUID
    is_shown: bool
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attendee:
    """What there is to know of a member to show them as present: their membership's id, to whom, and whether at all."""

    id: UUID
    audience: frozenset[str]
    is_shown: bool


async def _read(session: Session, *conditions: ColumnElement[bool]) -> list[MemberPresence]:
    is_shown = func.coalesce(presences.c.is_shown, True).label("is_shown")
    found = await session.execute(
        select(memberships.c.workspace_id, memberships.c.id, memberships.c.user_id, is_shown, presences.c.last_seen_at)
        .outerjoin(presences, presences.c.membership_id == memberships.c.id)
        .where(*conditions)
    )
    return [MemberPresence(row.workspace_id, row.id, row.user_id, row.is_shown, row.last_seen_at) for row in found]


async def presences_of(session: Session, workspace_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, MemberPresence]:
    """user ids -> those who belong to the workspace. No scope: whom it is told is decided by each one's audience."""
    found = await _read(session, memberships.c.workspace_id == workspace_id, memberships.c.user_id.in_(list(user_ids)))
    return {one.user_id: one for one in found}


async def presences_by_membership_ids(
    session: Session, scope: Scope, ids: Collection[UUID]
) -> dict[UUID, MemberPresence]:
    """membership ids -> those members that the scope sees."""
    found = await _read(session, memberships.c.id.in_(list(ids)), visible_memberships(scope))
    return {one.membership_id: one for one in found}


async def presences_by_places(
    session: Session, scope: Scope, places: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], MemberPresence]:
    """(workspace id, user id) -> those members that the scope sees."""
    wanted = tuple_(memberships.c.workspace_id, memberships.c.user_id).in_(list(places))
    found = await _read(session, wanted, visible_memberships(scope))
    return {(one.workspace_id, one.user_id): one for one in found}


async def set_shown(session: Session, workspace_id: UUID, membership_id: UUID, is_shown: bool) -> bool:
    """Show or hide a member's presence; hiding forgets when they were last seen. -> whether anything was stored."""
    changed = await session.execute(
        upsert(presences)
        .values(workspace_id=workspace_id, membership_id=membership_id, is_shown=is_shown)
        .on_conflict_do_update(
            index_elements=["membership_id"],
            set_={"is_shown": is_shown, "last_seen_at": None},
            where=presences.c.is_shown != is_shown,
        )
        .returning(presences.c.is_shown)
    )
    return changed.first() is not None


async def keep_last_seen(session: Session, seen: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """Remember when people were last seen: (workspace id, user id, when). The latest wins; ex-members are passed by."""
    workspace_ids, user_ids, times = (list(column) for column in zip(*seen, strict=True))
    await session.fetch(_KEEP_LAST_SEEN, {"workspace_ids": workspace_ids, "user_ids": user_ids, "times": times})


# Each process does it each second while people leave.
_KEEP_LAST_SEEN = Direct(
    text(
        """
        INSERT INTO presences (workspace_id, membership_id, last_seen_at)
        SELECT m.workspace_id, m.id, max(seen.at)
        FROM unnest(CAST(:workspace_ids AS uuid[]), CAST(:user_ids AS uuid[]), CAST(:times AS timestamptz[]))
             AS seen (workspace_id, user_id, at)
        JOIN memberships m ON m.workspace_id = seen.workspace_id AND m.user_id = seen.user_id
        GROUP BY m.workspace_id, m.id
        ORDER BY m.id
        ON CONFLICT (membership_id) DO UPDATE
        SET last_seen_at = greatest(presences.last_seen_at, excluded.last_seen_at)
        WHERE presences.is_shown
        """
    )
)
