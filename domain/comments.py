"""Comments: threads of two levels on a task.

A comment does not raise its task's version. Every change of one goes into the
history as changes of tasks do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db import comments
from db.errors import Duplicate
from db.models import ChangedField, Comment, EventKind, FieldChange, Permission, Task
from db.scope import Grant
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, events, fields, following, notices
from domain.errors import ErrorCode, Forbidden, Invalid, NotFound
from domain.ids import typed
from domain.mentions import allow_mentions, mentioned, newly_mentioned
from domain.merge import Base, Versioned, settle
from domain.task_fields import shown


async def create_comment(
    uow: UnitOfWork, comment_id: UUID, task_id: UUID, parent_id: UUID | None, body: str
) -> Outcome:
    """Say something about a task; with a parent, in its thread. Raises NotFound, Forbidden, Invalid, LimitReached."""
    _, task = await access.visible_task(uow, task_id, Permission.COMMENT_WRITE, path="taskId")
    text = fields.body(body, "body")
    root = None if parent_id is None else await _root(uow, task, parent_id)
    people = mentioned(text)
    await allow_mentions(uow, task.workspace_id, task.project_id, people, "body")
    row = {
        "id": comment_id,
        "created_at": uow.now,
        "updated_at": uow.now,
        "workspace_id": task.workspace_id,
        "task_id": task.id,
        "parent_id": None if root is None else root.id,
        "author_kind": uow.actor.ref.kind.value,
        "author_id": uow.actor.ref.id,
        "body": text,
    }
    try:
        comment = await comments.insert_comment(uow, row)
    except Duplicate as error:
        raise Invalid("This id is taken.", "id", code=ErrorCode.ALREADY_EXISTS) from error
    await following.begin(uow, task, [*following.person_of(uow), *people])
    events.comment_changed(uow, task, None, comment)
    await notices.commented(uow, task, comment)
    return Outcome({"comment": str(comment.id)}, rows={comment.id: comment})


async def _root(uow: UnitOfWork, task: Task, parent_id: UUID) -> Comment:
    """The first comment of the thread that somebody replies in. Raises NotFound."""
    asked = NotFound(typed("comment", parent_id), "parentId")
    parent = await _live(uow, task, parent_id)
    if parent is None:
        raise asked
    if parent.parent_id is None:
        return parent
    # A reply to a reply joins its thread; where the thread has lost its beginning, the reply begins one.
    return await _live(uow, task, parent.parent_id) or parent


async def _live(uow: UnitOfWork, task: Task, comment_id: UUID) -> Comment | None:
    found = (await comments.lock_comments(uow, task.workspace_id, [comment_id])).get(comment_id)
    return None if found is None or found.task_id != task.id or found.deleted_at else found


async def update_comment(uow: UnitOfWork, comment_id: UUID, patch: Mapping[ChangedField, Any], base: Base) -> Outcome:
    """Change the text (its author may), or resolve its thread (whoever may comment).

    `patch`: BODY and RESOLVED (a truth value) where they were given. Records a comment updated if anything differs.
    Raises NotFound, Forbidden, Invalid, LimitReached, Conflict, Refusals.
    """
    _, task, comment = await access.visible_comment(uow, comment_id, Permission.COMMENT_WRITE)
    rules = {ChangedField.BODY: ("body", fields.body), ChangedField.RESOLVED: ("resolved", fields.required)}
    good = fields.checked({rules[field][0]: (rules[field][1], value) for field, value in patch.items()})
    asked: dict[ChangedField, tuple[Any, Any]] = {}
    if "body" in good:
        asked[ChangedField.BODY] = (comment.body, good["body"])
    if "resolved" in good:
        asked[ChangedField.RESOLVED] = (comment.resolved_at is not None, good["resolved"])
    changes, merged = await settle(uow, Versioned(comment.workspace_id, comment.id, comment.version), base, asked)
    if changes:
        await write(uow, task, comment, changes)
    return Outcome({"comment": str(comment_id)}, tuple(field.value for field in merged))


async def write(
    uow: UnitOfWork, task: Task, comment: Comment, changes: list[FieldChange], *, is_undo: bool = False
) -> Comment:
    """Bring a locked comment to what its changes say: row, history and event together. Raises as update_comment.

    `is_undo`: a text that was there already may mention who is gone.
    """
    values: dict[str, Any] = {}
    for change in changes:
        if change.field is ChangedField.BODY:
            _require_author(uow, comment)
            people = newly_mentioned(comment.body, change.after)
            if not is_undo:
                await allow_mentions(uow, task.workspace_id, task.project_id, people, "body")
            await following.begin(uow, task, people)
            values |= {"body": change.after, "edited_at": uow.now}
        if change.field is ChangedField.RESOLVED:
            if comment.parent_id is not None:
                raise Invalid("A thread is resolved by its first comment.", "resolved")
            values["resolved_at"] = uow.now if change.after else None
        if change.field is ChangedField.DELETED:
            values["deleted_at"] = uow.now if change.after else None
    after = await comments.update_comment(uow, comment.id, values, uow.now)
    uow.remember(EventKind.COMMENT, comment.workspace_id, comment.id, after.version, changes)
    events.comment_changed(uow, task, _unless_deleted(comment), _unless_deleted(after), changes)
    if after.deleted_at is not None:
        notices.comment_deleted(uow, task, comment)
    else:
        notices.comment_edited(uow, task, comment, after)
    return after


def _unless_deleted(comment: Comment) -> Comment | None:
    return None if comment.deleted_at else comment


def _require_author(uow: UnitOfWork, comment: Comment) -> None:
    if comment.author != uow.actor.ref:
        raise Forbidden(Permission.COMMENT_WRITE, "Only its author changes the text of a comment.")


async def delete_comment(uow: UnitOfWork, comment_id: UUID) -> Outcome:
    """Take a comment back: one's own, or anybody's with MEMBER_ADMIN. Replies stay, without it as their parent.

    Raises NotFound, Forbidden.
    """
    grant, task, comment = await access.visible_comment(uow, comment_id, Permission.COMMENT_WRITE)
    if not may_delete(uow, grant, comment):
        raise Forbidden(Permission.MEMBER_ADMIN, "Only its author, or somebody with MEMBER_ADMIN, deletes a comment.")
    await write(uow, task, comment, [FieldChange(ChangedField.DELETED, None, shown(ChangedField.DELETED, uow.now))])
    return Outcome({"deleted_comment": str(comment_id)})


def may_delete(uow: UnitOfWork, grant: Grant, comment: Comment) -> bool:
    """Whether the actor deletes a comment, or brings it back: their own, or anybody's with MEMBER_ADMIN."""
    return comment.author == uow.actor.ref or Permission.MEMBER_ADMIN in grant.permissions
