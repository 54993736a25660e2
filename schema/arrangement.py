"""Statuses, labels and projects: what tasks are arranged by."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from db import models
from db.ids import typed
from db.models import Permission, StatusCategory
from schema.context import Info
from schema.nodes import After, Connection, First, FirstTasks, Node, Versioned, connection_of, page_of, page_request
from schema.scalars import Rank
from schema.task_filters import TaskFilter, TaskOrder, order_of, to_row_filter

if TYPE_CHECKING:
    from schema.tasks import TaskConnection
    from schema.workspaces import Membership


@strawberry.type(description="A column of the workspace's boards: where a task stands.")
class Status(Versioned, Node):
    name: str = strawberry.field(description="Unique in the workspace, regardless of case.")
    category: StatusCategory = strawberry.field(description="What it means, whatever it is called.")
    color: str = strawberry.field(description="`#rrggbb`.")
    rank: Rank = strawberry.field(description="Its place among the statuses.")

    @staticmethod
    def from_row(row: models.Status) -> Status:
        return Status(
            id=strawberry.ID(typed("status", row.id)),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            name=row.name,
            category=row.category,
            color=row.color,
            rank=Rank(row.rank),
        )


@strawberry.type(description="A word on tasks, the same in the whole workspace.")
class Label(Versioned, Node):
    name: str = strawberry.field(description="Unique in the workspace, regardless of case.")
    color: str = strawberry.field(description="`#rrggbb`.")

    @staticmethod
    def from_row(row: models.Label) -> Label:
        return Label(
            id=strawberry.ID(typed("label", row.id)),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            name=row.name,
            color=row.color,
        )


@strawberry.type(description="Tasks that belong together. Guests are added to projects and see nothing else.")
class Project(Versioned, Node):
    row_id: strawberry.Private[UUID]
    workspace_id: strawberry.Private[UUID]
    name: str = strawberry.field(description="What it is called.")
    key: str = strawberry.field(description="Prefix of the keys of its tasks, e.g. `WEB` in `WEB-142`.")
    description: str = strawberry.field(description="Markdown; empty, never null.")
    color: str = strawberry.field(description="`#rrggbb`.")
    archived_at: datetime | None = strawberry.field(description="Since when it is out of the lists.")

    @strawberry.field(description="Guests who were added; other roles see every project.")
    async def guests(
        self, info: Info, first: First = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> Connection[Annotated[Membership, strawberry.lazy("schema.workspaces")]]:
        from schema.workspaces import Membership

        reading = info.context.loaders.guest_pages.load(page_request(first, after), self.row_id)
        return connection_of(await page_of(reading), Membership.from_row)

    @strawberry.field(description="What you may do in it.")
    async def viewer_permissions(self, info: Info) -> list[Permission]:
        grant = (await info.context.scope()).grant(self.workspace_id)
        return [] if grant is None else sorted(grant.permissions, key=list(Permission).index)

    @strawberry.field(description="Its tasks.")
    async def tasks(
        self,
        info: Info,
        filter: Annotated[
            TaskFilter | None, strawberry.argument(description="Only those that match; archived ones are left out.")
        ] = strawberry.UNSET,
        order_by: Annotated[
            list[TaskOrder] | None, strawberry.argument(description="The order; omitted = by rank.")
        ] = strawberry.UNSET,
        first: FirstTasks = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> Annotated[TaskConnection, strawberry.lazy("schema.tasks")]:
        from schema.nodes import MAX_TASK_PAGE
        from schema.tasks import task_connection

        return await task_connection(
            info,
            ("project", self.row_id),
            page_request(first, after, most=MAX_TASK_PAGE),
            await to_row_filter(info, filter),
            order_of(order_by),
        )

    @staticmethod
    def from_row(row: models.Project) -> Project:
        return Project(
            row_id=row.id,
            workspace_id=row.workspace_id,
            id=strawberry.ID(typed("project", row.id)),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            name=row.name,
            key=row.key,
            description=row.description,
            color=row.color,
            archived_at=row.archived_at,
        )
