"""Who may say what about their presence, and hide it.

Being here is no change of the workspace, so nothing of it is in the log. Hiding
is told by an event that nobody sees: it makes every server process look anew
whether it may still show that person.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from db import presence, tasks, workspaces
from db.models import ChangedField, ChangeOp, EventKind, NewEvent, Permission
from db.presence import ActivityMode, Attendee
from db.scope import Grant, Scope
from db.session import Session
from db.unit_of_work import UnitOfWork
from domain import access, events
from domain.errors import Forbidden, Invalid, NotFound
from domain.ids import typed
from domain.task_fields import COLUMNS

__all__ = [
    "ActivityMode",
    "Attendee",
    "attendee_in",
    "audience_of_activity",
    "edited_field",
    "read_attendees",
    "show_presence",
]

NEEDED = {
    ActivityMode.VIEWING: Permission.TASK_READ,
    ActivityMode.EDITING: Permission.TASK_WRITE,
    ActivityMode.COMMENTING: Permission.COMMENT_WRITE,
}

FIELDS = frozenset({*COLUMNS, ChangedField.ASSIGNEES, ChangedField.LABELS, ChangedField.BODY})
"""What somebody can be at in a task; the body is that of a comment on it."""


async def show_presence(uow: UnitOfWork, workspace_id: UUID, is_shown: bool, *, path: str = "workspaceId") -> None:
    """Let others in this workspace see the actor's presence, or hide it. Raises NotFound for strangers.

    Records that the membership was looked at, for nobody's eyes.
    """
    grant = await access.permitted(uow, workspace_id, None, path=path)
    if await presence.set_shown(uow, workspace_id, grant.membership_id, is_shown):
        nobody: frozenset[str] = frozenset()
        uow.record(NewEvent(workspace_id, EventKind.MEMBERSHIP, ChangeOp.UPDATED, grant.membership_id, nobody, nobody))


async def read_attendees(session: Session, workspace_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, Attendee]:
    """user ids -> what is needed to show those who belong to the workspace."""
    grants = await workspaces.members_of(session, workspace_id, user_ids)
    stored = await presence.presences_of(session, workspace_id, list(grants))
    return {
        user_id: Attendee(one.membership_id, events.membership_audience(grants[user_id]), one.is_shown)
        for user_id, one in stored.items()
    }


async def attendee_in(session: Session, workspace_id: UUID, user_id: UUID) -> tuple[Attendee, Grant]:
    """Somebody who says that they are here, with their rights. Raises NotFound for strangers."""
    grants = await workspaces.grants_by_user_id(session, user_id, workspace_id)
    found = await presence.presences_of(session, workspace_id, [user_id])
    if not grants or user_id not in found:
        raise NotFound(typed("workspace", workspace_id), "workspaceId")
    grant, stored = grants[0], found[user_id]
    return Attendee(stored.membership_id, events.membership_audience(grant), stored.is_shown), grant


async def audience_of_activity(session: Session, grant: Grant, task_id: UUID, mode: ActivityMode) -> frozenset[str]:
    """Who may be told that somebody does this with a task: those who see it.

    Raises NotFound for a task that they do not see in this workspace, Forbidden for what they may not do.
    """
    task = (await tasks.tasks_by_ids(session, Scope((grant,)), [task_id])).get(task_id)
    if task is None:
        raise NotFound(typed("task", task_id), "activity", "taskId")
    if NEEDED[mode] not in grant.permissions:
        raise Forbidden(NEEDED[mode])
    return events.task_audience(task)


def edited_field(field: ChangedField | None) -> str | None:
    """The field that somebody says they are at, as it is kept. Raises Invalid for one that no task has."""
    if field is not None and field not in FIELDS:
        raise Invalid("A task has no such field.", "activity", "field")
    return None if field is None else field.value
