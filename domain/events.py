"""What happened, and who is told: the one place where an event gets its audience.

Everything a change of visibility needs is in the event itself: who saw the
object before and who sees it after. The hub reads nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from db.images import image
from db.models import (
    ChangeOp,
    Comment,
    EventKind,
    FieldChange,
    Invite,
    Label,
    Membership,
    NewEvent,
    Permission,
    Project,
    Revocation,
    Role,
    Status,
    Task,
    Workspace,
)
from db.scope import EVERYBODY_TAG, MEMBERS_TAG, Grant, permission_tag, person_tag, project_tag
from db.unit_of_work import UnitOfWork
from db.workspaces import grant_of

Audience = frozenset[str]
NOBODY: Audience = frozenset()
_EVERYBODY: Audience = frozenset({EVERYBODY_TAG})
_INVITERS: Audience = frozenset({permission_tag(Permission.MEMBER_INVITE)})


def project_audience(project_id: UUID | None) -> Audience:
    """Who sees what lies in a project: all whole members, and its guests."""
    return frozenset({MEMBERS_TAG} if project_id is None else {MEMBERS_TAG, project_tag(project_id)})


def task_audience(task: Task) -> Audience:
    """Who sees a task; nobody once it is deleted."""
    return NOBODY if task.deleted_at else project_audience(task.project_id)


def membership_audience(membership: Membership | Grant) -> Audience:
    """Who sees somebody as a member: everybody, but a guest only whole members and the guests beside them."""
    if membership.role is not Role.GUEST:
        return _EVERYBODY
    beside = {project_tag(project_id) for project_id in membership.project_ids or ()}
    return frozenset({MEMBERS_TAG, person_tag(membership.user_id)} | beside)


def task_changed(uow: UnitOfWork, before: Task | None, after: Task, changes: Sequence[FieldChange] = ()) -> None:
    """Records what became of a task: created (or restored), updated, or deleted."""
    seen_before = NOBODY if before is None else task_audience(before)
    seen_after = task_audience(after)
    if not seen_before and not seen_after:
        return
    op = ChangeOp.UPDATED
    if not seen_before:
        op = ChangeOp.CREATED
    elif not seen_after:
        op = ChangeOp.DELETED
    projects = {task.project_id for task in (before, after) if task is not None and task.project_id is not None}
    uow.record(
        NewEvent(
            workspace_id=after.workspace_id,
            kind=EventKind.TASK,
            op=op,
            entity_id=after.id,
            task_id=after.id,
            project_ids=frozenset(projects),
            seen_before=seen_before,
            seen_after=seen_after,
            changes=tuple(changes),
            image=image(after) if seen_after else None,
        )
    )


def sight_changed(before: Task, after: Task) -> Audience:
    """Who sees a task come or go; those among them who see it before and after see nothing special."""
    return task_audience(before) ^ task_audience(after)


def subtask_rehung(uow: UnitOfWork, task: Task, audience: Audience) -> None:
    """Records that for these a task has its parent now, or none, though nothing of its own changed."""
    seen = task_audience(task) & audience
    if seen:
        _look_again(uow, task, seen)


def _look_again(uow: UnitOfWork, task: Task, seen: Audience) -> None:
    uow.record(
        NewEvent(
            workspace_id=task.workspace_id,
            kind=EventKind.TASK,
            op=ChangeOp.UPDATED,
            entity_id=task.id,
            task_id=task.id,
            project_ids=_projects(task),
            seen_before=seen,
            seen_after=seen,
            image=image(task),
        )
    )


def followers_changed(uow: UnitOfWork, task: Task) -> None:
    """Records that somebody follows a task or does so no more, though nothing of its own changed."""
    _look_again(uow, task, task_audience(task))


def _projects(task: Task) -> frozenset[UUID]:
    return frozenset() if task.project_id is None else frozenset({task.project_id})


def comment_changed(
    uow: UnitOfWork, task: Task, before: Comment | None, after: Comment | None, changes: Sequence[FieldChange] = ()
) -> None:
    """Records what became of a comment, for all who see its task."""
    comment = after or before
    assert comment is not None
    audience = task_audience(task)
    uow.record(
        NewEvent(
            workspace_id=task.workspace_id,
            kind=EventKind.COMMENT,
            op=_op(before, after),
            entity_id=comment.id,
            task_id=task.id,
            project_ids=_projects(task),
            seen_before=NOBODY if before is None else audience,
            seen_after=NOBODY if after is None else audience,
            changes=tuple(changes),
            image=None if after is None else image(after),
        )
    )


def reactions_changed(uow: UnitOfWork, task: Task, comment: Comment | None) -> None:
    """Records that somebody reacted to a task or a comment of it, or took that back."""
    audience = task_audience(task)
    uow.record(
        NewEvent(
            workspace_id=task.workspace_id,
            kind=EventKind.REACTION,
            op=ChangeOp.UPDATED,
            entity_id=task.id if comment is None else comment.id,
            task_id=task.id,
            project_ids=_projects(task),
            seen_before=audience,
            seen_after=audience,
        )
    )


def membership_changed(
    uow: UnitOfWork, before: Membership | None, after: Membership | None, changes: Sequence[FieldChange] = ()
) -> None:
    """Records that somebody joined, left, or has other rights; the last two revoke what they had."""
    member = after or before
    assert member is not None
    revokes = None
    if before is not None:
        tags_before = grant_of(before).tags
        tags_after = None if after is None else grant_of(after).tags
        if tags_before != tags_after:
            revokes = Revocation(member.user_id, tags_after)
    uow.record(
        NewEvent(
            workspace_id=member.workspace_id,
            kind=EventKind.MEMBERSHIP,
            op=_op(before, after),
            entity_id=member.id,
            seen_before=NOBODY if before is None else membership_audience(before),
            seen_after=NOBODY if after is None else membership_audience(after),
            changes=tuple(changes),
            image=None if after is None else image(after),
            revokes=revokes,
        )
    )


def project_changed(
    uow: UnitOfWork, before: Project | None, after: Project | None, changes: Sequence[FieldChange] = ()
) -> None:
    """Records what became of a project."""
    project = after or before
    assert project is not None
    audience = project_audience(project.id)
    uow.record(
        NewEvent(
            workspace_id=project.workspace_id,
            kind=EventKind.PROJECT,
            op=_op(before, after),
            entity_id=project.id,
            project_ids=frozenset({project.id}),
            seen_before=NOBODY if before is None else audience,
            seen_after=NOBODY if after is None else audience,
            changes=tuple(changes),
            image=None if after is None else image(after),
        )
    )


_EVERYBODYS_KINDS: dict[type, EventKind] = {
    Workspace: EventKind.WORKSPACE,
    Status: EventKind.STATUS,
    Label: EventKind.LABEL,
}


def shared_changed(
    uow: UnitOfWork,
    before: Workspace | Status | Label | None,
    after: Workspace | Status | Label | None,
    changes: Sequence[FieldChange] = (),
) -> None:
    """Records what became of something that everybody in the workspace sees."""
    thing = after or before
    assert thing is not None
    uow.record(
        NewEvent(
            workspace_id=thing.id if isinstance(thing, Workspace) else thing.workspace_id,
            kind=_EVERYBODYS_KINDS[type(thing)],
            op=_op(before, after),
            entity_id=thing.id,
            seen_before=NOBODY if before is None else _EVERYBODY,
            seen_after=NOBODY if after is None else _EVERYBODY,
            changes=tuple(changes),
            image=None if after is None else image(after),
        )
    )


def workspace_deleted(uow: UnitOfWork, workspace: Workspace) -> None:
    """Records the end of a workspace: the last event of its log, which ends every stream."""
    uow.record(
        NewEvent(
            workspace_id=workspace.id,
            kind=EventKind.WORKSPACE,
            op=ChangeOp.DELETED,
            entity_id=workspace.id,
            seen_before=_EVERYBODY,
            seen_after=NOBODY,
            revokes=Revocation(None, None),
        )
    )


def invite_changed(uow: UnitOfWork, before: Invite | None, after: Invite) -> None:
    """Records a new, used or revoked invite, for those who may invite."""
    uow.record(
        NewEvent(
            workspace_id=after.workspace_id,
            kind=EventKind.INVITE,
            op=_op(before, after),
            entity_id=after.id,
            seen_before=NOBODY if before is None else _INVITERS,
            seen_after=_INVITERS,
            image=image(after),
        )
    )


def _op(before: object, after: object) -> ChangeOp:
    if before is None:
        return ChangeOp.CREATED
    return ChangeOp.DELETED if after is None else ChangeOp.UPDATED
