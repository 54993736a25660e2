"""The doors: the only way from an id that somebody sent to a row they may change.

Whoever may not see a thing hears NotFound, exactly as for a thing that is not
there; whoever sees it but may not do this hears Forbidden. A door also puts the
right on the unit's list, to be judged again under the lock of the log's head,
so a write never commits after the removal of its author.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar
from uuid import UUID

from db import comments, projects, tasks, workspaces
from db.models import Actor, Comment, Label, Permission, Project, Role, Status, Task, Workspace
from db.scope import PERMISSIONS, Grant, Scope, within
from db.session import Session
from db.unit_of_work import UnitOfWork
from domain.errors import Forbidden, NotFound
from domain.ids import typed

Row = TypeVar("Row", Project, Status, Label)

KIND_NAMES: dict[type, str] = {Project: "project", Status: "status", Label: "label"}


async def grants_of(session: Session, actor: Actor, workspace_id: UUID | None = None) -> list[Grant]:
    """What an actor may see and do, in all their workspaces or in one: a token, within what it was made with."""
    if actor.token is not None:
        if workspace_id not in (None, actor.token.workspace_id):
            return []
        workspace_id = actor.token.workspace_id
    found = await workspaces.grants_by_user_id(session, actor.user_id, workspace_id)
    return [grant for one in found if (grant := within(one, actor.token)) is not None]


async def scope_of(session: Session, actor: Actor) -> Scope:
    """All that somebody may see."""
    return Scope(tuple(await grants_of(session, actor)))


async def scopes_of(session: Session, user_ids: Collection[UUID]) -> dict[UUID, Scope]:
    """The same of several people; everybody has an entry."""
    found = await workspaces.grants_by_user_ids(session, user_ids)
    return {one: Scope(tuple(grants)) for one, grants in found.items()}


async def permitted(
    uow: UnitOfWork,
    workspace_id: UUID,
    permission: Permission | None,
    *,
    hidden: str | None = None,
    path: str = "workspaceId",
) -> Grant:
    """The actor's grant in a workspace, if it has the permission (None: being a member is enough).

    Raises NotFound (of `hidden`, the id that was asked for) for strangers, Forbidden without the permission.
    """
    asked = hidden or typed("workspace", workspace_id)
    grant = await _member(uow, workspace_id, asked, path)
    require(uow, grant, permission, asked, path)
    return grant


async def _member(uow: UnitOfWork, workspace_id: UUID, asked: str, path: str) -> Grant:
    grant = await _grant(uow, workspace_id)
    if grant is None:
        raise NotFound(asked, path)
    return grant


def require(uow: UnitOfWork, grant: Grant, permission: Permission | None, asked: str, path: str) -> None:
    """Judge now, and once more at the commit."""
    _judge(grant, permission, asked, path)

    async def again() -> None:
        _judge(await _grant(uow, grant.workspace_id), permission, asked, path)

    uow.recheck((grant.workspace_id, permission), again)


async def _grant(uow: UnitOfWork, workspace_id: UUID) -> Grant | None:
    found = await grants_of(uow, uow.actor, workspace_id)
    return found[0] if found else None


def _judge(grant: Grant | None, permission: Permission | None, asked: str, path: str) -> None:
    if grant is None:
        raise NotFound(asked, path)
    if permission is not None and permission not in grant.permissions:
        raise Forbidden(permission)


def require_role(grant: Grant, role: Role) -> None:
    """A token can give nobody a role that may do more than itself. Raises Forbidden."""
    if grant.scopes is not None:
        for permission in Permission:
            if permission in PERMISSIONS[role] and permission not in grant.permissions:
                raise Forbidden(permission)


def keep_seeing(uow: UnitOfWork, grant: Grant, project_id: UUID | None, asked: str, path: str) -> None:
    """For a guest: the project must still be one of theirs when the unit commits."""
    if grant.project_ids is None:
        return

    async def again() -> None:
        current = await _grant(uow, grant.workspace_id)
        if current is None or not current.sees_project(project_id):
            raise NotFound(asked, path)

    uow.recheck((grant.workspace_id, "project", project_id), again)


async def visible_task(
    uow: UnitOfWork, task_id: UUID, permission: Permission, *, path: str = "id", is_deleted: bool = False
) -> tuple[Grant, Task]:
    """Lock a task for a change. A GUEST has TASK_DELETE for the tasks they created.

    `is_deleted`: deleted tasks are found as well. Raises NotFound, Forbidden.
    """
    asked = typed("task", task_id)
    found = await workspaces.grant_locking_task(uow, uow.actor.user_id, task_id)
    grant = None if found is None else within(found, uow.actor.token)
    if grant is None:
        raise NotFound(asked, path)
    # In a statement of its own: the sets of a row that was waited for are seen only by a newer snapshot.
    task = (await tasks.read_tasks(uow, grant.workspace_id, [task_id])).get(task_id)
    task = _seen(uow, grant, task, asked, path, is_deleted=is_deleted)
    is_own = task.created_by == uow.actor.ref
    may_as_author = (
        permission is Permission.TASK_DELETE and grant.role is Role.GUEST and is_own and grant.may_use(permission)
    )
    require(uow, grant, Permission.TASK_WRITE if may_as_author else permission, asked, path)
    return grant, task


def _seen(uow: UnitOfWork, grant: Grant, task: Task | None, asked: str, path: str, *, is_deleted: bool = False) -> Task:
    """A locked task that the actor sees, and goes on seeing. Raises NotFound of `asked`."""
    if task is None or not grant.sees_project(task.project_id) or (task.deleted_at and not is_deleted):
        raise NotFound(asked, path)
    keep_seeing(uow, grant, task.project_id, asked, path)
    return task


async def visible_comment(
    uow: UnitOfWork, comment_id: UUID, permission: Permission, *, path: str = "id", is_deleted: bool = False
) -> tuple[Grant, Task, Comment]:
    """Lock a comment, with its task, for a change. `is_deleted`: deleted comments are found as well.

    Raises NotFound, Forbidden.
    """
    asked = typed("comment", comment_id)
    place = await comments.place_of_comment(uow, comment_id)
    if place is None:
        raise NotFound(asked, path)
    grant = await _member(uow, place[0], asked, path)
    locked = await tasks.lock_tasks(uow, grant.workspace_id, [place[1]])
    task = _seen(uow, grant, locked.get(place[1]), asked, path)
    comment = (await comments.lock_comments(uow, place[0], [comment_id])).get(comment_id)
    if comment is None or (comment.deleted_at and not is_deleted):
        raise NotFound(asked, path)
    require(uow, grant, permission, asked, path)
    return grant, task, comment


async def who_see(
    uow: UnitOfWork, workspace_id: UUID, project_id: UUID | None, user_ids: list[UUID], path: str
) -> None:
    """These members see the tasks of a project (or of none), and do so until the commit. Raises NotFound."""
    if not user_ids:
        return
    members = await workspaces.members_of(uow, workspace_id, user_ids, for_share=True)
    for user_id in user_ids:
        if user_id not in members or not members[user_id].sees_project(project_id):
            raise NotFound(typed("user", user_id), path)


async def administered(uow: UnitOfWork, kind: type[Row], row_id: UUID, *, path: str = "id") -> tuple[Grant, Row]:
    """Lock a project, status or label for a change by somebody with PROJECT_ADMIN. Raises NotFound, Forbidden."""
    asked = typed(KIND_NAMES[kind], row_id)
    workspace_id = await projects.workspace_id_of(uow, kind, row_id)
    if workspace_id is None:
        raise NotFound(asked, path)
    grant = await _member(uow, workspace_id, asked, path)
    if kind is Project and not grant.sees_project(row_id):
        raise NotFound(asked, path)
    require(uow, grant, Permission.PROJECT_ADMIN, asked, path)
    row = (await projects.lock_rows(uow, kind, workspace_id, [row_id])).get(row_id)
    if row is None:
        raise NotFound(asked, path)
    return grant, row


async def pointed_at(uow: UnitOfWork, kind: type[Row], grant: Grant, row_ids: list[UUID], path: str) -> dict[UUID, Row]:
    """Rows of this workspace that a task is about to point at; they stay until the commit. Raises NotFound."""
    if not row_ids:
        return {}
    found = await projects.lock_rows(uow, kind, grant.workspace_id, row_ids, for_share=True)
    for row_id in row_ids:
        is_hidden = kind is Project and not grant.sees_project(row_id)
        if row_id not in found or is_hidden:
            raise NotFound(typed(KIND_NAMES[kind], row_id), path)
    return found


async def administered_workspace(
    uow: UnitOfWork, workspace_id: UUID, roles: frozenset[Role], *, path: str = "id"
) -> tuple[Grant, Workspace]:
    """Lock a workspace for a change by somebody of these roles. Raises NotFound, Forbidden(WORKSPACE_ADMIN)."""
    asked = typed("workspace", workspace_id)
    grant = await _member(uow, workspace_id, asked, path)

    async def again() -> None:
        current = await _grant(uow, workspace_id)
        _judge(current, None, asked, path)
        if current is not None and not (current.role in roles and current.may_use(Permission.WORKSPACE_ADMIN)):
            raise Forbidden(Permission.WORKSPACE_ADMIN)

    await again()
    uow.recheck((workspace_id, roles), again)
    workspace = await workspaces.lock_workspace(uow, workspace_id)
    if workspace is None:
        raise NotFound(asked, path)
    return grant, workspace
