"""Reminders of due dates: to a task's assignees, once for each date, in the morning where each of them lives.

Whoever is told is claimed by a row in the unit that tells them, so a reminder
is told once whoever tries, however often, and whenever they are killed. What is
told no longer holds when the date moves, the task is finished or somebody is
taken off it: `notices` takes it back, and who had not read it is told anew.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from db import tasks
from db.models import Actor, ActorKind, ActorRef, Task
from db.reminders import Due, Window, claim_reminders
from db.unit_of_work import Outcome, UnitOfWork
from domain import notices

SYSTEM = Actor(ActorRef(ActorKind.SYSTEM, UUID(int=0)))
"""Tutti itself."""

MORNING = time(8)
SOON_DAYS = 1
LATE_DAYS = 7
"""So long somebody is still told that a date has passed; older ones are no news."""
KEPT_DAYS = 60
"""Who was told is remembered so long, far longer than a date can be told of."""


def window(time_zone: str, at: datetime) -> Window:
    """Which due dates people who live there are told of: from the morning of the day before to the day itself, and
    from the morning after it."""
    local = at.astimezone(ZoneInfo(time_zone))
    today = local.date()
    # Before the morning, what the night has begun is not told yet.
    awake = today if local.time() >= MORNING else today - timedelta(days=1)
    last_late = awake - timedelta(days=1)
    return Window(
        time_zone,
        soon=(today, awake + timedelta(days=SOON_DAYS)),
        late=(last_late - timedelta(days=LATE_DAYS - 1), last_late),
    )


def forgotten_before(at: datetime) -> date:
    """Who was told of earlier dates need not be remembered."""
    return (at - timedelta(days=KEPT_DAYS)).date()


async def remind(uow: UnitOfWork, due: Due) -> Outcome:
    """Tell the assignees of a task of its due date, those who were not told yet, if all of it still holds."""
    task = (await tasks.lock_tasks(uow, due.workspace_id, [due.task_id])).get(due.task_id)
    if task is None or task.due_date != due.due_date or not await _is_open(uow, task):
        return Outcome()
    still = [one for one in due.user_ids if one in task.assignee_ids]
    claimed = await claim_reminders(uow, due, still)
    notices.task_due(uow, task, due.kind, claimed)
    return Outcome()


async def _is_open(uow: UnitOfWork, task: Task) -> bool:
    if task.deleted_at is not None or task.archived_at is not None:
        return False
    return not await notices.is_finished(uow, task)
