"""Putting tasks away and getting them back: archive, delete, restore.

A deleted task is gone for everybody but can be restored for 30 days.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from db.models import ActorRef, ChangedField, Permission, Role, Task
from db.scope import Grant
from db.task_lists import DeletedTasks
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, task_changes
from domain.errors import NotFound
from domain.ids import typed
from domain.merge import Base, ConflictPolicy

RESTORABLE = timedelta(days=30)


def _whole(base_version: int | None) -> Base:
    """With a base version, any change since is a conflict."""
    return Base(base_version, ConflictPolicy.REJECT)


async def archive_task(uow: UnitOfWork, task_id: UUID, base_version: int | None) -> Outcome:
    """Put a task out of the lists. Raises NotFound, Forbidden, Conflict."""
    _, task = await access.visible_task(uow, task_id, Permission.TASK_WRITE)
    archived_at = task.archived_at or uow.now
    await task_changes.write(uow, task, {ChangedField.ARCHIVED: archived_at}, _whole(base_version))
    return Outcome({"task": str(task_id)})


async def delete_task(uow: UnitOfWork, task_id: UUID, base_version: int | None) -> Outcome:
    """Delete a task; its subtasks stay, without it as their parent until it is restored.

    Raises NotFound, Forbidden, Conflict.
    """
    _, task = await access.visible_task(uow, task_id, Permission.TASK_DELETE)
    await task_changes.write(uow, task, {ChangedField.DELETED: uow.now}, _whole(base_version))
    return Outcome({"deleted_task": str(task_id)})


def restorable_by(grant: Grant, who: ActorRef) -> DeletedTasks | None:
    """The deleted tasks that somebody may restore, as `restore_task` judges each; None: none at all."""
    if Permission.TASK_WRITE not in grant.permissions:
        return None
    if grant.role is Role.GUEST:
        return DeletedTasks(RESTORABLE, who) if grant.may_use(Permission.TASK_DELETE) else None
    return DeletedTasks(RESTORABLE, None) if Permission.TASK_DELETE in grant.permissions else None


def is_restorable(uow: UnitOfWork, task: Task) -> bool:
    """Whether a deleted task was deleted not too long ago."""
    return task.deleted_at is not None and uow.now - task.deleted_at <= RESTORABLE


async def restore_task(uow: UnitOfWork, task_id: UUID) -> Outcome:
    """Bring back a deleted task, or take an archived one out of the archive. Raises NotFound, Forbidden."""
    _, task = await access.visible_task(uow, task_id, Permission.TASK_WRITE, is_deleted=True)
    if task.deleted_at is not None:
        await access.visible_task(uow, task_id, Permission.TASK_DELETE, is_deleted=True)
        if not is_restorable(uow, task):
            raise NotFound(typed("task", task_id), "id")
        await task_changes.write(uow, task, {ChangedField.DELETED: None})
    else:
        await task_changes.write(uow, task, {ChangedField.ARCHIVED: None})
    return Outcome({"task": str(task_id)})
