"""Who may say what about their presence, and hide it.

Being here is no change of the workspace, so nothing of it is in the log. Hiding
is told by an event that nobody sees: it makes every server process look anew
whether it may still show that person.
"""

from __future__ import annotations

from uuid import UUID

from db import presence
from db.models import ChangeOp, EventKind, NewEvent
from db.unit_of_work import UnitOfWork
from domain import access


async def show_presence(uow: UnitOfWork, workspace_id: UUID, is_shown: bool, *, path: str = "workspaceId") -> None:
    """Let others in this workspace see the actor's presence, or hide it. Raises NotFound for strangers.

    Records that the membership was looked at, for nobody's eyes.
    """
    grant = await access.permitted(uow, workspace_id, None, path=path)
    if await presence.set_shown(uow, workspace_id, grant.membership_id, is_shown):
        nobody: frozenset[str] = frozenset()
        uow.record(NewEvent(workspace_id, EventKind.MEMBERSHIP, ChangeOp.UPDATED, grant.membership_id, nobody, nobody))
