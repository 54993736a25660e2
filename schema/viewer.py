"""The signed-in person. Everything personal hangs here, so everything else can be shared between viewers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from db import models
from db.models import NotificationKind
from db.notifications import Wanted
from db.pages import PageRequest
from db.task_lists import TaskPage, assigned_page, count_assigned
from schema.accounts import Session, own_sessions
from schema.context import Info
from schema.nodes import MAX_TASK_PAGE, After, First, FirstTasks, given, page_of, page_request
from schema.notifications import NotificationConnection, NotificationSettings, own_notifications, settings_in
from schema.people import User
from schema.task_filters import TaskFilter, TaskOrder, order_of, to_row_filter
from schema.tasks import TaskConnection, as_connection
from schema.workspaces import Workspace


@strawberry.type(
    description=(
        "The signed-in person's own things. Everything personal hangs here, so everything else can be shared between"
        " viewers. To an API token it is its creator, in the token's workspace and without what is theirs alone."
    )
)
class Viewer:
    row: strawberry.Private[models.User]
    time_zone: str = strawberry.field(description="Where you live, by the IANA database, e.g. `Europe/Berlin`.")

    @strawberry.field(description="Your e-mail address. Not for API tokens.")
    def email(self, info: Info) -> str:
        info.context.me()
        return self.row.email

    @strawberry.field(description="When you proved that the address is yours. Not for API tokens.")
    def email_verified_at(self, info: Info) -> datetime | None:
        info.context.me()
        return self.row.email_verified_at

    @strawberry.field(description="You, as others see you.")
    def user(self) -> User:
        return User.from_row(self.row)

    @strawberry.field(description="Where you are signed in, the newest first.")
    async def sessions(self, info: Info) -> list[Session]:
        return await own_sessions(info)

    @strawberry.field(description="The workspaces you belong to, the one you joined first first.")
    async def workspaces(self, info: Info) -> list[Workspace]:
        scope = await info.context.scope()
        found = await info.context.loaders.workspaces.load_many(scope.workspace_ids)
        return [Workspace.from_row(row) for row in found if row is not None]

    @strawberry.field(description="Tasks assigned to you, over all your workspaces.")
    async def assigned_tasks(
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
    ) -> TaskConnection:
        request: PageRequest = page_request(first, after, most=MAX_TASK_PAGE)
        wanted = await to_row_filter(info, filter)
        scope, session, user_id = await info.context.scope(), info.context.reading, self.row.id
        page = TaskPage(request, wanted, order_of(order_by))
        rows = await page_of(assigned_page(session, scope, user_id, page))
        return as_connection(rows, lambda: count_assigned(session, scope, user_id, wanted))

    @strawberry.field(description="What you are told, the newest first.")
    async def notifications(
        self,
        info: Info,
        workspace_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only of this workspace.")
        ] = strawberry.UNSET,
        unread_only: Annotated[bool, strawberry.argument(description="Only what you have not read.")] = False,
        mentions_only: Annotated[bool, strawberry.argument(description="Only those of kind MENTION.")] = False,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> NotificationConnection:
        wanted = Wanted(None, unread_only, NotificationKind.MENTION if mentions_only else None)
        return await own_notifications(info, given(workspace_id), wanted, page_request(first, after))

    @strawberry.field(description="What you want to hear of a workspace, and how. Null: no such workspace for you.")
    async def notification_settings(
        self,
        info: Info,
        workspace_id: Annotated[strawberry.ID, strawberry.argument(description="Which workspace.")],
    ) -> NotificationSettings | None:
        return await settings_in(info, workspace_id)


async def viewer_of(info: Info) -> Viewer | None:
    """Who asks; None without credentials."""
    actor = info.context.actor
    row = None if actor is None else await info.context.loaders.users.load(actor.user_id)
    if row is None:
        return None
    return Viewer(row=row, time_zone=row.time_zone)
