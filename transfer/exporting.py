"""A workspace as lines, read from one snapshot, page by page.

What is deleted stays behind, also where it could still be restored; what is archived goes along.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any
from uuid import UUID

from db import projects, transfer, workspaces
from db.models import ActorKind, ActorRef, EventKind, Label, Project, Status, Task
from db.session import ReadSession
from transfer.lines import (
    FORMAT,
    VERSION,
    ChangeLine,
    CommentLine,
    FieldLine,
    HeaderLine,
    LabelLine,
    Line,
    PersonLine,
    ProjectLine,
    ReactionLine,
    StatusLine,
    TaskLine,
    WorkspaceLine,
)


def _author(actor: ActorRef) -> UUID | None:
    """The id of their `person` line: Tutti itself has none."""
    return None if actor.kind is ActorKind.SYSTEM else actor.id


async def exported(session: ReadSession, workspace_id: UUID) -> AsyncIterator[Line]:
    """Every line of a workspace that is there, in the order in which they can be imported."""
    workspace = await workspaces.workspace_by_id(session, workspace_id)
    assert workspace is not None
    yield HeaderLine("header", FORMAT, VERSION)
    yield WorkspaceLine(
        "workspace",
        id=workspace.id,
        name=workspace.name,
        slug=workspace.slug,
        key=workspace.key,
        description=workspace.description,
        key_numbers=await transfer.key_counters_of(session, workspace_id),
    )
    for status in await projects.statuses_of(session, workspace_id):
        yield status_line(status)
    for label in await projects.all_rows(session, Label, workspace_id):
        yield label_line(label)
    for project in await projects.all_rows(session, Project, workspace_id):
        yield project_line(project)
    for one in await transfer.people_of(session, workspace_id):
        yield PersonLine(
            "person",
            id=one.id,
            email=one.email,
            handle=one.handle,
            name=one.name,
            role=one.role,
            project_ids=tuple(one.project_ids),
        )
    for one in await transfer.integrations_of(session, workspace_id):
        yield PersonLine("person", id=one.id, name=one.name, kind="INTEGRATION")
    async for task, row in transfer.all_tasks(session, workspace_id):
        yield task_line(task, row.old_keys, row.followers, row.muted_by)
    async for comment, root_id in transfer.all_comments(session, workspace_id):
        yield CommentLine(
            "comment",
            id=comment.id,
            task_id=comment.task_id,
            parent_id=root_id,
            author=_author(comment.author),
            body=comment.body,
            resolved_at=comment.resolved_at,
            edited_at=comment.edited_at,
            created_at=comment.created_at,
            updated_at=comment.updated_at,
            version=comment.version,
        )
    async for row in transfer.all_reactions(session, workspace_id):
        yield ReactionLine(
            "reaction",
            id=row.id,
            task_id=row.task_id,
            comment_id=row.comment_id,
            emoji=row.emoji,
            person=row.user_id,
            added_at=row.added_at,
        )
    async for change in transfer.all_changes(session, workspace_id):
        yield ChangeLine(
            "change",
            id=change.id,
            kind=EventKind(change.kind),
            entity_id=change.entity_id,
            version=change.version,
            change_set_id=change.change_set_id,
            at=change.at,
            actor=_author(change.actor),
            fields=tuple(FieldLine(one.field, one.before, one.after) for one in change.fields),
        )


def _stamps(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "name": row.name,
        "color": row.color,
    }


def status_line(row: Status) -> StatusLine:
    return StatusLine("status", category=row.category, rank=row.rank, **_stamps(row))


def label_line(row: Label) -> LabelLine:
    return LabelLine("label", **_stamps(row))


def project_line(row: Project) -> ProjectLine:
    return ProjectLine("project", key=row.key, description=row.description, archived_at=row.archived_at, **_stamps(row))


def task_line(task: Task, old_keys: Iterable[str], followers: Iterable[UUID], muted_by: Iterable[UUID]) -> TaskLine:
    return TaskLine(
        "task",
        id=task.id,
        key=task.key,
        old_keys=tuple(old_keys),
        project_id=task.project_id,
        parent_id=task.parent_id,
        title=task.title,
        description=task.description,
        status_id=task.status_id,
        priority=task.priority,
        start_date=task.start_date,
        due_date=task.due_date,
        estimate=task.estimate,
        rank=task.rank,
        created_by=_author(task.created_by),
        completed_at=task.completed_at,
        archived_at=task.archived_at,
        assignee_ids=task.assignee_ids,
        label_ids=task.label_ids,
        followers=tuple(followers),
        muted_by=tuple(muted_by),
        created_at=task.created_at,
        updated_at=task.updated_at,
        version=task.version,
    )
