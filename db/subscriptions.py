"""Who follows which task. Whoever may no longer see a task is not counted among those who follow it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Uuid, and_, bindparam, delete, exists, or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from db.models import Role, TaskSubscription
from db.session import Session
from db.tables import memberships, project_guests, task_subscriptions, tasks

NOTHING_SAID = TaskSubscription(is_subscribed=False, is_muted=False)


async def subscribers_by_task_ids(session: Session, task_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """task ids -> the people who follow them and may see them, who began first first."""
    beside = exists(
        select(project_guests.c.project_id)
        .where(project_guests.c.membership_id == memberships.c.id, project_guests.c.project_id == tasks.c.project_id)
        .correlate(memberships, tasks)
    )
    found = await session.execute(
        select(task_subscriptions.c.task_id, task_subscriptions.c.user_id)
        .join(tasks, tasks.c.id == task_subscriptions.c.task_id)
        .join(
            memberships,
            and_(
                memberships.c.workspace_id == task_subscriptions.c.workspace_id,
                memberships.c.user_id == task_subscriptions.c.user_id,
            ),
        )
        .where(
            task_subscriptions.c.task_id.in_(list(task_ids)),
            task_subscriptions.c.is_subscribed,
            or_(memberships.c.role != Role.GUEST.value, beside),
        )
        .order_by(task_subscriptions.c.since, task_subscriptions.c.user_id)
    )
    people: dict[UUID, list[UUID]] = {one: [] for one in task_ids}
    for row in found:
        people[row.task_id].append(row.user_id)
    return people


async def own_by_task_ids(session: Session, user_id: UUID, task_ids: Sequence[UUID]) -> dict[UUID, TaskSubscription]:
    """What somebody has said about following each task; every task has an entry."""
    found = await session.execute(
        select(task_subscriptions).where(
            task_subscriptions.c.user_id == user_id, task_subscriptions.c.task_id.in_(list(task_ids))
        )
    )
    own = dict.fromkeys(task_ids, NOTHING_SAID)
    own.update({row.task_id: TaskSubscription(row.is_subscribed, row.is_muted) for row in found})
    return own


async def add_followers(
    session: Session, workspace_id: UUID, task_id: UUID, user_ids: Collection[UUID], at: datetime
) -> None:
    """These follow a task from now on, unless they have said what they want."""
    if not user_ids:
        return
    await session.execute(
        text(
            "INSERT INTO task_subscriptions (workspace_id, task_id, user_id, is_subscribed, since)"
            # One instant later each, so that they stay in the order in which they were given.
            " SELECT :workspace_id, :task_id, person, true, :at + place * interval '1 microsecond'"
            " FROM unnest(CAST(:user_ids AS uuid[])) WITH ORDINALITY AS one(person, place) ON CONFLICT DO NOTHING"
        ).bindparams(
            bindparam("workspace_id", type_=Uuid),
            bindparam("task_id", type_=Uuid),
            bindparam("at", type_=DateTime(timezone=True)),
        ),
        {"workspace_id": workspace_id, "task_id": task_id, "at": at, "user_ids": list(user_ids)},
    )


async def set_subscription(
    session: Session, workspace_id: UUID, task_id: UUID, user_id: UUID, wanted: TaskSubscription, at: datetime
) -> None:
    """What somebody wants, whatever it was."""
    row = upsert(task_subscriptions).values(
        workspace_id=workspace_id,
        task_id=task_id,
        user_id=user_id,
        is_subscribed=wanted.is_subscribed,
        is_muted=wanted.is_muted,
        since=at,
    )
    said = {"is_subscribed": row.excluded.is_subscribed, "is_muted": row.excluded.is_muted}
    await session.execute(row.on_conflict_do_update(index_elements=["task_id", "user_id"], set_=said))


async def forget_subscriptions(session: Session, workspace_id: UUID, user_id: UUID) -> None:
    """Somebody left: if they come back, they follow nothing."""
    await session.execute(
        delete(task_subscriptions).where(
            task_subscriptions.c.workspace_id == workspace_id, task_subscriptions.c.user_id == user_id
        )
    )
