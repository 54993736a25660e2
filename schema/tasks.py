"""Tasks, and lists of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from db import models
from db.ids import typed
from db.images import from_image
from db.models import Permission, Priority, Role
from db.pages import Page, PageRequest
from db.task_filters import TaskFilter as RowFilter
from db.task_lists import SubtaskCounts, TaskOrder, TaskPage
from execution.costs import Cost
from execution.personal import Personal
from schema.arrangement import Label, Project, Status
from schema.changes import Change, history_of
from schema.context import Info
from schema.nodes import (
    MAX_TASK_PAGE,
    Actor,
    After,
    Connection,
    Count,
    Edge,
    First,
    FirstTasks,
    Node,
    PageInfo,
    Versioned,
    page_info,
    page_of,
    page_request,
)
from schema.people import User, actor_of, user_of
from schema.reactions import ReactionGroup, reactions_of
from schema.scalars import Rank
from schema.text_matches import Search, TextMatch

if TYPE_CHECKING:
    from schema.comments import CommentConnection
    from schema.presence import PresenceActivity
    from schema.workspaces import Workspace


@strawberry.type(description="Something to do.")
class Task(Versioned, Node):
    row: strawberry.Private[models.Task]
    key: str = strawberry.field(description="Human key, e.g. `WEB-142`. Old keys keep resolving after a move.")
    title: str = strawberry.field(description="One line, 1 to 500 characters.")
    description: str = strawberry.field(description="Markdown; empty, never null.")
    priority: Priority = strawberry.field(description="How much it matters.")
    start_date: date | None = strawberry.field(description="When work on it is to begin.")
    due_date: date | None = strawberry.field(description="When it is to be done; not before `startDate`.")
    estimate: float | None = strawberry.field(description="How much work it is, in whatever the team counts.")
    rank: Rank = strawberry.field(description="Its place in the one order of the workspace.")
    completed_at: datetime | None = strawberry.field(description="When it came to a status of category DONE.")
    archived_at: datetime | None = strawberry.field(description="Since when it is out of the lists.")
    deleted_at: datetime | None = strawberry.field(description="When it was deleted; only in `deletedTasks`.")

    @strawberry.field(description="The workspace it is in.")
    async def workspace(self, info: Info) -> Annotated[Workspace, strawberry.lazy("schema.workspaces")]:
        from schema.workspaces import Workspace

        row = await info.context.loaders.workspaces.load(self.row.workspace_id)
        assert row is not None, "whoever sees a task sees its workspace"
        return Workspace.from_row(row)

    @strawberry.field(description="The project it is in, if any.")
    async def project(self, info: Info) -> Project | None:
        if self.row.project_id is None:
            return None
        row = await info.context.loaders.projects.load(self.row.project_id)
        return None if row is None else Project.from_row(row)

    @strawberry.field(description="Where it stands.")
    async def status(self, info: Info) -> Status:
        row = await info.context.loaders.statuses.load(self.row.status_id)
        assert row is not None, "a task's status is of its workspace"
        return Status.from_row(row)

    @strawberry.field(description="Who created it.")
    async def created_by(self, info: Info) -> Actor:
        return await actor_of(info, self.row.created_by)

    @strawberry.field(description="Who is to do it, in the order they were added.")
    async def assignees(self, info: Info) -> list[User]:
        return [await user_of(info, one) for one in await _primed(info, self.row.assignee_ids)]

    @strawberry.field(description="Its labels, in the order they were added.")
    async def labels(self, info: Info) -> list[Label]:
        found = await info.context.loaders.labels.load_many(list(self.row.label_ids))
        return [Label.from_row(row) for row in found if row is not None]

    @strawberry.field(description="The task it is part of, if you may see that.")
    async def parent(self, info: Info) -> Task | None:
        if self.row.parent_id is None:
            return None
        row = await info.context.loaders.tasks.load(self.row.parent_id)
        return None if row is None else Task.from_row(row)

    @strawberry.field(description="The tasks that are part of it, archived ones too, by rank.")
    async def subtasks(
        self, info: Info, first: FirstTasks = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> TaskConnection:
        request = page_request(first, after, most=MAX_TASK_PAGE)
        return await task_connection(info, ("parent", self.row.id), request, RowFilter(), ())

    @strawberry.field(
        description=(
            "Every change ever made, the newest first, including values that lost. Nothing is overwritten without"
            " trace."
        )
    )
    async def history(
        self, info: Info, first: First = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> Connection[Change]:
        return await history_of(info, self.row.id, first, after)

    @strawberry.field(description="How many subtasks there are. Follow their own events to keep it current.")
    async def subtask_count(self, info: Info) -> int:
        return (await self._counts(info)).total

    @strawberry.field(description="How many of them are in a status of category DONE.")
    async def completed_subtask_count(self, info: Info) -> int:
        return (await self._counts(info)).completed

    async def _counts(self, info: Info) -> SubtaskCounts:
        return await info.context.loaders.subtask_counts.load(self.row.id) or SubtaskCounts(0, 0)

    @strawberry.field(description="Who does something with it now, as far as you may know; they end by themselves.")
    async def active_presence(
        self, info: Info
    ) -> list[Annotated[PresenceActivity, strawberry.lazy("schema.presence")]]:
        from schema.presence import activities_on

        return await activities_on(info, self.row.workspace_id, self.row.id)

    @strawberry.field(description="What was said about it, threads and all, the oldest first.")
    async def comments(
        self, info: Info, first: First = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> Annotated[CommentConnection, strawberry.lazy("schema.comments")]:
        from schema.comments import comment_connection

        return await comment_connection(info, self.row.id, page_request(first, after))

    @strawberry.field(description="How many comments there are. `CommentEvent.task` keeps it current.")
    async def comment_count(self, info: Info) -> int:
        return await info.context.loaders.comment_counts.load(self.row.id) or 0

    @strawberry.field(description="With what people reacted to it, the emoji that came first first.")
    async def reactions(self, info: Info) -> list[ReactionGroup]:
        return await reactions_of(info, self.row.id)

    @strawberry.field(
        description=(
            "Who follows it, who began first first: who made it, was assigned to it, commented on it or was mentioned,"
            " unless they stopped."
        )
    )
    async def subscribers(self, info: Info) -> list[User]:
        found = await info.context.loaders.subscribers.load(self.row.id) or []
        return [await user_of(info, one) for one in await _primed(info, tuple(found))]

    @strawberry.field(description="Whether you follow it.", directives=[Personal()])
    async def viewer_subscribed(self, info: Info) -> bool:
        return (await self._own_subscription(info)).is_subscribed

    @strawberry.field(description="Whether you hear nothing of it.", directives=[Personal()])
    async def viewer_muted(self, info: Info) -> bool:
        return (await self._own_subscription(info)).is_muted

    async def _own_subscription(self, info: Info) -> models.TaskSubscription:
        return await info.context.loaders.own_subscriptions.load(info.context.caller().user_id, self.row.id)

    @strawberry.field(description="What you may do with it.", directives=[Personal()])
    async def viewer_permissions(self, info: Info) -> list[Permission]:
        grant = (await info.context.scope()).grant(self.row.workspace_id)
        if grant is None:
            return []
        held = set(grant.permissions)
        actor = info.context.actor
        is_own = actor is not None and self.row.created_by == actor.ref
        if grant.role is Role.GUEST and is_own and grant.may_use(Permission.TASK_DELETE):
            held.add(Permission.TASK_DELETE)
        return sorted(held, key=list(Permission).index)

    @staticmethod
    def from_row(row: models.Task) -> Task:
        return Task(
            row=row,
            id=strawberry.ID(typed("task", row.id)),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            key=row.key,
            title=row.title,
            description=row.description,
            priority=row.priority,
            start_date=row.start_date,
            due_date=row.due_date,
            estimate=row.estimate,
            rank=Rank(row.rank),
            completed_at=row.completed_at,
            archived_at=row.archived_at,
            deleted_at=row.deleted_at,
        )


class TaskOfImage(Task):
    """A task as an event's image has it. Each field is made when it is asked for, because most are not."""

    def __init__(self, image: Mapping[str, Any]) -> None:
        self._image = image


Make = Callable[[Mapping[str, Any]], Any]


def _instant(name: str) -> Make:
    return lambda image: None if image[name] is None else datetime.fromisoformat(image[name])


def _day(name: str) -> Make:
    return lambda image: None if image[name] is None else date.fromisoformat(image[name])


_PRIORITIES = {one.value: one for one in Priority}
_OF_IMAGE: dict[str, Make] = {
    **{name: itemgetter(name) for name in ("version", "key", "title", "description", "estimate", "rank")},
    **{name: _instant(name) for name in ("created_at", "updated_at", "completed_at", "archived_at", "deleted_at")},
    **{name: _day(name) for name in ("start_date", "due_date")},
    "id": lambda image: strawberry.ID(f"task_{image['id']}"),
    "priority": lambda image: _PRIORITIES[image["priority"]],
    "row": lambda image: from_image(models.Task, image),
}


def _made(make: Make) -> property:
    """A property: what is looked for in vain first, as by `__getattr__`, takes four times as long."""
    return property(lambda task: make(task._image))


for _name, _make in _OF_IMAGE.items():
    setattr(TaskOfImage, _name, _made(_make))


async def _primed(info: Info, user_ids: tuple[UUID, ...]) -> tuple[UUID, ...]:
    """Load people in one batch before they are shown one by one."""
    await info.context.loaders.users.load_many(list(user_ids))
    return user_ids


@strawberry.type(description="A task in its place in a list.")
class TaskEdge(Edge[Task]):
    search: strawberry.Private[Search | None] = None

    @strawberry.field(
        description=(
            "In what `searchTasks` finds: where the words are, at most once in each of the title, the description and"
            " the comments; nowhere when the title only looks alike. Of a text, its first 20,000 characters are looked"
            " through. Null in every other list."
        ),
        directives=[Cost(weight=5)],
    )
    async def text_matches(self, info: Info) -> list[TextMatch] | None:
        return None if self.search is None else await self.search.matches(info, self.node.row)


@strawberry.type(description="A page of tasks, in the form of the Relay specification, plus `nodes`.")
class TaskConnection:
    edges: list[TaskEdge] = strawberry.field(description="The tasks with their cursors.")
    nodes: list[Task] = strawberry.field(description="The tasks alone.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")
    count: strawberry.Private[Count]

    @strawberry.field(
        description="How many there are on all pages. Counted only when selected, and costs.",
        directives=[Cost(weight=20)],
    )
    async def total_count(self) -> int:
        return await self.count()


async def task_connection(
    info: Info,
    parent: tuple[str, UUID],
    request: PageRequest,
    wanted: RowFilter,
    order: tuple[TaskOrder, ...],
) -> TaskConnection:
    """A page of the tasks of a `workspace`, `project` or `parent`. Raises TopLevel(BAD_REQUEST)."""
    loaders = info.context.loaders
    kind, parent_id = parent
    page = await page_of(loaders.task_pages.load((kind, TaskPage(request, wanted, order)), parent_id))
    return as_connection(page, lambda: loaders.task_counts.load((kind, wanted), parent_id))


def as_connection(page: Page[models.Task], count: Count, query: str | None = None) -> TaskConnection:
    """A page of tasks as the API shows it; `count` is awaited only if it is asked for.

    `query`: what they were found by.
    """
    search = None if query is None else Search(query)
    nodes = [Task.from_row(row) for row in page.rows]
    return TaskConnection(
        edges=[
            TaskEdge(cursor=cursor, node=node, search=search) for cursor, node in zip(page.cursors, nodes, strict=True)
        ],
        nodes=nodes,
        page_info=page_info(page),
        count=count,
    )
