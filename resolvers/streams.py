"""The change stream: as a subscription, and read in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import strawberry

from domain import ids
from domain.errors import NotFound, TopLevel
from realtime.cursor import Cursor, parse
from realtime.follow import AccessRevoked, NotVisible, read_batch
from realtime.reader import Batch, Matches
from schema.context import Grant, Info
from schema.events import EventBatch, EventFilter, event_batch, matcher
from schema.nodes import given
from schema.scalars import EventCursor

NO_SUCH_WORKSPACE = "There is no such workspace, or you may not see it."


def cursor_of(text: str, workspace_id: UUID) -> Cursor:
    """A client's cursor. Raises TopLevel(BAD_REQUEST) for one that is malformed or of another workspace."""
    try:
        return parse(text, workspace_id)
    except ValueError as error:
        raise TopLevel("BAD_REQUEST", f"{error} Use one that this workspace's stream gave you.") from error


async def first_events(info: Info, grant: Grant, after: Cursor, first: int, matches: Matches) -> Batch | None:
    """The events after a cursor, on the operation's own snapshot; None when the workspace is gone."""
    try:
        return await read_batch(
            info.context.reading, grant.workspace_id, grant.user_id, grant.tags, after, first, matches
        )
    except NotVisible:
        return None


@strawberry.type
class EventSubscription:
    @strawberry.subscription(
        description=(
            "The workspace's ordered, gapless change stream: replays everything after `after` (omitted: from now), then"
            " goes live, each event once, in commit order; what one commit wrote is never split over two batches. An"
            " empty batch is a checkpoint (about every 15 s). Losing the workspace ends it with an `error`"
            " ACCESS_REVOKED; the socket stays."
        )
    )
    async def workspace_events(
        self,
        info: Info,
        workspace_id: Annotated[strawberry.ID, strawberry.argument(description="Which workspace.")],
        after: Annotated[
            EventCursor | None, strawberry.argument(description="The last cursor you stored; omitted: from now.")
        ] = strawberry.UNSET,
        filter: Annotated[EventFilter | None, strawberry.argument(description="Only what matches.")] = strawberry.UNSET,
    ) -> AsyncGenerator[EventBatch, None]:
        context = info.context
        del info  # it keeps all that starting took, and this lasts for days
        context.caller()
        matches = matcher(filter)
        try:
            found = ids.parse("workspace", workspace_id)
        except NotFound:
            raise TopLevel("NOT_FOUND", NO_SUCH_WORKSPACE) from None
        asked = given(after)
        start = None if asked is None else cursor_of(asked, found)
        try:
            async with aclosing(context.follow(found, start, matches, event_batch)) as batches:
                async for batch in batches:
                    await context.renew()
                    yield event_batch(batch)
        except NotVisible:
            raise TopLevel("NOT_FOUND", NO_SUCH_WORKSPACE) from None
        except AccessRevoked:
            raise TopLevel("ACCESS_REVOKED", "You may no longer see this workspace.") from None
