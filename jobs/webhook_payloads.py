"""What a webhook is told: the subscription's events, executed as the subscription is, by its creator's rights.

There is no second way of writing an event: a page of the log becomes the batch that `workspaceEvents` would yield, and
one fixed document is executed on it. Invariant: the rights, the log and all that is looked up are of one snapshot.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson

from dataloaders.loaders import Loaders
from db.api_tokens import ended_token_ids
from db.ids import typed
from db.log import read_events
from db.models import Event, Webhook
from db.scope import MEMBERS_TAG, Grant, Scope
from db.session import Database, ReadSession, Session
from db.unit_of_work import now
from db.webhook_queue import last_refused
from db.workspaces import Standing, standings_by_readers
from execution.documents import Documents
from execution.limits import Limits
from execution.live import Plans
from realtime.cursor import Cursor
from realtime.reader import Batch, Resync, Seen
from resolvers import schema
from schema.events import event_batch
from schema.scalars import show_instant

log = logging.getLogger("tutti.webhooks")

DOCUMENT = """
subscription WebhookEvents {
  workspaceEvents(workspaceId: "") {
    events {
      __typename cursor occurredAt clientMutationId
      actor { __typename id name }
      ... on TaskCreatedEvent { task { ...TaskState } }
      ... on TaskUpdatedEvent { taskId version changes { field before after } task { ...TaskState } }
      ... on TaskRemovedEvent { taskId reason }
      ... on CommentEvent {
        op commentId taskId
        comment { id version createdAt updatedAt editedAt resolvedAt body author { __typename id name } parent { id } }
      }
      ... on EntityEvent {
        kind op entityId
        entity {
          __typename id
          ... on Workspace { version name slug key description }
          ... on Membership { version role user { id name handle } }
          ... on Invite { role maxUses useCount expiresAt revokedAt }
          ... on Project { version name key description color archivedAt }
          ... on Status { version name category color rank }
          ... on Label { version name color }
          ... on Task { reactions { ...Reactions } }
          ... on Comment { reactions { ...Reactions } }
        }
      }
    }
  }
}
fragment TaskState on Task {
  id version createdAt updatedAt key title description priority startDate dueDate estimate rank completedAt archivedAt
  createdBy { __typename id name }
  project { id key name }
  status { id name category }
  assignees { id name }
  labels { id name }
  parent { id key }
}
fragment Reactions on ReactionGroup { emoji count }
"""
"""All of an event that does not depend on who reads it."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `through`: (epoch, seq) where the webhook stands once it is delivered; `place`: whence it is.

    `body`: None of an event that could not be written down, by a mistake of ours: it is neither sent nor passed over.
    """

    id: UUID
    body: bytes | None
    through: tuple[str, int]
    place: tuple[str, int]

    @property
    def global_id(self) -> str:
        return typed("delivery", self.id)


@dataclass(frozen=True, slots=True)
class Page:
    """The next messages to a webhook, in order; when they are delivered it has been told everything `through`."""

    messages: tuple[Message, ...]
    through: tuple[str, int]


class RightsEnded(Exception):
    """Nobody's rights say any more what the webhook may be told."""


class CreatorContext:
    """The context of an event batch for one person: their rights and one snapshot, and nothing of a request."""

    def __init__(self, reading: Session, grant: Grant) -> None:
        self._scope = Scope((grant,))
        self.reading = reading
        self.loaders = Loaders(reading, self.scope)

    async def scope(self) -> Scope:
        return self._scope


class Payloads:
    """Reads what webhooks are told next."""

    def __init__(self, database: Database) -> None:
        self._database = database
        graphql = schema._schema
        documents = Documents(graphql, Limits())
        self._plans = Plans(graphql, documents.load, lambda errors: [{"message": one.message} for one in errors])

    async def next_page(self, webhook: Webhook, most: int, at: datetime) -> Page | None:
        """At most `most` messages, looked for in twice as many events; None: nothing is new. Raises RightsEnded.

        `at`: by when API tokens must not have expired.
        """
        async with self._snapshot() as reading:
            reader = (webhook.workspace_id, webhook.created_by)
            standing = (await standings_by_readers(reading, [reader])).get(reader)
            if standing is None or standing.grant is None:
                raise RightsEnded
            if webhook.token_ids and await ended_token_ids(reading, webhook.token_ids, at):
                raise RightsEnded
            grant = replace(standing.grant, scopes=webhook.scopes)
            if webhook.epoch != standing.epoch or webhook.seq < standing.head.floor_seq:
                return await _resync(reading, webhook, standing)
            if webhook.seq >= standing.head.seq:
                return None
            events = await read_events(
                reading,
                webhook.workspace_id,
                after=webhook.seq,
                through=standing.head.seq,
                limit=2 * most,
            )
            if not events or events[0].seq != webhook.seq + 1:
                # Pruned since this snapshot's floor was read: the next one says so.
                return await _resync(reading, webhook, standing)
            seen = _seen(webhook, grant, events)
            through = events[-1].seq if len(seen) <= most else seen[most - 1].event.seq
            try:
                told = await self._told(reading, standing, grant, seen[:most], through)
            except Exception:
                log.exception("Events through %d could not be told to the webhook %s", through, webhook.id)
                at_fault = seen[0].event
            else:
                return Page(tuple(_message(webhook, standing.epoch, one) for one in told), (standing.epoch, through))
        if most > 1:  # the others are told first
            return await self.next_page(webhook, 1, at)
        place = (standing.epoch, at_fault.seq)
        return Page((Message(_event_id(webhook, place), None, place, place),), place)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[ReadSession]:
        reading = self._database.reading()
        try:
            yield reading
        finally:
            await reading.close()

    async def _told(
        self, reading: Session, standing: Standing, grant: Grant, seen: Sequence[Seen], through: int
    ) -> list[tuple[Event, dict[str, Any]]]:
        """Events with what the subscription says of each."""
        if not seen:
            return []
        cursor = Cursor(grant.workspace_id, standing.epoch, through)
        batch = event_batch(Batch(tuple(seen), cursor, is_caught_up=False))
        rendered = await self._plans.open(DOCUMENT, None, None).render(batch, CreatorContext(reading, grant))
        answer = orjson.loads(rendered)
        # A field that failed is null beside its error: told, it would say that there is nothing.
        if "errors" in answer:
            raise RuntimeError(f"Events could not be told: {answer['errors']}")
        told: list[dict[str, Any]] = answer["data"]["workspaceEvents"]["events"]
        return list(zip([one.event for one in seen], told, strict=True))


def _seen(webhook: Webhook, grant: Grant, events: Sequence[Event]) -> list[Seen]:
    """Those events that the webhook wants and its creator may see now, whatever they might have seen then."""
    tags = grant.tags
    is_all_seen = MEMBERS_TAG in tags
    found = []
    for event in events:
        before, after = not tags.isdisjoint(event.seen_before), not tags.isdisjoint(event.seen_after)
        if (before or after) and event.kind in webhook.kinds:
            found.append(Seen(event, before, after, is_all_seen))
    return found


def delivery_id(webhook_id: UUID, what: str) -> UUID:
    """The same for the same message, whoever sends it how often."""
    return uuid5(webhook_id, what)


def _message(webhook: Webhook, epoch: str, told: tuple[Event, dict[str, Any]]) -> Message:
    event, data = told
    place = (epoch, event.seq)
    body = body_of(_type_of(data), data["occurredAt"], webhook.workspace_id, data)
    return Message(_event_id(webhook, place), body, place, place)


def _event_id(webhook: Webhook, place: tuple[str, int]) -> UUID:
    return delivery_id(webhook.id, f"{place[0]}:{place[1]}")


_TYPES = {"TaskCreatedEvent": "task.created", "TaskUpdatedEvent": "task.updated", "TaskRemovedEvent": "task.removed"}


def _type_of(data: dict[str, Any]) -> str:
    """`task.created`, `comment.updated`, `label.deleted`: what receivers choose by."""
    found = _TYPES.get(data["__typename"])
    return found or f"{data.get('kind', 'comment').lower()}.{data['op'].lower()}"


async def _resync(reading: Session, webhook: Webhook, standing: Standing) -> Page:
    """That the log no longer has what comes next, as the subscription says it.

    Whoever fetches anew goes on from the cursor that they were told first, and passes over what comes by an id that
    they know. So it is told again as it was, though the head moves on, and elsewhere only by another id: where nobody
    wrote down that it was told, or the log does not reach back to there any more.
    """
    head = (standing.epoch, standing.head.seq)
    tried = await last_refused(reading, webhook.id)
    if tried is not None:
        tried_id, (epoch, seq) = tried
        is_this = tried_id == _resync_id(webhook, (epoch, seq))
        if is_this and epoch == standing.epoch and standing.head.floor_seq <= seq:
            head = (epoch, seq)
    cursor = str(Cursor(webhook.workspace_id, *head))
    data = {"__typename": "EventBatch", "events": [], "cursor": cursor, "resync": Resync.CURSOR_EXPIRED.value}
    body = body_of("resync", show_instant(now()), webhook.workspace_id, data)
    return Page((Message(_resync_id(webhook, head), body, head, head),), head)


def _resync_id(webhook: Webhook, head: tuple[str, int]) -> UUID:
    return delivery_id(webhook.id, f"resync:{webhook.epoch}:{webhook.seq}:{head[0]}:{head[1]}")


def test_body(workspace_id: UUID, place: tuple[str, int], at: datetime) -> bytes:
    """What a test says: nothing, and where the log stood."""
    data = {"__typename": "WebhookTest", "cursor": str(Cursor(workspace_id, *place))}
    return body_of("webhook.test", show_instant(at), workspace_id, data)


def body_of(type_name: str, timestamp: str, workspace_id: UUID, data: dict[str, Any]) -> bytes:
    """A message in the form that Standard Webhooks recommends."""
    return orjson.dumps(
        {
            "type": type_name,
            "timestamp": timestamp,
            "workspaceId": typed("workspace", workspace_id),
            "data": data,
        }
    )
