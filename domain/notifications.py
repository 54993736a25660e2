"""What somebody does with what they were told: read it, or keep it for later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db import notifications, tasks
from db.notifications import Mark
from db.unit_of_work import Outcome, UnitOfWork
from domain import access
from domain.errors import LimitReached, NotFound
from domain.ids import typed

MAX_IDS = 500
SHOWN = 100
"""So many of those that changed are in the answer, the newest."""


@dataclass(frozen=True, slots=True)
class Target:
    """Exactly one is given, or none: everything."""

    ids: Sequence[UUID] | None = None
    task_id: UUID | None = None
    workspace_id: UUID | None = None


async def mark(uow: UnitOfWork, target: Target, *, is_read: bool) -> Outcome:
    """Notifications of the actor are read, or not. Raises NotFound for what they may not see, LimitReached."""
    user_id = uow.actor.user_id
    scope = await access.scope_of(uow, uow.actor)
    if target.workspace_id is not None:
        if scope.grant(target.workspace_id) is None:
            raise NotFound(typed("workspace", target.workspace_id), "target", "workspaceId")
    elif target.task_id is not None:
        if target.task_id not in await tasks.tasks_by_ids(uow, scope, [target.task_id]):
            raise NotFound(typed("task", target.task_id), "target", "taskId")
    elif target.ids is not None:
        if len(target.ids) > MAX_IDS:
            raise LimitReached(f"At most {MAX_IDS} ids fit.", MAX_IDS, "target", "ids")
        found = await notifications.notifications_by_ids(uow, scope, user_id, target.ids)
        for one in target.ids:
            if one not in found:
                raise NotFound(typed("notification", one), "target", "ids")
    heads = await notifications.raise_heads(uow, [user_id])
    marked = await notifications.mark(
        uow,
        user_id,
        Mark(None if target.ids is None else frozenset(target.ids), target.task_id, target.workspace_id),
        read_at=uow.now if is_read else None,
        seq=heads[user_id],
        shown=SHOWN,
    )
    await notifications.add_to_counts(uow, marked.deltas)
    if marked.deltas:
        uow.told |= heads
    return Outcome({"notifications": [str(one) for one in marked.newest_ids]})
