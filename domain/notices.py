"""What people are told personally, and when it is taken back: from each change to who hears of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from db import comments, projects, reminders, workspaces
from db.models import ActorKind, ActorRef, Comment, Invite, NotificationKind, Source, Status, StatusCategory, Task
from db.notifications import About, open_ones
from db.scope import Grant
from db.unit_of_work import UnitOfWork
from domain.mentions import mentioned, newly_mentioned
from domain.telling import Recall, Wish, take_back, tell

_DUE = frozenset({NotificationKind.DUE_SOON, NotificationKind.OVERDUE})
_FINISHED = frozenset({StatusCategory.DONE, StatusCategory.CANCELED})


def _source(uow: UnitOfWork, source_id: UUID, comment: Comment | None = None, emoji: str | None = None) -> Source:
    return Source(source_id, uow.actor.ref, None if comment is None else comment.id, uow.now, emoji)


def _tell(
    uow: UnitOfWork,
    kind: NotificationKind,
    task: Task,
    source: Source,
    user_ids: Sequence[UUID] = (),
    *,
    group: UUID | None = None,
    has_followers: bool = False,
) -> None:
    if user_ids or has_followers:
        wish = Wish(
            kind,
            task.workspace_id,
            source,
            group or task.id,
            task=task,
            user_ids=tuple(user_ids),
            has_followers=has_followers,
        )
        tell(uow, wish)


# ---- tasks


def task_created(uow: UnitOfWork, task: Task) -> None:
    source = _source(uow, uow.change_set_id)
    _tell(uow, NotificationKind.ASSIGNED, task, source, task.assignee_ids)
    _tell(uow, NotificationKind.MENTION, task, source, mentioned(task.description))


async def task_changed(uow: UnitOfWork, before: Task, after: Task, *, is_quiet: bool) -> None:
    """`is_quiet`: it changed along with something else, which is no news of this task: things are only taken back."""
    if after.deleted_at is not None:
        if after.due_date is not None:
            await reminders.forget_unread(uow, after.id)
        take_back(uow, [Recall(About(after.workspace_id, task_id=after.id))])
        return
    await _out_of_sight(uow, before, after)
    added = [one for one in after.assignee_ids if one not in before.assignee_ids]
    removed = [one for one in before.assignee_ids if one not in after.assignee_ids]
    source = _source(uow, uow.change_set_id)
    if removed:
        await _unassigned(uow, after, removed, source, is_quiet=is_quiet)
    if added:
        _recall(uow, after, NotificationKind.UNASSIGNED, added)
    if await _is_due_no_longer(uow, before, after):
        await reminders.forget_unread(uow, after.id)
        take_back(uow, [Recall(About(after.workspace_id, task_id=after.id, kinds=_DUE))])
    if is_quiet or before.deleted_at is not None:
        return
    _tell(uow, NotificationKind.ASSIGNED, after, source, added)
    _tell(uow, NotificationKind.MENTION, after, source, newly_mentioned(before.description, after.description))
    if before.status_id != after.status_id:
        _tell(uow, NotificationKind.STATUS_CHANGED, after, source, after.assignee_ids, has_followers=True)


async def _is_due_no_longer(uow: UnitOfWork, before: Task, after: Task) -> bool:
    """What was told of its due date holds no longer: it has another one, or there is nothing to be done any more."""
    if before.due_date is None:
        return False
    if before.due_date != after.due_date or (after.archived_at and not before.archived_at):
        return True
    return before.status_id != after.status_id and await is_finished(uow, after)


async def is_finished(uow: UnitOfWork, task: Task) -> bool:
    """Whether nothing is to be done any more: it was done, or will not be."""
    found = await projects.lock_rows(uow, Status, task.workspace_id, [task.status_id], for_share=True)
    return found[task.status_id].category in _FINISHED


def task_due(uow: UnitOfWork, task: Task, kind: NotificationKind, user_ids: Sequence[UUID]) -> None:
    """These, who are to do it, hear of its due date. That it was soon is told no longer when it has passed."""
    if kind is NotificationKind.OVERDUE and user_ids:
        _recall(uow, task, NotificationKind.DUE_SOON, user_ids)
    _tell(uow, kind, task, _source(uow, uow.change_set_id), user_ids)


async def _unassigned(uow: UnitOfWork, task: Task, user_ids: Sequence[UUID], source: Source, *, is_quiet: bool) -> None:
    """Who has not even read that they were assigned hears nothing."""
    about = About(task.workspace_id, frozenset(user_ids), task_id=task.id, kinds=frozenset({NotificationKind.ASSIGNED}))
    unaware = {one.user_id for one in (await open_ones(uow, [about])).values()}
    if task.due_date is not None:
        await reminders.forget_unread(uow, task.id, user_ids)
    take_back(uow, [Recall(about), Recall(About(task.workspace_id, frozenset(user_ids), task_id=task.id, kinds=_DUE))])
    if not is_quiet:
        aware = [one for one in user_ids if one not in unaware]
        _tell(uow, NotificationKind.UNASSIGNED, task, source, aware)


def _recall(uow: UnitOfWork, task: Task, kind: NotificationKind, user_ids: Collection[UUID]) -> None:
    about = About(task.workspace_id, frozenset(user_ids), task_id=task.id, kinds=frozenset({kind}))
    take_back(uow, [Recall(about)])


async def _out_of_sight(uow: UnitOfWork, before: Task, after: Task) -> None:
    """A task went to where some who were told of it do not see it."""
    if before.project_id == after.project_id:
        return
    about = About(after.workspace_id, task_id=after.id)
    people = {one.user_id for one in (await open_ones(uow, [about])).values()}
    if not people:
        return
    members = await workspaces.members_of(uow, after.workspace_id, people)
    unseeing = {one for one in people if one not in members or not members[one].sees_project(after.project_id)}
    if unseeing:
        take_back(uow, [Recall(About(after.workspace_id, frozenset(unseeing), task_id=after.id))])


# ---- comments and reactions


async def commented(uow: UnitOfWork, task: Task, comment: Comment) -> None:
    """Who is mentioned, who writes in the thread, and who follows the task; each hears of it once."""
    source = _source(uow, comment.id, comment)
    _tell(uow, NotificationKind.MENTION, task, source, mentioned(comment.body))
    if comment.parent_id is not None:
        people = await comments.authors_in_thread(uow, task.workspace_id, comment.parent_id)
        _tell(uow, NotificationKind.REPLY, task, source, people, group=comment.parent_id)
    _tell(uow, NotificationKind.COMMENT, task, source, has_followers=True)


def comment_edited(uow: UnitOfWork, task: Task, before: Comment, after: Comment) -> None:
    people = newly_mentioned(before.body, after.body)
    _tell(uow, NotificationKind.MENTION, task, _source(uow, after.id, after), people)
    gone = newly_mentioned(after.body, before.body)
    if gone:
        kinds = frozenset({NotificationKind.MENTION})
        about = About(task.workspace_id, frozenset(gone), task_id=task.id, kinds=kinds)
        take_back(uow, [Recall(about, after.id)])


def comment_deleted(uow: UnitOfWork, task: Task, comment: Comment) -> None:
    told = About(task.workspace_id, task_id=task.id)
    reacted = About(task.workspace_id, comment_id=comment.id, kinds=frozenset({NotificationKind.REACTION}))
    take_back(uow, [Recall(told, comment.id), Recall(reacted)])


def reacted(uow: UnitOfWork, task: Task, comment: Comment | None, reaction_id: UUID, emoji: str) -> None:
    """Whoever wrote the comment, or made the task, hears of it."""
    author = task.created_by if comment is None else comment.author
    if author.kind is ActorKind.USER:
        group = task.id if comment is None else comment.id
        source = _source(uow, reaction_id, comment, emoji)
        _tell(uow, NotificationKind.REACTION, task, source, [author.id], group=group)


def unreacted(uow: UnitOfWork, task: Task, reaction_id: UUID) -> None:
    kinds = frozenset({NotificationKind.REACTION})
    take_back(uow, [Recall(About(task.workspace_id, task_id=task.id, kinds=kinds), reaction_id)])


# ---- who belongs


def access_lost(uow: UnitOfWork, workspace_id: UUID, user_id: UUID, grant: Grant | None) -> None:
    """Somebody sees less than before; None: nothing any more. What they no longer see is taken back."""
    outside = None if grant is None else grant.project_ids
    if grant is None or outside is not None:
        take_back(uow, [Recall(About(workspace_id, frozenset({user_id}), outside=outside))])


def workspace_deleted(uow: UnitOfWork, workspace_id: UUID) -> None:
    take_back(uow, [Recall(About(workspace_id))])


def invited(uow: UnitOfWork, invite: Invite, user_id: UUID, by: ActorRef) -> None:
    """An invite is for somebody who has an account. `by`: who made it, who need not be who does something now."""
    source = Source(invite.id, by, None, uow.now)
    wish = Wish(
        NotificationKind.INVITED,
        invite.workspace_id,
        source,
        invite.id,
        invite_id=invite.id,
        user_ids=(user_id,),
    )
    tell(uow, wish)


def invite_ended(uow: UnitOfWork, invite: Invite) -> None:
    """It was revoked or accepted."""
    take_back(uow, [Recall(About(invite.workspace_id, invite_id=invite.id))])
