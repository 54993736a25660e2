"""Who may say what about their presence, and hide it.

Being here is no change of the workspace, so nothing of it is in the log. Hiding
is told by an event that nobody sees: it makes every server process look anew
whether it may still show that person.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from db import presence, workspaces
from db.models import ChangeOp, EventKind, NewEvent
from db.presence import Attendee
from db.session import Session
from db.unit_of_work import UnitOfWork
from domain import access, events


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
