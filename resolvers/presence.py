"""Saying that one is here, and following who else is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import Maybe

from domain import ids, presence
from domain.errors import ErrorCode, Invalid, NotFound, Refusal, TopLevel
from domain.outcomes import ChangedField
from domain.presence import ActivityMode, Attendee
from realtime.follow import AccessRevoked, NotVisible
from realtime.presence_state import Status
from realtime.presence_store import Doing
from schema.context import Info
from schema.errors import user_errors
from schema.nodes import given
from schema.presence import PresenceBatch, UpdatePresencePayload, lease_end, presence_batch, shown_presence


@strawberry.input(description="What you do with a task.")
class PresenceActivityInput:
    task_id: strawberry.ID = strawberry.field(description="Which one; you must see it.")
    mode: ActivityMode = strawberry.field(description="What you do. EDITING and COMMENTING need the right to.")
    field: ChangedField | None = strawberry.field(
        default=strawberry.UNSET, description="Which field of it, one that tasks have; omitted: none in particular."
    )


@strawberry.input(description="A heartbeat. Ephemeral: it has no key, and nothing of it is in the log.")
class UpdatePresenceInput:
    workspace_id: strawberry.ID = strawberry.field(description="Where you are.")
    client_id: UUID | None = strawberry.field(
        default=strawberry.UNSET,
        description="Names the tab, made by it; required over HTTP. Over a socket the socket is the tab.",
    )
    status: Status = strawberry.field(
        default=Status.ONLINE, description="How you are here. OFFLINE: this tab is being closed."
    )
    activity: Maybe[PresenceActivityInput | None] = strawberry.field(
        default=None, description="What you do: omitted = as before, null = nothing."
    )


@strawberry.type
class PresenceMutation:
    @strawberry.mutation(
        description=(
            "Heartbeat and what you are doing. Ephemeral: never in the log, not idempotent, limited on its own: more"
            " than about 5 a second answer RATE_LIMITED. A socket that follows the workspace needs none to be online."
        )
    )
    async def update_presence(
        self, info: Info, input: Annotated[UpdatePresenceInput, strawberry.argument(description="What you say.")]
    ) -> UpdatePresencePayload:
        context = info.context
        me = context.me()
        if not context.presences.pace.allows(me.user_id):
            raise TopLevel("RATE_LIMITED", "Too many heartbeats: one every 5 to 8 s is enough.", retryAfterSeconds=1)
        try:
            workspace_id, tab = ids.parse("workspace", input.workspace_id, "workspaceId"), _tab(info, input)
            attendee, doing = await _said(info, workspace_id, input)
            await context.renew()  # nothing of PostgreSQL is held while Redis is waited for
            here = await context.presences.update(workspace_id, me.user_id, tab, attendee, input.status, doing)
            # A removal may have come in between; then nobody might take them out again.
            if workspace_id not in (await context.scope()).workspace_ids:
                await context.presences.withdraw(workspace_id, me.user_id)
                raise NotFound(input.workspace_id, "workspaceId")
        except Refusal as refused:
            return UpdatePresencePayload(user_errors=user_errors(refused))
        shown = None if here is None else await shown_presence(info, here)
        return UpdatePresencePayload(user_errors=[], presence=shown, expires_at=lease_end())


def _tab(info: Info, input: UpdatePresenceInput) -> UUID:
    """The tab that speaks. Raises Invalid(REQUIRED) where nothing says which."""
    tab = info.context.tab or given(input.client_id)
    if tab is None:
        raise Invalid("Over HTTP a clientId has to say which tab this is.", "clientId", code=ErrorCode.REQUIRED)
    return tab


async def _said(info: Info, workspace_id: UUID, input: UpdatePresenceInput) -> tuple[Attendee, Doing | bool | None]:
    """Who speaks, and what they do (False: as before). Raises NotFound, Forbidden, Invalid."""
    reading, me = info.context.reading, info.context.me()
    attendee, grant = await presence.attendee_in(reading, workspace_id, me.user_id)
    if input.activity is None:
        return attendee, False
    said = input.activity.value
    if said is None:
        return attendee, None
    task_id = ids.parse("task", said.task_id, "activity", "taskId")
    audience = await presence.audience_of_activity(reading, grant, task_id, said.mode)
    return attendee, Doing(task_id, presence.edited_field(given(said.field)), said.mode, audience)


@strawberry.type
class PresenceSubscription:
    @strawberry.subscription(
        description=(
            "Who is here: a snapshot, then upserts per person (a full snapshot again every 60 s). An update is never a"
            " leave and a join. Losing the workspace ends it with an `error` ACCESS_REVOKED; the socket stays."
        )
    )
    async def presence(
        self,
        info: Info,
        workspace_id: Annotated[strawberry.ID, strawberry.argument(description="Which workspace.")],
        task_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Only people who do something with this task; who stops comes once more, without it."
            ),
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[PresenceBatch, None]:
        context = info.context
        context.me()
        workspace, task = await _watched(info, workspace_id, given(task_id))
        try:
            async with aclosing(context.watch_presence(workspace, task, presence_batch)) as batches:
                async for batch in batches:
                    await context.renew()
                    yield await presence_batch(batch, context.loaders)
        except NotVisible:
            raise TopLevel("NOT_FOUND", "There is no such workspace, or you may not see it.") from None
        except AccessRevoked:
            raise TopLevel("ACCESS_REVOKED", "You may no longer see this workspace.") from None


async def _watched(info: Info, workspace_id: str, task_id: str | None) -> tuple[UUID, UUID | None]:
    """What is to be followed. Raises TopLevel(NOT_FOUND)."""
    try:
        workspace = ids.parse("workspace", workspace_id)
        if task_id is None:
            return workspace, None
        row = await info.context.loaders.tasks.load(ids.parse("task", task_id))
        if row is None or row.workspace_id != workspace:
            raise NotFound(task_id)
    except NotFound:
        raise TopLevel("NOT_FOUND", "There is no such thing, or you may not see it.") from None
    await info.context.renew()
    return workspace, row.id
