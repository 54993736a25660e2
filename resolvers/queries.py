"""Root fields that read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain import ids, invites, lookups, recovery
from domain.errors import NotFound, TopLevel
from execution.costs import Cost
from execution.personal import Personal
from resolvers.streams import cursor_of, first_events
from schema.accounts import own_session
from schema.api_tokens import ApiToken
from schema.arrangement import Label, Project, Status
from schema.changes import Change, visible_change
from schema.comments import Comment
from schema.context import Info
from schema.events import EventBatch, EventFilter, event_batch, matcher
from schema.nodes import MAX_TASK_PAGE, After, FirstTasks, Node, given, page_request
from schema.notifications import Notification, own_settings
from schema.people import Integration, User
from schema.presence import presence_node
from schema.rate_limit import RateLimit, rate_limit
from schema.scalars import EventCursor
from schema.search import search
from schema.task_filters import TaskFilter, to_row_filter
from schema.tasks import Task, TaskConnection
from schema.viewer import Viewer, viewer_of
from schema.webhooks import Webhook, WebhookDelivery
from schema.workspaces import Invite, InvitePreview, Membership, Workspace

MAX_NODES = 100

Load = Callable[[Info, UUID], Awaitable[Any]]


@strawberry.input(one_of=True, description="Names a workspace. Exactly one way.")
class WorkspaceBy:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="By its id.")
    slug: str | None = strawberry.field(default=strawberry.UNSET, description="By its slug.")


@strawberry.input(description="Names a task by what people call it.")
class TaskKeyInput:
    workspace_slug: str = strawberry.field(description="The workspace it is in.")
    key: str = strawberry.field(description="Its key, e.g. `WEB-142`, or one that it had.")


@strawberry.input(one_of=True, description="Names a task. Exactly one way.")
class TaskBy:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="By its id.")
    key: TaskKeyInput | None = strawberry.field(default=strawberry.UNSET, description="By its key.")


async def _known_user(info: Info, user_id: UUID) -> Any:
    """Oneself, and those with whom one shares a workspace."""
    loaders = info.context.loaders
    known = loaders.users if user_id == info.context.caller().user_id else loaders.known_users
    return await known.load(user_id)


async def _own_notification(info: Info, notification_id: UUID) -> Any:
    return await info.context.loaders.own_notifications.load(info.context.me().user_id, notification_id)


_NODES: dict[str, tuple[Load, Any]] = {
    "task": (lambda info, one: info.context.loaders.tasks.load(one), Task.from_row),
    "comment": (lambda info, one: info.context.loaders.comments.load(one), Comment.from_row),
    "notification": (_own_notification, Notification.from_row),
    "settings": (own_settings, lambda settings: settings),
    "project": (lambda info, one: info.context.loaders.projects.load(one), Project.from_row),
    "status": (lambda info, one: info.context.loaders.statuses.load(one), Status.from_row),
    "label": (lambda info, one: info.context.loaders.labels.load(one), Label.from_row),
    "workspace": (lambda info, one: info.context.loaders.workspaces.load(one), Workspace.from_row),
    "membership": (lambda info, one: info.context.loaders.memberships.load(one), Membership.from_row),
    "invite": (lambda info, one: info.context.loaders.invites.load(one), Invite.from_row),
    "webhook": (lambda info, one: info.context.loaders.webhooks.load(one), Webhook.from_row),
    "delivery": (lambda info, one: info.context.loaders.deliveries.load(one), WebhookDelivery.from_row),
    "change": (visible_change, Change.from_row),
    "user": (_known_user, User.from_row),
    "integration": (
        lambda info, one: info.context.loaders.known_integrations.load(one),
        lambda row: Integration.of(*row),
    ),
    "token": (lambda info, one: info.context.loaders.api_tokens.load(one), ApiToken.from_row),
    "session": (own_session, lambda session: session),
    "presence": (presence_node, lambda presence: presence),
}


async def _node(info: Info, global_id: strawberry.ID) -> Node | None:
    """The object of an id, by the type that the id names; None when there is none for the viewer."""
    kind = global_id.partition("_")[0]
    if kind not in _NODES:
        return None
    try:
        row_id = ids.parse(kind, global_id)
    except NotFound:
        return None
    load, of_row = _NODES[kind]
    row = await load(info, row_id)
    return None if row is None else of_row(row)


def _workspace_id(global_id: str) -> UUID | None:
    try:
        return ids.parse("workspace", global_id)
    except NotFound:
        return None


_Id = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
_WorkspaceId = Annotated[strawberry.ID, strawberry.argument(description="Which workspace.")]


@strawberry.type(description="What can be read.")
class Query:
    @strawberry.field(description="Anything with an id. Null: no such thing for you.")
    async def node(self, info: Info, id: _Id) -> Node | None:
        info.context.caller()
        return await _node(info, id)

    @strawberry.field(description="Several at once, in the order of the ids; at most 100.")
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Their ids.")]
    ) -> list[Node | None]:
        info.context.caller()
        if len(ids) > MAX_NODES:
            raise TopLevel("BAD_REQUEST", f"`nodes` takes at most {MAX_NODES} ids.")
        return list(await asyncio.gather(*[_node(info, one) for one in ids]))

    @strawberry.field(description="You. Null when the request carries no credentials.", directives=[Personal()])
    async def viewer(self, info: Info) -> Viewer | None:
        return await viewer_of(info)

    @strawberry.field(description="A workspace. Null: no such workspace for you.")
    async def workspace(
        self, info: Info, by: Annotated[WorkspaceBy, strawberry.argument(description="Which one.")]
    ) -> Workspace | None:
        info.context.caller()
        slug, global_id = given(by.slug), given(by.id)
        if slug is not None:
            found = await lookups.workspace_id_by_slug(info.context.reading, await info.context.scope(), slug)
        else:
            found = _workspace_id(global_id or "")
        row = None if found is None else await info.context.loaders.workspaces.load(found)
        return None if row is None else Workspace.from_row(row)

    @strawberry.field(
        description=(
            "Public: what an invite leads to. Null when unknown, expired, used up or revoked (no distinction)."
        )
    )
    async def invite(
        self, info: Info, token: Annotated[str, strawberry.argument(description="What the link has after its `#`.")]
    ) -> InvitePreview | None:
        found = await invites.preview(info.context.reading, token)
        if found is None:
            return None
        return InvitePreview(
            workspace_name=found.workspace_name,
            role=found.role,
            invited_by=found.invited_by,
            is_for_one_address=found.is_for_one_address,
        )

    @strawberry.field(
        description=(
            "Public: whether a link from `requestPasswordReset` still works, and nothing of whose it is. False when"
            " unknown, expired or used (no distinction). Asking does not use it up. Ask by POST: a token belongs"
            " into no address."
        ),
        directives=[Cost(weight=1)],
    )
    async def is_password_reset_token_valid(
        self, info: Info, token: Annotated[str, strawberry.argument(description="What the link has after its `#`.")]
    ) -> bool:
        return await recovery.may_reset(info.context.reading, token, info.context.desk.clock())

    @strawberry.field(
        description="What this operation costs and what you have left; without credentials, your address.",
        directives=[Personal()],
    )
    def rate_limit(self, info: Info) -> RateLimit:
        return rate_limit(info)

    @strawberry.field(description="A task. Null: no such task for you.")
    async def task(
        self, info: Info, by: Annotated[TaskBy, strawberry.argument(description="Which one.")]
    ) -> Task | None:
        info.context.caller()
        key, global_id = given(by.key), given(by.id)
        if key is None:
            node = await _node(info, strawberry.ID(global_id or ""))
            return node if isinstance(node, Task) else None
        scope = await info.context.scope()
        found = await lookups.task_id_by_key(info.context.reading, scope, key.workspace_slug, key.key)
        row = None if found is None else await info.context.loaders.tasks.load(found)
        return None if row is None else Task.from_row(row)

    @strawberry.field(
        description=(
            "Ranked search over titles, descriptions and comments the viewer may read: words, beginnings of words, and"
            " titles that look alike. Null: no such workspace for you."
        ),
        directives=[Cost(weight=20)],
    )
    async def search_tasks(
        self,
        info: Info,
        workspace_id: _WorkspaceId,
        query: Annotated[str, strawberry.argument(description="1 to 200 characters.")],
        filter: Annotated[
            TaskFilter | None, strawberry.argument(description="Only those that match; archived ones are left out.")
        ] = strawberry.UNSET,
        first: FirstTasks = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> TaskConnection | None:
        info.context.caller()
        found = _workspace_id(workspace_id)
        request = page_request(first, after, most=MAX_TASK_PAGE)
        wanted = await to_row_filter(info, filter)
        if found is None or (await info.context.scope()).grant(found) is None:
            return None
        return await search(info, found, query, wanted, request)

    @strawberry.field(
        description=(
            "Offline delta sync: the same batches as the subscription, by polling. Null: no such workspace for you."
        )
    )
    async def workspace_events(
        self,
        info: Info,
        workspace_id: _WorkspaceId,
        after: Annotated[EventCursor, strawberry.argument(description="The last cursor you stored.")],
        filter: Annotated[EventFilter | None, strawberry.argument(description="Only what matches.")] = strawberry.UNSET,
        first: Annotated[
            int | None,
            strawberry.argument(description="At most so many events, 1 to 500; omitted = 50. A commit is never cut."),
        ] = strawberry.UNSET,
    ) -> EventBatch | None:
        info.context.caller()
        found = _workspace_id(workspace_id)
        limit = page_request(first, most=MAX_TASK_PAGE).limit
        matches = matcher(filter)
        grant = None if found is None else (await info.context.scope()).grant(found)
        if found is None or grant is None:
            return None
        batch = await first_events(info, grant, cursor_of(after, found), limit, matches)
        return None if batch is None else event_batch(batch)
