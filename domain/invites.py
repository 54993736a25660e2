"""Invites: a link that lets somebody in, within what its maker may give.

The token is shown once and stored as a hash. An invite that is unknown, used
up, expired or revoked, or whose maker may not give as much any more, is one and
the same to a stranger. Of one that is open, whoever has its link may know that
it is for one address, and never for which.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db import accounts as rows
from db import invites, workspaces
from db.ids import new_id
from db.models import (
    Actor,
    ActorKind,
    ActorRef,
    ChangedField,
    EventKind,
    FieldChange,
    Invite,
    Permission,
    Project,
    Role,
    User,
    WorkspaceKind,
)
from db.session import Session
from db.unit_of_work import Outcome, UnitOfWork, now
from domain import access, accounts, attempts, events, fields, members, notices
from domain.errors import ErrorCode, Forbidden, Invalid, LimitReached, NotFound
from domain.ids import typed
from domain.mails import queue_invitation
from domain.sessions import Desk

MAX_OPEN_INVITES = 500
MAX_USES = 5_000
MAX_LIFETIME = timedelta(days=365)
MAX_TOLD = 50
"""So many invites somebody hears of who proves their address; who sent the others may send them again."""


def new_token() -> str:
    """What goes into the link; 192 random bits."""
    return secrets.token_urlsafe(24)


def hash_of(token: str) -> bytes:
    """What is stored of a token. No salt: it is random already."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


@dataclass(frozen=True, slots=True)
class NewInvite:
    workspace_id: UUID
    role: Role
    project_ids: Sequence[UUID] = ()
    email: str | None = None
    max_uses: int | None = None
    expires_at: datetime | None = None


async def count_invitation(desk: Desk, actor: Actor, email: str) -> None:
    """Count the mail that an invite for an address sends, for whoever sends and whoever gets it.

    Raises TopLevel(RATE_LIMITED).
    """
    at = desk.clock()
    await attempts.count(desk.database, desk.limits.invitation_by_account, str(actor.user_id), at)
    await attempts.count(desk.database, desk.limits.mail_by_recipient, email.strip().lower(), at)


async def create_invite(uow: UnitOfWork, new: NewInvite, token: str) -> Outcome:
    """Raises NotFound, Forbidden for a role above one's own, Invalid, LimitReached."""
    grant = await access.permitted(uow, new.workspace_id, Permission.MEMBER_INVITE)
    workspace = await workspaces.workspace_by_id(uow, new.workspace_id)
    assert workspace is not None
    if workspace.kind is WorkspaceKind.PERSONAL:
        raise Invalid("A personal workspace is for one person: create a team workspace to invite to.", "workspaceId")
    if new.role is Role.OWNER:
        raise Invalid("There is always one OWNER: use transferWorkspace.", "role")
    if members.is_above(new.role, grant.role):
        raise Forbidden(Permission.MEMBER_ADMIN, "You can invite with roles up to your own.")
    access.require_role(grant, new.role)
    email = _checked(uow, new)
    await access.pointed_at(uow, Project, grant, list(new.project_ids), "projectIds")
    if await invites.count_open_invites(uow, new.workspace_id) >= MAX_OPEN_INVITES:
        raise LimitReached(f"A workspace has at most {MAX_OPEN_INVITES} open invites.", MAX_OPEN_INVITES)
    row = {
        "id": new_id(),
        "created_at": uow.now,
        "workspace_id": new.workspace_id,
        "token_hash": hash_of(token),
        "role": new.role.value,
        "email": email,
        "max_uses": new.max_uses if email is None else 1,
        "expires_at": new.expires_at,
        "created_by": uow.actor.user_id,
    }
    invite = await invites.insert_invite(uow, row, new.project_ids)
    if invite.email is not None:
        await queue_invitation(uow, invite)
    made = [FieldChange(ChangedField.ROLE, None, invite.role.value)]
    if invite.project_ids:
        made.append(FieldChange(ChangedField.PROJECTS, None, [typed("project", one) for one in invite.project_ids]))
    uow.remember(EventKind.INVITE, invite.workspace_id, invite.id, 1, made, is_audit=True)
    events.invite_changed(uow, None, invite)
    await _tell_invited(uow, invite, uow.actor.ref)
    return Outcome({"invite": str(invite.id)})


async def _tell_invited(uow: UnitOfWork, invite: Invite, by: ActorRef) -> None:
    """Whoever has proven that the address is theirs, and does not belong yet, hears of it here, too."""
    user = None if invite.email is None else await rows.user_by_email(uow, invite.email)
    if user is None or user.email_verified_at is None:
        return
    if user.id not in await workspaces.members_of(uow, invite.workspace_id, [user.id]):
        notices.invited(uow, invite, user.id, by)


async def tell_waiting(uow: UnitOfWork, user: User, but: UUID | None = None) -> None:
    """Whoever has just proven their address hears of the invites that wait for it, all `but` one of them."""
    for invite in await invites.open_invites_by_email(uow, user.email, uow.now, MAX_TOLD):
        if invite.id != but and await _may_give(uow, invite):
            await _tell_invited(uow, invite, ActorRef(ActorKind.USER, invite.created_by))


def _checked(uow: UnitOfWork, new: NewInvite) -> str | None:
    """Refuse what no invite can be; -> the address as it is stored."""
    if (new.role is Role.GUEST) != bool(new.project_ids):
        raise Invalid("Choose at least one project for a guest; people with other roles see them all.", "projectIds")
    fields.ids_up_to(500, "projects")(list(new.project_ids), "projectIds")
    if new.max_uses is not None and not 1 <= new.max_uses <= MAX_USES:
        raise Invalid(f"An invite is used between 1 and {MAX_USES} times.", "maxUses")
    if new.email is not None and new.max_uses not in (None, 1):
        raise Invalid("An invite for an address works once: leave maxUses out.", "maxUses")
    if new.expires_at is not None and not uow.now < new.expires_at <= uow.now + MAX_LIFETIME:
        raise Invalid("An invite expires in the future, within a year.", "expiresAt")
    return None if new.email is None else accounts.email(new.email, "email")


async def revoke_invite(uow: UnitOfWork, invite_id: UUID) -> Outcome:
    """Nobody joins by it any more. Again: nothing happens. Raises NotFound, Forbidden."""
    asked = typed("invite", invite_id)
    invite = await invites.lock_invite(uow, invite_id)
    if invite is None:
        raise NotFound(asked, "id")
    scope = await access.scope_of(uow, uow.actor)
    if not await invites.invites_by_ids(uow, scope, [invite_id]):
        raise NotFound(asked, "id")
    await access.permitted(uow, invite.workspace_id, Permission.MEMBER_INVITE, hidden=asked, path="id")
    if invite.revoked_at is None:
        after = await invites.update_invite(uow, invite_id, {"revoked_at": uow.now})
        gone = [FieldChange(ChangedField.ROLE, invite.role.value, None)]
        uow.remember(EventKind.INVITE, invite.workspace_id, invite.id, 2, gone, is_audit=True)
        events.invite_changed(uow, invite, after)
        notices.invite_ended(uow, invite)
    return Outcome({"invite": str(invite_id)})


def is_open(invite: Invite, at: datetime) -> bool:
    """Whether somebody can still join by it."""
    return (
        invite.revoked_at is None
        and (invite.expires_at is None or invite.expires_at > at)
        and (invite.max_uses is None or invite.use_count < invite.max_uses)
    )


async def _may_give(session: Session, invite: Invite) -> bool:
    """Whether who made it may still give what it gives: a removed member has no way back by a link they kept."""
    grants = await workspaces.grants_by_user_id(session, invite.created_by, invite.workspace_id)
    return any(
        Permission.MEMBER_INVITE in grant.permissions and not members.is_above(invite.role, grant.role)
        for grant in grants
    )


def _refused(path: str) -> Invalid:
    return Invalid(
        "This invite does not work: it may be mistyped, expired, used up or revoked. Ask for a new one.",
        path,
        code=ErrorCode.INVITE_INVALID,
    )


async def accept_invite(uow: UnitOfWork, token: str, user: User, path: str = "token") -> Outcome:
    """Join the workspace that a token leads to. A member already stays as they are and uses nothing up.

    An invite for an address has two tokens: whoever made it gets one, and the other went to that address alone, so
    that having it proves the address. Raises Invalid (INVITE_INVALID, also where it is for another address;
    UNVERIFIED_EMAIL when it is for an address that is not proven), LimitReached.
    """
    found = await invites.invite_by_token_hash(uow, hash_of(token))
    invite = None if found is None else await invites.lock_invite(uow, found.id)
    if invite is None or not is_open(invite, uow.now):
        raise _refused(path)
    workspace = await workspaces.lock_workspace(uow, invite.workspace_id)
    if workspace is None or not await _may_give(uow, invite):
        raise _refused(path)
    if invite.email is not None:
        if invite.email != user.email:
            raise Invalid(
                "This invite is for another email address: join with the account of the address it was sent to.",
                path,
                code=ErrorCode.INVITE_INVALID,
            )
        if user.email_verified_at is None and await invites.is_mail_token(uow, invite.id, hash_of(token)):
            await set_verified(uow, user)
            await tell_waiting(uow, user, but=invite.id)
        elif user.email_verified_at is None:
            raise Invalid(
                "This invite is for your email address: verify the address first.",
                path,
                code=ErrorCode.UNVERIFIED_EMAIL,
            )
    already = (await workspaces.members_of(uow, workspace.id, [user.id])).get(user.id)
    if already is not None:
        return Outcome({"membership": str(already.membership_id), "workspace": str(workspace.id)})
    after = await invites.update_invite(uow, invite.id, {"use_count": invite.use_count + 1})
    membership = await members.add_member(uow, workspace.id, user.id, invite.role, invite.project_ids)
    events.invite_changed(uow, invite, after)
    if invite.email is not None:
        notices.invite_ended(uow, invite)
    return Outcome({"membership": str(membership.id), "workspace": str(workspace.id)})


async def set_verified(uow: UnitOfWork, user: User) -> None:
    """The person has shown that they read mail to their address."""
    await rows.update_profile(uow, user.id, {"email_verified_at": uow.now}, uow.now)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a stranger may know of an invite."""

    workspace_name: str
    role: Role
    invited_by: str
    is_for_one_address: bool
    """Not for which: that is its owner's to know, and the link may have gone on to others."""


async def preview(session: Session, token: str) -> Preview | None:
    """What a token leads to; None for anything that does not let in."""
    invite = await invites.invite_by_token_hash(session, hash_of(token))
    if invite is None or not is_open(invite, now()) or not await _may_give(session, invite):
        return None
    workspace = await workspaces.workspace_by_id(session, invite.workspace_id)
    people = await workspaces.users_by_ids(session, [invite.created_by])
    if workspace is None:
        return None
    return Preview(workspace.name, invite.role, people[invite.created_by].name, invite.email is not None)
