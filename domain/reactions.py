"""Reactions to tasks and comments: adding what is there and taking off what is not changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from db import reactions
from db.models import Comment, Permission, Task
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, events, fields, ids, notices
from domain.errors import LimitReached, NotFound

MAX_EMOJIS = 50


@dataclass(frozen=True, slots=True)
class Subject:
    """What somebody reacts to: a task, or one of its comments."""

    kind: str
    id: UUID


def subject_of(global_id: str) -> Subject:
    """The subject that an id names. Raises NotFound for an id of anything else."""
    for kind in ("task", "comment"):
        try:
            return Subject(kind, ids.parse(kind, global_id, "subjectId"))
        except NotFound:
            continue
    raise NotFound(global_id, "subjectId")


async def _door(uow: UnitOfWork, subject: Subject) -> tuple[Task, Comment | None]:
    if subject.kind == "task":
        _, task = await access.visible_task(uow, subject.id, Permission.COMMENT_WRITE, path="subjectId")
        return task, None
    _, task, comment = await access.visible_comment(uow, subject.id, Permission.COMMENT_WRITE, path="subjectId")
    return task, comment


async def add_reaction(uow: UnitOfWork, subject: Subject, emoji: str) -> Outcome:
    """Raises NotFound, Forbidden, Invalid, LimitReached."""
    task, comment = await _door(uow, subject)
    wanted = fields.emoji(emoji, "emoji")
    added = await reactions.insert_reaction(
        uow, task.workspace_id, task.id, None if comment is None else comment.id, wanted, uow.actor.user_id, uow.now
    )
    if added is not None:
        if await reactions.count_emojis(uow, subject.id) > MAX_EMOJIS:
            raise LimitReached(f"At most {MAX_EMOJIS} different emojis fit.", MAX_EMOJIS, "emoji")
        events.reactions_changed(uow, task, comment)
        notices.reacted(uow, task, comment, added, wanted)
    return Outcome({subject.kind: str(subject.id)})


async def remove_reaction(uow: UnitOfWork, subject: Subject, emoji: str) -> Outcome:
    """Raises NotFound, Forbidden."""
    task, comment = await _door(uow, subject)
    removed = await reactions.delete_reaction(uow, subject.id, fields.emoji(emoji, "emoji"), uow.actor.user_id)
    if removed is not None:
        events.reactions_changed(uow, task, comment)
        notices.unreacted(uow, task, removed)
    return Outcome({subject.kind: str(subject.id)})
