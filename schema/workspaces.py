"""Workspaces, their members and invites."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from db import models
from db.ids import typed
from db.models import Permission, Role, WorkspaceKind
from db.scope import PERMISSIONS
from domain.archiving import restorable_by
from execution.personal import Personal
from realtime.cursor import Cursor
from schema.api_tokens import ApiToken
from schema.arrangement import Label, Project, Status
from schema.changes import Change
from schema.context import Info
from schema.nodes import (
    MAX_TASK_PAGE,
    Actor,
    After,
    Before,
    Connection,
    First,
    FirstTasks,
    LastTasks,
    Node,
    Versioned,
    connection_of,
    given,
    page_of,
    page_request,
)
from schema.people import User, user_of
from schema.scalars import EventCursor
from schema.task_filters import TaskFilter, TaskOrder, order_of, to_row_filter
from schema.tasks import TaskConnection, as_connection, task_connection
from schema.webhooks import Webhook


@strawberry.type(description="That somebody belongs to a workspace, and as what.")
class Membership(Versioned, Node):
    row: strawberry.Private[models.Membership]
    role: Role = strawberry.field(description="What they are.")

    @strawberry.field(description="Who it is.")
    async def user(self, info: Info) -> User:
        return await user_of(info, self.row.user_id)

    @strawberry.field(description="What they may do.")
    def permissions(self) -> list[Permission]:
        return sorted(PERMISSIONS[self.role], key=list(Permission).index)

    @strawberry.field(
        description=(
            "For a GUEST: the projects they were added to, of those you see. For every other role: null, they see all."
        )
    )
    async def projects(self, info: Info) -> list[Project] | None:
        if self.row.project_ids is None:
            return None
        found = await info.context.loaders.projects.load_many(list(self.row.project_ids))
        return [Project.from_row(row) for row in found if row is not None]

    @strawberry.field(description="Their e-mail address, for those with MEMBER_ADMIN.")
    async def email(self, info: Info) -> str | None:
        grant = (await info.context.scope()).grant(self.row.workspace_id)
        if grant is None or Permission.MEMBER_ADMIN not in grant.permissions:
            return None
        row = await info.context.loaders.users.load(self.row.user_id)
        return None if row is None else row.email

    @staticmethod
    def from_row(row: models.Membership) -> Membership:
        return Membership(
            row=row,
            id=strawberry.ID(typed("membership", row.id)),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            role=row.role,
        )


@strawberry.type(description="A link that lets people into a workspace.")
class Invite(Node):
    row: strawberry.Private[models.Invite]
    role: Role = strawberry.field(description="What those become who join by it.")
    email: str | None = strawberry.field(description="Set for an e-mail invite; null for a shareable link.")
    max_uses: int | None = strawberry.field(description="How many may join by it; null: any number.")
    use_count: int = strawberry.field(description="How many have joined by it.")
    expires_at: datetime | None = strawberry.field(description="When it stops working; null: never.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked, if it was.")

    @strawberry.field(description="For a GUEST invite: the projects, of those that still are there.")
    async def projects(self, info: Info) -> list[Project] | None:
        if self.row.role is not Role.GUEST:
            return None
        found = await info.context.loaders.projects.load_many(list(self.row.project_ids))
        return [Project.from_row(row) for row in found if row is not None]

    @strawberry.field(description="Who made it.")
    async def created_by(self, info: Info) -> Actor:
        return await user_of(info, self.row.created_by)

    @staticmethod
    def from_row(row: models.Invite) -> Invite:
        return Invite(
            row=row,
            id=strawberry.ID(typed("invite", row.id)),
            role=row.role,
            email=row.email,
            max_uses=row.max_uses,
            use_count=row.use_count,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )


@strawberry.type(description="What a stranger learns of an invite before joining.")
class InvitePreview:
    workspace_name: str = strawberry.field(description="The workspace's name.")
    role: Role = strawberry.field(description="What you would be.")
    invited_by: str = strawberry.field(description="The name of who made the invite.")
    is_for_one_address: bool = strawberry.field(
        description="Whether it lets in only the account of the address it was sent to, which is not told."
    )


@strawberry.type(description="Where people work together: tasks, projects, and who may see them.")
class Workspace(Versioned, Node):
    row_id: strawberry.Private[UUID]
    kind: WorkspaceKind = strawberry.field(
        description="PERSONAL: made at sign-up, one member, no invites. TEAM: everything else."
    )
    name: str = strawberry.field(description="What it is called.")
    slug: str = strawberry.field(description="Its unique name in addresses.")
    key: str = strawberry.field(description="Prefix of the keys of tasks without a project, e.g. `ACME-7`.")
    description: str = strawberry.field(description="Markdown; empty, never null.")

    @strawberry.field(
        description=(
            "Head of the log in the SAME snapshot as the rest of this response: query, then subscribe `after` this."
            " No gap."
        )
    )
    async def event_cursor(self, info: Info) -> EventCursor:
        head = await info.context.loaders.heads.load(self.row_id)
        assert head is not None, "a workspace is made with its head"
        return EventCursor(str(Cursor(self.row_id, await info.context.epoch(), head.seq)))

    @strawberry.field(description="What you are in it.")
    async def viewer_role(self, info: Info) -> Role:
        grant = (await info.context.scope()).grant(self.row_id)
        assert grant is not None, "only members see a workspace"
        return grant.role

    @strawberry.field(description="What you may do in it.")
    async def viewer_permissions(self, info: Info) -> list[Permission]:
        grant = (await info.context.scope()).grant(self.row_id)
        return [] if grant is None else sorted(grant.permissions, key=list(Permission).index)

    @strawberry.field(description="Who belongs to it, the first who joined first. A guest sees those they work with.")
    async def members(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        role: Annotated[Role | None, strawberry.argument(description="Only these.")] = strawberry.UNSET,
    ) -> Connection[Membership]:
        group = (given(role), page_request(first, after))
        page = await page_of(info.context.loaders.member_pages.load(group, self.row_id))
        return connection_of(page, Membership.from_row)

    @strawberry.field(description="Its invites, the newest first. Null without MEMBER_INVITE.")
    async def invites(
        self, info: Info, first: First = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> Connection[Invite] | None:
        request = page_request(first, after)
        grant = (await info.context.scope()).grant(self.row_id)
        if grant is None or Permission.MEMBER_INVITE not in grant.permissions:
            return None
        page = await page_of(info.context.loaders.invite_pages.load(request, self.row_id))
        return connection_of(page, Invite.from_row)

    @strawberry.field(
        description=(
            "Who joined, left, changed role or rights, and what was done with invites, API tokens and webhooks, the"
            " newest first. Null without MEMBER_ADMIN."
        )
    )
    async def audit_log(
        self, info: Info, first: First = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> Connection[Change] | None:
        request = page_request(first, after)
        grant = (await info.context.scope()).grant(self.row_id)
        if grant is None or Permission.MEMBER_ADMIN not in grant.permissions:
            return None
        page = await page_of(info.context.loaders.audit_pages.load(request, self.row_id))
        return connection_of(page, Change.from_row)

    @strawberry.field(
        description="Its API tokens, the newest first; revoked ones for 30 days. Null without TOKEN_ADMIN."
    )
    async def api_tokens(self, info: Info) -> list[ApiToken] | None:
        grant = (await info.context.scope()).grant(self.row_id)
        if grant is None or Permission.TOKEN_ADMIN not in grant.permissions:
            return None
        rows = await info.context.loaders.api_tokens_by_workspace.load(self.row_id) or []
        return [ApiToken.from_row(row) for row in rows]

    @strawberry.field(description="Its webhooks, the oldest first. Null without WEBHOOK_ADMIN.")
    async def webhooks(self, info: Info) -> list[Webhook] | None:
        grant = (await info.context.scope()).grant(self.row_id)
        if grant is None or Permission.WEBHOOK_ADMIN not in grant.permissions:
            return None
        rows = await info.context.loaders.webhooks_by_workspace.load(self.row_id) or []
        return [Webhook.from_row(row) for row in rows]

    @strawberry.field(description="Its projects, the oldest first.")
    async def projects(
        self,
        info: Info,
        include_archived: Annotated[bool | None, strawberry.argument(description="Archived ones too.")] = False,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> Connection[Project]:
        group = (bool(include_archived), page_request(first, after))
        page = await page_of(info.context.loaders.project_pages.load(group, self.row_id))
        return connection_of(page, Project.from_row)

    @strawberry.field(description="Its tasks, as far as you may see them.")
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
        last: LastTasks = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> TaskConnection:
        return await task_connection(
            info,
            ("workspace", self.row_id),
            page_request(first, after, last, before, most=MAX_TASK_PAGE),
            await to_row_filter(info, filter),
            order_of(order_by),
        )

    @strawberry.field(
        description=(
            "Tasks that were deleted in the last 30 days, as far as you may restore them, the last deleted first. A"
            " GUEST sees those that they created; null without TASK_WRITE and TASK_DELETE."
        ),
        directives=[Personal()],
    )
    async def deleted_tasks(
        self, info: Info, first: FirstTasks = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> TaskConnection | None:
        request = page_request(first, after, most=MAX_TASK_PAGE)
        grant = (await info.context.scope()).grant(self.row_id)
        wanted = None if grant is None else restorable_by(grant, info.context.caller().ref)
        if wanted is None:
            return None
        loaders = info.context.loaders
        page = await page_of(loaders.deleted_task_pages.load((wanted, request), self.row_id))
        return as_connection(page, lambda: loaders.deleted_task_counts.load(wanted, self.row_id))

    @strawberry.field(description="Its labels, by name.")
    async def labels(self, info: Info) -> list[Label]:
        rows = await info.context.loaders.labels_by_workspace.load(self.row_id) or []
        return [Label.from_row(row) for row in rows]

    @strawberry.field(description="Its statuses, in their order.")
    async def statuses(self, info: Info) -> list[Status]:
        rows = await info.context.loaders.statuses_by_workspace.load(self.row_id) or []
        return [Status.from_row(row) for row in rows]

    @staticmethod
    def from_row(row: models.Workspace) -> Workspace:
        return Workspace(
            row_id=row.id,
            id=strawberry.ID(typed("workspace", row.id)),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
            kind=row.kind,
            name=row.name,
            slug=row.slug,
            key=row.key,
            description=row.description,
        )
