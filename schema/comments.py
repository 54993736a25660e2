"""Comments, and the pages of them that a task has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from db import models
from db.ids import typed
from db.pages import PageRequest
from domain.mentions import mentioned
from schema.changes import Change, history_of
from schema.context import Info
from schema.nodes import Actor, After, Connection, Edge, First, Node, PageInfo, Versioned, page_info, page_of
from schema.people import User, actor_of
from schema.reactions import ReactionGroup, reactions_of

if TYPE_CHECKING:
    from schema.tasks import Task


@strawberry.type(description="Something said about a task. It does not raise the task's version.")
class Comment(Versioned, Node):
    row: strawberry.Private[models.Comment]
    body: str = strawberry.field(description="Markdown, 1 to 20,000 characters; a mention is `@[user_...]`.")
    resolved_at: datetime | None = strawberry.field(
        description="Since when its thread is resolved; only of a thread's first comment."
    )
    edited_at: datetime | None = strawberry.field(description="When its author last changed its text.")

    @strawberry.field(description="The task it is about.")
    async def task(self, info: Info) -> Annotated[Task, strawberry.lazy("schema.tasks")]:
        from schema.tasks import Task

        row = await info.context.loaders.tasks.load(self.row.task_id)
        assert row is not None, "whoever sees a comment sees its task"
        return Task.from_row(row)

    @strawberry.field(description="Who wrote it.")
    async def author(self, info: Info) -> Actor:
        return await actor_of(info, self.row.author)

    @strawberry.field(description="Who is mentioned in it, in the order of their mentions.")
    async def mentions(self, info: Info) -> list[User]:
        found = await info.context.loaders.users.load_many(mentioned(self.row.body))
        return [User.from_row(row) for row in found if row is not None]

    @strawberry.field(
        description="The first comment of its thread; null for that one itself, and when that one was deleted."
    )
    async def parent(self, info: Info) -> Comment | None:
        if self.row.parent_id is None:
            return None
        row = await info.context.loaders.comments.load(self.row.parent_id)
        return None if row is None else Comment.from_row(row)

    @strawberry.field(description="With what people reacted to it, the emoji that came first first.")
    async def reactions(self, info: Info) -> list[ReactionGroup]:
        return await reactions_of(info, self.row.id)

    @strawberry.field(description="Every change ever made to it, the newest first, including texts that lost.")
    async def history(
        self, info: Info, first: First = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> Connection[Change]:
        return await history_of(info, self.row.id, first, after)

    @staticmethod
    def from_row(row: models.Comment) -> Comment:
        return Comment(
            row=row,
            id=strawberry.ID(typed("comment", row.id)),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            body=row.body,
            resolved_at=row.resolved_at,
            edited_at=row.edited_at,
        )


@strawberry.type(description="A comment in its place in a list.")
class CommentEdge(Edge[Comment]):
    pass


@strawberry.type(description="A page of comments, in the form of the Relay specification, plus `nodes`.")
class CommentConnection:
    edges: list[CommentEdge] = strawberry.field(description="The comments with their cursors.")
    nodes: list[Comment] = strawberry.field(description="The comments alone.")
    page_info: PageInfo = strawberry.field(description="Whether there is more.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many there are on all pages. Counted only when selected, and costs.")
    async def total_count(self) -> int:
        return await self.count()


async def comment_connection(info: Info, task_id: UUID, request: PageRequest) -> CommentConnection:
    """A page of a task's comments. Raises TopLevel(BAD_REQUEST)."""
    loaders = info.context.loaders
    page = await page_of(loaders.comment_pages.load(request, task_id))
    nodes = [Comment.from_row(row) for row in page.rows]

    async def count() -> int:
        return await loaders.comment_counts.load(task_id) or 0

    return CommentConnection(
        edges=[CommentEdge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=page_info(page),
        count=count,
    )
