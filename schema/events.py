"""The workspace's change stream, as the API tells it.

An event's object comes from the event itself where it is a task, so that a
stream needs no read for it and its own fields; other objects are read in the
batch's own snapshot, which may be newer than the event.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from graphql import (
    GraphQLResolveInfo,
)
from strawberry import UNSET

from db import models
from db.ids import of_kind, typed
from db.images import from_image
from db.models import ChangeOp, EventKind
from domain.errors import TopLevel
from execution.projector import READ, Uncovered
from realtime.cursor import written
from realtime.reader import Batch, Resync, Seen
from schema.arrangement import Label, Project, Status
from schema.changes import FieldChange, names_others, shown_change, shown_changes_of_event
from schema.comments import Comment
from schema.context import Info
from schema.enums import RemovalReason
from schema.nodes import Actor, Node, given
from schema.people import actor_of
from schema.scalars import EventCursor
from schema.selections import selects_objects
from schema.tasks import Task, TaskOfImage
from schema.workspaces import Invite, Membership, Workspace

MAX_FILTER_IDS = 500


@strawberry.input(
    description=(
        "An event matches if its object matched before or after the change, so what moves out of the filter is told."
        " Membership changes always come."
    )
)
class EventFilter:
    project_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Only what concerns one of these projects: the project itself and its tasks."
    )
    task_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Only what concerns one of these tasks."
    )
    kinds: list[EventKind] | None = strawberry.field(default=UNSET, description="Only events of these kinds.")


def matcher(asked: EventFilter | None) -> Callable[[models.Event], bool]:
    """The filter as a predicate on the log's events. Raises TopLevel(BAD_REQUEST)."""
    wanted = given(asked)
    if wanted is None:
        return lambda event: True
    project_ids = _ids("project", wanted.project_ids)
    task_ids = _ids("task", wanted.task_ids)
    kinds = None if given(wanted.kinds) is None else frozenset(wanted.kinds or ())

    def matches(event: models.Event) -> bool:
        if event.kind is EventKind.MEMBERSHIP:
            return True
        return (
            (kinds is None or event.kind in kinds)
            and (project_ids is None or not project_ids.isdisjoint(event.project_ids))
            and (task_ids is None or event.task_id in task_ids)
        )

    return matches


def _ids(kind: str, ids: list[strawberry.ID] | None) -> frozenset[UUID] | None:
    wanted = given(ids)
    if wanted is None:
        return None
    if len(wanted) > MAX_FILTER_IDS:
        raise TopLevel("BAD_REQUEST", f"A filter takes at most {MAX_FILTER_IDS} ids at one place.")
    return frozenset(found for one in wanted if (found := of_kind(kind, one)) is not None)


@strawberry.interface(description="Something that happened in a workspace.")
class WorkspaceEvent:
    event: strawberry.Private[models.Event]
    cursor: EventCursor = strawberry.field(description="Its place in the log.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    client_mutation_id: UUID | None = strawberry.field(
        description="The key of the mutation that did it: yours, if you sent it."
    )

    @strawberry.field(description="Who did it.")
    async def actor(self, info: Info) -> Actor:
        return await actor_of(info, self.event.actor)


def _read_task(info: GraphQLResolveInfo[Any]) -> Callable[[Any], Task | None] | None:
    """What `_task` does, decided once for a whole subscription."""
    if selects_objects(info):
        return None
    return lambda source: None if source.event.image is None else TaskOfImage(source.event.image)


@strawberry.type(description="A task is new, restored, or newly visible to you.")
class TaskCreatedEvent(WorkspaceEvent):
    @strawberry.field(
        graphql_type=Task | None,
        metadata={READ: _read_task},
        description="The state after this event or newer (null if since deleted or hidden).",
    )
    def task(self, info: Info) -> Any:
        return _task(self.event, info)


def _read_changes(info: GraphQLResolveInfo[Any]) -> Callable[[Any], list[FieldChange]]:
    """What `changes` does, where nothing has to be looked up; where it has, graphql-core asks `changes` itself."""

    def read(source: Any) -> list[FieldChange]:
        if source.must_look_up:
            raise Uncovered
        return [shown_change(one) for one in source.event.changes]

    return read


@strawberry.type(description="A task changed. `changes` is what this event did.")
class TaskUpdatedEvent(WorkspaceEvent):
    must_look_up: strawberry.Private[bool]
    task_id: strawberry.ID = strawberry.field(description="Which one.")
    version: int = strawberry.field(description="Its version after this.")

    @strawberry.field(
        graphql_type=list[FieldChange],
        metadata={READ: _read_changes},
        description="Field by field. Empty when its followers changed, or its parent came into or went out of sight.",
    )
    def changes(self, info: Info) -> Any:
        if self.must_look_up:
            return shown_changes_of_event(self.event, info)
        return [shown_change(one) for one in self.event.changes]

    @strawberry.field(
        graphql_type=Task | None,
        metadata={READ: _read_task},
        description=(
            "The state after this event or newer (null if since deleted or hidden). A restored or newly visible task"
            " comes as TaskCreatedEvent."
        ),
    )
    def task(self, info: Info) -> Any:
        return _task(self.event, info)


@strawberry.type(description="Deleted, or no longer visible to you: drop it from the cache either way.")
class TaskRemovedEvent(WorkspaceEvent):
    task_id: strawberry.ID = strawberry.field(description="Which one.")
    reason: RemovalReason = strawberry.field(description="Why it is gone.")


@strawberry.type(description="A comment is new, different or gone. It does not change the version of its task.")
class CommentEvent(WorkspaceEvent):
    op: ChangeOp = strawberry.field(description="What became of it.")
    comment_id: strawberry.ID = strawberry.field(description="Which one.")
    task_id: strawberry.ID = strawberry.field(description="Of which task.")

    @strawberry.field(description="The comment after this event or newer; null if it is gone or hidden from you.")
    async def comment(self, info: Info) -> Comment | None:
        if self.event.image is None:
            return None
        if selects_objects(info._raw_info):
            row = await info.context.loaders.comments.load(self.event.entity_id)
        else:
            row = from_image(models.Comment, self.event.image)
        return None if row is None else Comment.from_row(row)

    @strawberry.field(
        description="The task as it is now, with its `commentCount`; null if it is gone or hidden from you."
    )
    async def task(self, info: Info) -> Task | None:
        task_id = self.event.task_id
        row = None if task_id is None else await info.context.loaders.tasks.load(task_id)
        return None if row is None else Task.from_row(row)


@strawberry.type(
    description=(
        "Something else than a task or a comment changed. Of kind REACTION: the `entity` is the task or comment whose"
        " `reactions` are different; its version is not."
    )
)
class EntityEvent(WorkspaceEvent):
    kind: EventKind = strawberry.field(description="What it is.")
    op: ChangeOp = strawberry.field(description="What became of it.")
    entity_id: strawberry.ID = strawberry.field(description="Which one.")

    @strawberry.field(description="As it is now or newer; null if it is gone or hidden from you.")
    async def entity(self, info: Info) -> Node | None:
        if self.op is ChangeOp.DELETED:
            return None
        kind = _subject_kind(self.event) if self.kind is EventKind.REACTION else self.kind
        load, of_row = _ENTITIES[kind]
        row = await load(info, self.event.entity_id)
        return None if row is None else of_row(row)


_ENTITIES: dict[EventKind, tuple[Any, Any]] = {
    EventKind.WORKSPACE: (lambda info, one: info.context.loaders.workspaces.load(one), Workspace.from_row),
    EventKind.MEMBERSHIP: (lambda info, one: info.context.loaders.memberships.load(one), Membership.from_row),
    EventKind.INVITE: (lambda info, one: info.context.loaders.invites.load(one), Invite.from_row),
    EventKind.PROJECT: (lambda info, one: info.context.loaders.projects.load(one), Project.from_row),
    EventKind.STATUS: (lambda info, one: info.context.loaders.statuses.load(one), Status.from_row),
    EventKind.LABEL: (lambda info, one: info.context.loaders.labels.load(one), Label.from_row),
    EventKind.TASK: (lambda info, one: info.context.loaders.tasks.load(one), Task.from_row),
    EventKind.COMMENT: (lambda info, one: info.context.loaders.comments.load(one), Comment.from_row),
}


def _subject_kind(event: models.Event) -> EventKind:
    """What a reaction is to."""
    return EventKind.TASK if event.entity_id == event.task_id else EventKind.COMMENT


def _task(event: models.Event, info: Info) -> Task | Awaitable[Task | None] | None:
    """An event's task: nothing is read, nor awaited, where its own fields are all that is selected."""
    if event.image is None:
        return None
    return _task_among_neighbours(event.image, info) if selects_objects(info._raw_info) else TaskOfImage(event.image)


async def _task_among_neighbours(image: Mapping[str, Any], info: Info) -> Task | None:
    """Neighbours are as they are now, so with them the task must be one that the viewer still sees, with a status that
    is still there; where it is not, the task has another one by now.
    """
    stored = from_image(models.Task, image)
    row: models.Task | None = stored
    grant = (await info.context.scope()).grant(stored.workspace_id)
    if grant is None or not grant.sees_project(stored.project_id):
        return None
    if await info.context.loaders.statuses.load(stored.status_id) is None:
        row = await info.context.loaders.tasks.load(stored.id)
    return None if row is None else Task.from_row(row)


@strawberry.type(
    description=(
        "What happened, in order. Nothing happened: a checkpoint, which moves your cursor. `resync` set: the log no"
        " longer reaches back to your cursor, or your access changed: refetch, then go on from `cursor`."
    )
)
class EventBatch:
    events: list[WorkspaceEvent] = strawberry.field(description="In commit order, each once.")
    cursor: EventCursor = strawberry.field(description="Store it after applying the events; resume `after` it.")
    caught_up: bool = strawberry.field(description="There was nothing newer when this was sent.")
    resync: Resync | None = strawberry.field(description="Why you have to refetch, if you have to.")


def event_batch(batch: Batch) -> EventBatch:
    """A batch as the API tells it."""
    log = batch.cursor.log
    return EventBatch(
        events=[_event(seen, log) for seen in batch.events],
        cursor=EventCursor(str(batch.cursor)),
        caught_up=batch.is_caught_up,
        resync=batch.resync,
    )


def _event(seen: Seen, log: str) -> WorkspaceEvent:
    event = seen.event
    shared: dict[str, Any] = {
        "event": event,
        "cursor": EventCursor(written(log, event.seq)),
        "occurred_at": event.occurred_at,
        "client_mutation_id": event.client_mutation_id,
    }
    kind = _subject_kind(event) if event.kind is EventKind.REACTION else event.kind
    entity_id = strawberry.ID(typed(kind.value.lower(), event.entity_id))
    if event.kind is EventKind.COMMENT:
        assert event.task_id is not None
        task_id = strawberry.ID(typed("task", event.task_id))
        return CommentEvent(op=_op_for(seen), comment_id=entity_id, task_id=task_id, **shared)
    if event.kind is not EventKind.TASK:
        return EntityEvent(kind=event.kind, op=_op_for(seen), entity_id=entity_id, **shared)
    if not seen.after:
        gone = RemovalReason.DELETED if event.op is ChangeOp.DELETED else RemovalReason.ACCESS_LOST
        return TaskRemovedEvent(task_id=entity_id, reason=gone, **shared)
    if not seen.before:
        return TaskCreatedEvent(**shared)
    assert event.image is not None
    return TaskUpdatedEvent(
        task_id=entity_id,
        version=event.image["version"],
        must_look_up=not seen.is_all_seen and names_others(event),
        **shared,
    )


def _op_for(seen: Seen) -> ChangeOp:
    """What became of an object for this reader: what comes into or goes out of their sight is new or gone."""
    if not seen.after:
        return ChangeOp.DELETED
    return ChangeOp.UPDATED if seen.before else ChangeOp.CREATED


EVENT_TYPES: list[type] = [TaskCreatedEvent, TaskUpdatedEvent, TaskRemovedEvent, CommentEvent, EntityEvent]
