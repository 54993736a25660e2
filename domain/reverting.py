"""Undo: one change, or all that one mutation made, taken back as new changes.

What was made by a mutation and what is gone for good is no change that can be undone: joining and leaving, invites,
and whatever points at a project, status or label that was deleted. Each kind is judged like the update that its undo
is; and whoever does not see everything that it is about sees no such change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from db import history, projects, workspaces
from db.models import (
    Change,
    ChangedField,
    EventKind,
    FieldChange,
    Label,
    Membership,
    Permission,
    Project,
    Role,
    Status,
)
from db.scope import Grant
from db.unit_of_work import Outcome, UnitOfWork
from db.workspaces import grant_of
from domain import access, arrangement, comments, ids, members, task_undoing
from domain import workspaces as workspace_rules
from domain.errors import Conflict, Forbidden, Refusal, Refusals
from domain.ids import typed
from domain.merge import Base
from domain.task_fields import shown
from domain.undoing import GONE, Target, Undo, undos_of, wanted_back

_ARRANGED: dict[EventKind, type[Any]] = {
    EventKind.PROJECT: Project,
    EventKind.STATUS: Status,
    EventKind.LABEL: Label,
}
_ANY_BASE = Base()


async def revert_changes(uow: UnitOfWork, target: Target) -> Outcome:
    """Undo a change or a change set: all of it, or nothing. Raises NotFound, Forbidden, Invalid, Refusals.

    Of several objects that have moved on, each has a conflict of its own. What is as it was before already stays.
    """
    undos = undos_of(await _changes(uow, target))
    if not undos:
        raise target.missing()
    await _see(uow, target, undos)
    # People's rights first, as what they are assigned to depends on them; comments after their tasks, for the locks.
    of_tasks = [one for one in undos if one.kind is EventKind.TASK]
    conflicts: list[Refusal] = []
    grants_after: dict[UUID, Grant] = {}
    for undo in sorted((one for one in undos if one.kind is not EventKind.TASK), key=_turn):
        if of_tasks and undo.kind is EventKind.COMMENT:
            conflicts += await task_undoing.undo_tasks(uow, target, of_tasks, grants_after)
            of_tasks = []
        try:
            await _undo(uow, target, undo, grants_after)
        except Conflict as conflict:
            conflicts.append(conflict)
    if of_tasks:
        conflicts += await task_undoing.undo_tasks(uow, target, of_tasks, grants_after)
    if conflicts:
        for one in conflicts:
            one.path = target.path
        raise Refusals(conflicts)
    return Outcome({"entities": [typed(one.kind.value.lower(), one.entity_id) for one in undos]})


def _turn(undo: Undo) -> tuple[int, UUID]:
    order = (EventKind.MEMBERSHIP, EventKind.WORKSPACE, *_ARRANGED, EventKind.COMMENT)
    return order.index(undo.kind), undo.entity_id


async def _changes(uow: UnitOfWork, target: Target) -> list[Change]:
    if target.is_set:
        return await history.change_set(uow, target.id)
    found = await history.change_by_id(uow, target.id)
    return [] if found is None else [found]


async def _see(uow: UnitOfWork, target: Target, undos: Sequence[Undo]) -> None:
    """Hide what is not for the actor, and say of the rest whether it can be undone. Raises NotFound, Invalid."""
    with target.seen():
        grant = await access.permitted(uow, undos[0].workspace_id, None, hidden=target.asked, path="target")
    if len({one.workspace_id for one in undos}) > 1:
        raise target.missing()
    is_final = False
    for undo in undos:
        if undo.kind in {EventKind.MEMBERSHIP, EventKind.INVITE}:
            is_about_projects = undo.kind is EventKind.MEMBERSHIP and not undo.touches(ChangedField.ROLE)
            needed = Permission.PROJECT_ADMIN if is_about_projects else Permission.MEMBER_ADMIN
            if needed not in grant.permissions:
                raise target.missing()
            is_final = is_final or undo.kind is EventKind.INVITE or _comes_or_goes(undo)
    if is_final:
        raise target.impossible("Joining, leaving and invites cannot be undone.")


def _comes_or_goes(undo: Undo) -> bool:
    return any(one.field is ChangedField.ROLE and None in {one.before, one.after} for one in undo.fields)


async def _undo(uow: UnitOfWork, target: Target, undo: Undo, grants_after: dict[UUID, Grant]) -> None:
    if undo.kind is EventKind.MEMBERSHIP:
        after = await _undo_membership(uow, target, undo)
        grants_after[after.user_id] = grant_of(after)
    elif undo.kind is EventKind.WORKSPACE:
        await _undo_workspace(uow, target, undo)
    elif undo.kind is EventKind.COMMENT:
        await _undo_comment(uow, target, undo)
    else:
        await _undo_arranged(uow, target, undo, _ARRANGED[undo.kind])


async def _undo_arranged(uow: UnitOfWork, target: Target, undo: Undo, kind: type[Any]) -> None:
    with target.seen():
        _, row = await access.administered(uow, kind, undo.entity_id, path="target")
    now = {one.field: shown(one.field, getattr(row, arrangement.COLUMNS[one.field])) for one in undo.fields}
    wanted = await wanted_back(uow, undo, row.version, now)
    if wanted.get(ChangedField.ARCHIVED) is not None:
        wanted[ChangedField.ARCHIVED] = datetime.fromisoformat(wanted[ChangedField.ARCHIVED])
    with target.undone():
        await arrangement.rewrite(uow, kind, row, wanted, _ANY_BASE)


async def _undo_workspace(uow: UnitOfWork, target: Target, undo: Undo) -> None:
    with target.seen():
        workspace = await workspace_rules.renamed(uow, undo.entity_id)
    now = {one.field: getattr(workspace, workspace_rules.COLUMNS[one.field]) for one in undo.fields}
    wanted = await wanted_back(uow, undo, workspace.version, now)
    with target.undone():
        await workspace_rules.rewrite(uow, workspace, wanted, _ANY_BASE)


async def _undo_comment(uow: UnitOfWork, target: Target, undo: Undo) -> None:
    with target.seen():
        grant, task, comment = await access.visible_comment(
            uow, undo.entity_id, Permission.COMMENT_WRITE, path="target", is_deleted=True
        )
    may_delete = comments.may_delete(uow, grant, comment)
    if comment.deleted_at is not None and not (undo.touches(ChangedField.DELETED) and may_delete):
        raise target.missing()
    if undo.touches(ChangedField.DELETED) and not may_delete:
        raise Forbidden(Permission.MEMBER_ADMIN, "Only its author, or somebody with MEMBER_ADMIN, deletes a comment.")
    values = {
        ChangedField.BODY: comment.body,
        ChangedField.RESOLVED: comment.resolved_at is not None,
        ChangedField.DELETED: shown(ChangedField.DELETED, comment.deleted_at),
    }
    wanted = await wanted_back(uow, undo, comment.version, values)
    if wanted.get(ChangedField.DELETED) is not None:
        wanted[ChangedField.DELETED] = shown(ChangedField.DELETED, uow.now)
    changes = [FieldChange(field, values[field], value) for field, value in wanted.items()]
    if changes:
        with target.undone():
            await comments.write(uow, task, comment, changes, is_undo=True)


async def _undo_membership(uow: UnitOfWork, target: Target, undo: Undo) -> Membership:
    """What somebody may do, and what a GUEST sees. Projects that were deleted since stay away."""
    if undo.touches(ChangedField.ROLE):
        with target.seen():
            grant, member = await members.other_member(uow, undo.entity_id, "target")
    else:
        grant, member = await _guest(uow, target, undo)
    now = {ChangedField.ROLE: member.role.value, ChangedField.PROJECTS: _shown_projects(member)}
    if now[ChangedField.PROJECTS] is None and not undo.touches(ChangedField.ROLE):
        raise target.impossible("Only a GUEST is added to projects; every other role sees them all.")
    wanted = await wanted_back(uow, undo, member.version, now)
    listed = [ids.parse("project", one) for one in wanted.get(ChangedField.PROJECTS) or ()]
    found = await projects.lock_rows(uow, Project, member.workspace_id, listed, for_share=True)
    project_ids = [one for one in listed if one in found]
    if ChangedField.ROLE in wanted:
        role = Role(wanted[ChangedField.ROLE])
        with target.undone():
            members.may_give(grant, member, role)
            return await members.change_role(uow, member, role, project_ids)
    if ChangedField.PROJECTS not in wanted:
        return member
    if listed and not project_ids:
        raise target.impossible(GONE)
    return await members.set_guest_projects(uow, member, project_ids)


def _shown_projects(member: Membership) -> list[str] | None:
    return None if member.project_ids is None else members.shown_projects(member.project_ids)


async def _guest(uow: UnitOfWork, target: Target, undo: Undo) -> tuple[Grant, Membership]:
    """Lock a membership for a change of its projects. Raises NotFound, Forbidden."""
    grant = await access.permitted(uow, undo.workspace_id, Permission.PROJECT_ADMIN, hidden=target.asked, path="target")
    locked = await workspaces.lock_memberships(uow, undo.workspace_id, [undo.entity_id])
    if undo.entity_id not in locked:
        raise target.missing()
    return grant, locked[undo.entity_id]
