"""Who belongs to a workspace: joining, roles, leaving, and what that takes away.

A change of rights goes through `UnitOfWork.change_rights`, after the actor's own
right was judged under the lock; its event tells the hub from where on it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from db import subscriptions, workspaces
from db.errors import Duplicate
from db.ids import new_id
from db.models import ChangedField, EventKind, FieldChange, Membership, Permission, Project, Role, User
from db.scope import Grant
from db.unit_of_work import Outcome, UnitOfWork
from db.workspaces import grant_of
from domain import access, api_tokens, events, notices, tasks
from domain.errors import ErrorCode, Forbidden, Invalid, LimitReached, NotFound
from domain.ids import typed
from domain.merge import Base, Versioned, settle

MAX_MEMBERS = 5_000

RANKING = (Role.VIEWER, Role.GUEST, Role.MEMBER, Role.ADMIN, Role.OWNER)
"""From the least to the most that a role may do."""


def is_above(role: Role, other: Role) -> bool:
    return RANKING.index(role) > RANKING.index(other)


async def add_member(
    uow: UnitOfWork, workspace_id: UUID, user_id: UUID, role: Role, project_ids: Sequence[UUID] = ()
) -> Membership:
    """Somebody joins. Raises LimitReached, Invalid(ALREADY_EXISTS)."""
    if await workspaces.count_members(uow, workspace_id) >= MAX_MEMBERS:
        raise LimitReached(f"A workspace has at most {MAX_MEMBERS} members.", MAX_MEMBERS)
    row = {
        "id": new_id(),
        "created_at": uow.now,
        "updated_at": uow.now,
        "workspace_id": workspace_id,
        "user_id": user_id,
        "role": role.value,
    }
    try:
        membership = await workspaces.insert_membership(uow, row, project_ids)
    except Duplicate as error:
        raise Invalid("You are a member of this workspace already.", code=ErrorCode.ALREADY_EXISTS) from error
    _remember(uow, membership, _rights(None, membership))
    events.membership_changed(uow, None, membership)
    return membership


def _remember(uow: UnitOfWork, member: Membership, changes: Sequence[FieldChange]) -> None:
    uow.remember(EventKind.MEMBERSHIP, member.workspace_id, member.id, member.version, changes, is_audit=True)


def _rights(before: Membership | None, after: Membership | None) -> list[FieldChange]:
    """All that somebody may see and do, as a change from nothing, or to nothing."""
    roles = [None if one is None else one.role.value for one in (before, after)]
    found = [FieldChange(ChangedField.ROLE, roles[0], roles[1])]
    lists = [
        None if one is None or one.project_ids is None else shown_projects(one.project_ids) for one in (before, after)
    ]
    if lists != [None, None]:
        found.append(FieldChange(ChangedField.PROJECTS, lists[0], lists[1]))
    return found


def shown_projects(project_ids: Iterable[UUID]) -> list[str]:
    return [typed("project", one) for one in sorted(project_ids)]


async def other_member(uow: UnitOfWork, membership_id: UUID, path: str) -> tuple[Grant, Membership]:
    """Lock somebody's membership, with the actor's own, for a change by an actor with MEMBER_ADMIN."""
    asked = typed("membership", membership_id)
    found = await workspaces.membership_by_id(uow, membership_id)
    if found is None:
        raise NotFound(asked, path)
    grant = await access.permitted(uow, found.workspace_id, None, hidden=asked, path=path)
    scope = await access.scope_of(uow, uow.actor)
    if membership_id not in await workspaces.memberships_by_ids(uow, scope, [membership_id]):
        raise NotFound(asked, path)
    await access.permitted(uow, found.workspace_id, Permission.MEMBER_ADMIN, hidden=asked, path=path)
    locked = await workspaces.lock_memberships(uow, found.workspace_id, [membership_id, grant.membership_id])
    if membership_id not in locked:
        raise NotFound(asked, path)
    return grant, locked[membership_id]


async def update_member_role(uow: UnitOfWork, membership_id: UUID, role: Role, base: Base) -> Outcome:
    """Give somebody another role, below or equal to one's own. The OWNER changes by transfer alone.

    Who becomes a GUEST sees no project until added to one. Raises NotFound, Forbidden, Invalid, Conflict.
    """
    grant, member = await other_member(uow, membership_id, "id")
    may_give(grant, member, role)
    thing = Versioned(member.workspace_id, member.id, member.version)
    changes, merged = await settle(uow, thing, base, {ChangedField.ROLE: (member.role.value, role.value)})
    if changes:
        await change_role(uow, member, role)
    return Outcome({"membership": str(membership_id)}, tuple(field.value for field in merged))


def may_give(grant: Grant, member: Membership, role: Role) -> None:
    """Raises Invalid, and Forbidden for roles above one's own."""
    if Role.OWNER in {role, member.role}:
        raise Invalid("There is always one OWNER: use transferWorkspace.", "role")
    if is_above(member.role, grant.role) or is_above(role, grant.role):
        raise Forbidden(Permission.WORKSPACE_ADMIN, "Only a role up to your own can be given or taken.")
    access.require_role(grant, role)


async def change_role(uow: UnitOfWork, member: Membership, role: Role, project_ids: Sequence[UUID] = ()) -> Membership:
    """Give a locked member another role; `project_ids`: what they see as a GUEST. -> the membership after it."""
    guests_projects = tuple(project_ids) if role is Role.GUEST else None
    after = replace(member, version=member.version + 1, updated_at=uow.now, role=role, project_ids=guests_projects)
    changes = [FieldChange(ChangedField.ROLE, member.role.value, role.value)]
    if member.project_ids or project_ids:
        lists = [None if one is None else shown_projects(one) for one in (member.project_ids, after.project_ids)]
        changes.append(FieldChange(ChangedField.PROJECTS, *lists))
    _remember(uow, after, changes)
    await tasks.release_assignments(uow, member.workspace_id, member.user_id, grant_of(after))
    notices.access_lost(uow, member.workspace_id, member.user_id, grant_of(after))
    events.membership_changed(uow, member, after, changes)
    uow.change_rights(lambda: _store_role(uow, member, after))
    return after


async def _store_role(uow: UnitOfWork, before: Membership, after: Membership) -> None:
    if Role.GUEST in {before.role, after.role}:
        await workspaces.remove_guest_projects(uow, after.id)
        await workspaces.add_guest_projects(uow, after.workspace_id, after.id, after.project_ids or ())
    await workspaces.update_membership(uow, after.id, after.role, uow.now)


async def remove_member(uow: UnitOfWork, membership_id: UUID) -> Outcome:
    """Somebody has to leave; their assignments are released. Raises NotFound, Forbidden, Invalid."""
    grant, member = await other_member(uow, membership_id, "id")
    if member.user_id == uow.actor.user_id:
        raise Invalid("To leave yourself, use leaveWorkspace.", "id")
    if member.role is Role.OWNER or is_above(member.role, grant.role):
        raise Forbidden(Permission.WORKSPACE_ADMIN, "Somebody with a role above your own cannot be removed by you.")
    await take_out(uow, member)
    return Outcome({"removed_membership": str(membership_id)})


async def leave_workspace(uow: UnitOfWork, workspace_id: UUID) -> Outcome:
    """The OWNER has to transfer the workspace first. Raises NotFound, Invalid."""
    grant = await access.permitted(uow, workspace_id, None, path="id")
    member = (await workspaces.lock_memberships(uow, workspace_id, [grant.membership_id])).get(grant.membership_id)
    if member is None:
        raise NotFound(typed("workspace", workspace_id), "id")
    if member.role is Role.OWNER:
        raise Invalid("The OWNER cannot leave: transfer or delete the workspace.", "id")
    await take_out(uow, member)
    return Outcome({"left_workspace": str(workspace_id)})


async def take_out(uow: UnitOfWork, member: Membership) -> None:
    """Somebody is no longer a member, and no longer assigned. Their membership is locked, and not the OWNER's."""
    await subscriptions.forget_subscriptions(uow, member.workspace_id, member.user_id)
    notices.access_lost(uow, member.workspace_id, member.user_id, None)
    await tasks.release_assignments(uow, member.workspace_id, member.user_id, None)
    _remember(uow, replace(member, version=member.version + 1), _rights(member, None))
    await api_tokens.revoke_tokens_of(uow, member.workspace_id, member.user_id)
    events.membership_changed(uow, member, None)
    uow.change_rights(lambda: workspaces.delete_membership(uow, member.id))


async def transfer_ownership(uow: UnitOfWork, workspace_id: UUID, to_id: UUID) -> None:
    """The OWNER becomes an ADMIN, and another member the OWNER. Raises NotFound, Invalid."""
    grant = await access.permitted(uow, workspace_id, None, path="id")
    locked = await workspaces.lock_memberships(uow, workspace_id, [grant.membership_id, to_id])
    if to_id not in locked:
        raise NotFound(typed("membership", to_id), "toMembershipId")
    if to_id == grant.membership_id:
        raise Invalid("The workspace is yours already.", "toMembershipId")

    # The owner first: the database allows one at a time.
    for member, role in ((locked[grant.membership_id], Role.ADMIN), (locked[to_id], Role.OWNER)):
        await change_role(uow, member, role)


# ---- guests of a project


async def add_project_guest(uow: UnitOfWork, project_id: UUID, membership_id: UUID) -> Outcome:
    """A GUEST sees one more project. Raises NotFound, Forbidden, Invalid."""
    _, _, member = await _guest(uow, project_id, membership_id)
    current = member.project_ids or ()
    if project_id not in current:
        await set_guest_projects(uow, member, [*current, project_id])
    return Outcome({"membership": str(membership_id)})


async def remove_project_guest(uow: UnitOfWork, project_id: UUID, membership_id: UUID) -> Outcome:
    """A GUEST no longer sees a project; their assignments in it are released. Raises NotFound, Forbidden, Invalid."""
    _, _, member = await _guest(uow, project_id, membership_id)
    current = member.project_ids or ()
    if project_id in current:
        await set_guest_projects(uow, member, [one for one in current if one != project_id])
    return Outcome({"membership": str(membership_id)})


async def forget_project(uow: UnitOfWork, project: Project) -> None:
    """All guests of a project lose it, as it is about to be deleted."""
    for guest in await workspaces.guests_of_project(uow, project.id):
        locked = await workspaces.lock_memberships(uow, project.workspace_id, [guest.id])
        if guest.id in locked:
            left = [one for one in locked[guest.id].project_ids or () if one != project.id]
            await set_guest_projects(uow, locked[guest.id], left)


async def _guest(uow: UnitOfWork, project_id: UUID, membership_id: UUID) -> tuple[Grant, Project, Membership]:
    grant, project = await access.administered(uow, Project, project_id, path="projectId")
    locked = await workspaces.lock_memberships(uow, grant.workspace_id, [membership_id])
    member = locked.get(membership_id)
    if member is None:
        raise NotFound(typed("membership", membership_id), "membershipId")
    if member.role is not Role.GUEST:
        raise Invalid("Only a GUEST is added to projects; every other role sees them all.", "membershipId")
    return grant, project, member


async def set_guest_projects(uow: UnitOfWork, member: Membership, project_ids: list[UUID]) -> Membership:
    """A locked GUEST sees these projects, which stay until the commit; -> the membership after it."""
    before = member.project_ids or ()
    gone = [one for one in before if one not in project_ids]
    if gone:
        await workspaces.remove_guest_projects(uow, member.id, gone)
    new = [one for one in project_ids if one not in before]
    await workspaces.add_guest_projects(uow, member.workspace_id, member.id, new)
    after = await workspaces.update_membership(uow, member.id, member.role, uow.now)
    change = [FieldChange(ChangedField.PROJECTS, shown_projects(before), shown_projects(project_ids))]
    _remember(uow, after, change)
    await tasks.release_assignments(uow, member.workspace_id, member.user_id, grant_of(after))
    notices.access_lost(uow, member.workspace_id, member.user_id, grant_of(after))
    events.membership_changed(uow, member, after, change)
    return after


async def announce_profile(uow: UnitOfWork, before: User, after: User) -> None:
    """Somebody's name or handle changed: told in each of their workspaces."""
    changes = [FieldChange(ChangedField.NAME, before.name, after.name)] if before.name != after.name else []
    for grant in await workspaces.grants_by_user_id(uow, after.id):
        locked = await workspaces.lock_memberships(uow, grant.workspace_id, [grant.membership_id])
        for member in locked.values():
            events.membership_changed(uow, member, member, changes)
