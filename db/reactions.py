"""Reactions: an emoji of a person on a task or a comment, each at most once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, delete, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert

from db.ids import new_id
from db.session import Session
from db.tables import reactions

SHOWN_PEOPLE = 50


@dataclass(frozen=True, slots=True)
class ReactionGroup:
    """Who reacted with one emoji; of the people at most 50, the newest first."""

    emoji: str
    count: int
    user_ids: tuple[UUID, ...]


async def groups_by_subject_ids(session: Session, subject_ids: Sequence[UUID]) -> dict[UUID, list[ReactionGroup]]:
    """task or comment ids -> their reactions, the emoji that came first first. No scope: the subject was seen."""
    newest_first = func.array_agg(
        aggregate_order_by(reactions.c.user_id, reactions.c.added_at.desc(), reactions.c.user_id), type_=ARRAY(Uuid)
    )
    found = await session.execute(
        select(
            reactions.c.subject_id,
            reactions.c.emoji,
            func.count().label("how_many"),
            newest_first[1:SHOWN_PEOPLE].label("user_ids"),
        )
        .where(reactions.c.subject_id.in_(list(subject_ids)))
        .group_by(reactions.c.subject_id, reactions.c.emoji)
        .order_by(func.min(reactions.c.added_at), reactions.c.emoji)
    )
    groups: dict[UUID, list[ReactionGroup]] = {one: [] for one in subject_ids}
    for row in found:
        groups[row.subject_id].append(ReactionGroup(row.emoji, row.how_many, tuple(row.user_ids)))
    return groups


async def own_by_subject_ids(
    session: Session, user_id: UUID, subject_ids: Sequence[UUID]
) -> dict[UUID, frozenset[str]]:
    """The emojis with which somebody reacted to each; every subject has an entry."""
    found = await session.execute(
        select(reactions.c.subject_id, reactions.c.emoji).where(
            reactions.c.subject_id.in_(list(subject_ids)), reactions.c.user_id == user_id
        )
    )
    own: dict[UUID, set[str]] = {one: set() for one in subject_ids}
    for row in found:
        own[row.subject_id].add(row.emoji)
    return {one: frozenset(emojis) for one, emojis in own.items()}


async def count_emojis(session: Session, subject_id: UUID) -> int:
    """How many different emojis there are."""
    found = await session.execute(
        select(func.count(func.distinct(reactions.c.emoji))).where(reactions.c.subject_id == subject_id)
    )
    return int(found.scalar_one())


async def insert_reaction(
    session: Session,
    workspace_id: UUID,
    task_id: UUID,
    comment_id: UUID | None,
    emoji: str,
    user_id: UUID,
    added_at: datetime,
) -> UUID | None:
    """-> the new reaction's id; None if it was there already."""
    found = await session.execute(
        upsert(reactions)
        .values(
            id=new_id(),
            workspace_id=workspace_id,
            task_id=task_id,
            comment_id=comment_id,
            emoji=emoji,
            user_id=user_id,
            added_at=added_at,
        )
        .on_conflict_do_nothing(index_elements=["subject_id", "emoji", "user_id"])
        .returning(reactions.c.id)
    )
    return found.scalar_one_or_none()


async def delete_reaction(session: Session, subject_id: UUID, emoji: str, user_id: UUID) -> UUID | None:
    """-> the id of the reaction that is gone; None if there was none."""
    found = await session.execute(
        delete(reactions)
        .where(reactions.c.subject_id == subject_id, reactions.c.emoji == emoji, reactions.c.user_id == user_id)
        .returning(reactions.c.id)
    )
    return found.scalar_one_or_none()
