"""Following a task: who made it, is assigned to it, comments on it or is mentioned does so by themselves.

What somebody has said themselves always stands: whoever stopped following is
not made to follow again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from db import subscriptions
from db.models import ActorKind, Permission, Task
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, events


def person_of(uow: UnitOfWork) -> list[UUID]:
    """Who acts, if it is a person."""
    return [uow.actor.user_id] if uow.actor.ref.kind is ActorKind.USER else []


async def begin(uow: UnitOfWork, task: Task, user_ids: Iterable[UUID]) -> None:
    """These follow a task from now on, each of them a member who may see it."""
    people = list(dict.fromkeys(user_ids))
    await subscriptions.add_followers(uow, task.workspace_id, task.id, people, uow.now)


async def update_subscription(
    uow: UnitOfWork, task_id: UUID, *, is_subscribed: bool | None, is_muted: bool | None
) -> Outcome:
    """Follow or leave a task, mute it or hear of it again; None: as it was. Records a task updated if anything differs.

    Raises NotFound.
    """
    _, task = await access.visible_task(uow, task_id, Permission.TASK_READ, path="taskId")
    user_id = uow.actor.user_id
    before = (await subscriptions.own_by_task_ids(uow, user_id, [task_id]))[task_id]
    after = replace(
        before,
        is_subscribed=before.is_subscribed if is_subscribed is None else is_subscribed,
        is_muted=before.is_muted if is_muted is None else is_muted,
    )
    if after != before:
        await subscriptions.set_subscription(uow, task.workspace_id, task_id, user_id, after, uow.now)
        events.followers_changed(uow, task)
    return Outcome({"task": str(task_id)})
