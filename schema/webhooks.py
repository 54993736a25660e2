"""Webhooks and the messages to them, for those with WEBHOOK_ADMIN."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from db import models
from db.ids import typed
from db.models import DeliveryState, EventKind, WebhookPauseReason, WebhookState
from realtime.cursor import Cursor
from schema.context import Info
from schema.nodes import Actor, After, Connection, First, Node, connection_of, given, page_of, page_request
from schema.people import user_of
from schema.scalars import EventCursor, Url


@strawberry.type(
    description=(
        "One message to a webhook. `id` is the same in every attempt, without its prefix in the header `webhook-id`:"
        " receivers deduplicate on it. Kept for 7 days."
    )
)
class WebhookDelivery(Node):
    event_cursor: EventCursor = strawberry.field(
        description="The event's place in the log; of a test, where the log stood."
    )
    replay_cursor: EventCursor = strawberry.field(
        description="Just before that: `replayWebhook` after it sends this message again, and all that came later."
    )
    state: DeliveryState = strawberry.field(description="What became of it.")
    is_test: bool = strawberry.field(description="It was asked for by testWebhook and says nothing.")
    attempts: int = strawberry.field(description="How often it was sent.")
    last_attempt_at: datetime | None = strawberry.field(description="When it was sent last.")
    last_status_code: int | None = strawberry.field(description="What the receiver answered last; null: nothing.")
    last_error: str | None = strawberry.field(description="Why the last attempt failed, if it did.")
    last_response: str | None = strawberry.field(
        description="How the last answer begins, at most 1,000 characters of it."
    )
    next_attempt_at: datetime | None = strawberry.field(description="When it is sent again, if it is.")
    delivered_at: datetime | None = strawberry.field(description="When the receiver answered with a 2xx.")

    @staticmethod
    def from_row(row: models.WebhookDelivery) -> WebhookDelivery:
        return WebhookDelivery(
            id=strawberry.ID(typed("delivery", row.id)),
            event_cursor=EventCursor(str(Cursor(row.workspace_id, row.epoch, row.seq))),
            replay_cursor=EventCursor(str(Cursor(row.workspace_id, row.epoch, row.seq - 1))),
            state=row.state,
            is_test=row.is_test,
            attempts=row.attempts,
            last_attempt_at=row.last_attempt_at,
            last_status_code=row.last_status_code,
            last_error=row.last_error,
            last_response=row.last_response,
            next_attempt_at=row.next_attempt_at,
            delivered_at=row.delivered_at,
        )


@strawberry.type(
    description=(
        "An address that is told what happens in a workspace, each event by a POST, in order, at least once, with the"
        " headers and signatures of Standard Webhooks."
    )
)
class Webhook(Node):
    row: strawberry.Private[models.Webhook]
    created_at: datetime = strawberry.field(description="When it was made.")
    url: Url = strawberry.field(description="Where messages go.")
    kinds: list[EventKind] = strawberry.field(description="What it is told of.")
    state: WebhookState = strawberry.field(description="Whether messages go out.")
    pause_reason: WebhookPauseReason | None = strawberry.field(description="Why it is PAUSED; null while it is not.")
    failing_since: datetime | None = strawberry.field(
        description="Set while it is FAILING: when it had failed for 24 hours."
    )

    @strawberry.field(description="Everything up to here has been delivered, in order, or was not for it.")
    def delivered_through(self) -> EventCursor | None:
        return EventCursor(str(Cursor(self.row.workspace_id, self.row.epoch, self.row.seq)))

    @strawberry.field(description="Whose rights say what it is told: it never tells more than they may see.")
    async def created_by(self, info: Info) -> Actor:
        return await user_of(info, self.row.created_by)

    @strawberry.field(description="Its messages of the last 7 days, those first that were first sent last.")
    async def deliveries(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        state: Annotated[DeliveryState | None, strawberry.argument(description="Only these.")] = strawberry.UNSET,
    ) -> Connection[WebhookDelivery]:
        group = (given(state), page_request(first, after))
        page = await page_of(info.context.loaders.delivery_pages.load(group, self.row.id))
        return connection_of(page, WebhookDelivery.from_row)

    @staticmethod
    def from_row(row: models.Webhook) -> Webhook:
        return Webhook(
            row=row,
            id=strawberry.ID(typed("webhook", row.id)),
            created_at=row.created_at,
            url=Url(row.url),
            kinds=sorted(row.kinds, key=list(EventKind).index),
            state=row.state,
            pause_reason=row.pause_reason,
            failing_since=row.failing_since,
        )
