"""The end of an account: the person is erased, what they did together with others stays, under `Deleted user`.

Everything that points at a person by key is either erased here or kept on
purpose; tests/domain/test_erasure.py holds the list, and a new table has to join it.
"""

from __future__ import annotations

import secrets

from db import accounts, invites, mails, workspaces
from db.models import Actor, Role, User, WorkspaceKind
from db.scope import Grant
from db.unit_of_work import UnitOfWork
from domain import events, members
from domain.accounts import wrong_credentials
from domain.errors import Invalid, Refusals
from domain.recovery import verified_by_password
from domain.sessions import Desk
from domain.workspaces import end_workspace

DELETED_NAME = "Deleted user"
NOWHERE = "deleted.invalid"
"""RFC 2606: nobody ever gets mail there."""
ERASED_EMAIL = f"erased@{NOWHERE}"
"""Where an invite had the address of somebody who is gone."""


async def delete_account(desk: Desk, actor: Actor, password: str) -> None:
    """Erase the actor. Refused while they own a workspace that others are in: it needs another owner, or its end.

    Raises Refusals, Invalid(INVALID_CREDENTIALS), TopLevel(UNAUTHENTICATED, RATE_LIMITED).
    """
    known = await verified_by_password(desk, actor, password)

    async def work(uow: UnitOfWork) -> None:
        user = await accounts.lock_user(uow, known.id)
        if user is None or user.password_hash != known.password_hash:
            raise wrong_credentials("password")
        await _leave_everything(uow, user)
        if user.email_verified_at is not None:
            await _withdraw_invites(uow, user.email)
        await mails.delete_mails_of(uow, user.id, user.email)
        # Unique, and random so that nobody can have taken them before.
        ending = secrets.token_hex(16)
        email, handle = f"{ending}@{NOWHERE}", f"deleted-{ending}"
        await accounts.erase_user(uow, user.id, DELETED_NAME, email, handle, uow.now)

    await desk.commit(actor, work)


async def _leave_everything(uow: UnitOfWork, user: User) -> None:
    grants = await workspaces.grants_by_user_id(uow, user.id)
    owned: list[str] = []
    for grant in sorted(grants, key=lambda one: one.workspace_id):
        name = await _leave(uow, grant)
        if name is not None:
            owned.append(name)
    if owned:
        raise Refusals(
            [
                Invalid(f"You own “{name}”, which others work in: transfer it to one of them, or delete it.")
                for name in owned
            ]
        )


async def _leave(uow: UnitOfWork, grant: Grant) -> str | None:
    """Leave a workspace, or end it when nobody else is in it; -> its name if it cannot be left like this."""
    workspace = await workspaces.lock_workspace(uow, grant.workspace_id)
    locked = await workspaces.lock_memberships(uow, grant.workspace_id, [grant.membership_id])
    member = locked.get(grant.membership_id)
    if workspace is None or member is None:
        return None
    if member.role is not Role.OWNER:
        await members.take_out(uow, member)
        return None
    if workspace.kind is WorkspaceKind.TEAM and await workspaces.count_members(uow, workspace.id) > 1:
        return workspace.name
    await end_workspace(uow, workspace)
    return None


async def _withdraw_invites(uow: UnitOfWork, email: str) -> None:
    """Invites for a proven address forget it, and let nobody in any more."""
    for invite_id in await invites.invite_ids_by_email(uow, email):
        before = await invites.lock_invite(uow, invite_id)
        if before is not None:
            values = {"email": ERASED_EMAIL, "revoked_at": before.revoked_at or uow.now}
            events.invite_changed(uow, before, await invites.update_invite(uow, invite_id, values))
