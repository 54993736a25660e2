"""Webhooks and the messages to them, as people see and change them. How they are worked off is db.webhook_queue.

Invariant: every change that people make raises `revision`, so that a message that is under way meanwhile is not
counted for what the webhook was before. A secret leaves here for signing alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, insert, select, update
from sqlalchemy import delete as delete_from

from db import pages
from db.models import DeliveryState, EventKind, Permission, Webhook, WebhookDelivery, WebhookPauseReason
from db.pages import Page, PageRequest, SortKey
from db.scope import Scope
from db.session import Session
from db.tables import webhook_deliveries as deliveries
from db.tables import webhooks

SHOWN = [
    webhooks.c.id,
    webhooks.c.version,
    webhooks.c.created_at,
    webhooks.c.workspace_id,
    webhooks.c.created_by,
    webhooks.c.scopes,
    webhooks.c.token_ids,
    webhooks.c.url,
    webhooks.c.kinds,
    webhooks.c.paused_at,
    webhooks.c.pause_reason,
    webhooks.c.failing_since,
    webhooks.c.epoch,
    webhooks.c.seq,
    webhooks.c.attempts,
    webhooks.c.revision,
]
"""All but the secrets."""


def webhook_of(row: Any) -> Webhook:
    return Webhook(
        id=row.id,
        version=row.version,
        created_at=row.created_at,
        workspace_id=row.workspace_id,
        created_by=row.created_by,
        scopes=None if row.scopes is None else frozenset(Permission(one) for one in row.scopes),
        token_ids=frozenset(row.token_ids),
        url=row.url,
        kinds=frozenset(EventKind(one) for one in row.kinds),
        paused_at=row.paused_at,
        pause_reason=None if row.pause_reason is None else WebhookPauseReason(row.pause_reason),
        failing_since=row.failing_since,
        epoch=row.epoch,
        seq=row.seq,
        attempts=row.attempts,
        revision=row.revision,
    )


def _delivery(row: Any) -> WebhookDelivery:
    return WebhookDelivery(
        id=row.id,
        created_at=row.created_at,
        workspace_id=row.workspace_id,
        webhook_id=row.webhook_id,
        epoch=row.epoch,
        seq=row.seq,
        state=DeliveryState(row.state),
        is_test=row.is_test,
        attempts=row.attempts,
        last_attempt_at=row.last_attempt_at,
        last_status_code=row.last_status_code,
        last_error=row.last_error,
        last_response=row.last_response,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
    )


def _administered(workspace_id: ColumnElement[UUID], scope: Scope) -> ColumnElement[bool]:
    ids = [grant.workspace_id for grant in scope.grants if Permission.WEBHOOK_ADMIN in grant.permissions]
    return workspace_id.in_(ids) if ids else false()


# ---- reading


async def webhooks_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Webhook]:
    """ids -> the webhooks of those that the scope may manage."""
    found = await session.execute(
        select(*SHOWN).where(webhooks.c.id.in_(list(ids)), _administered(webhooks.c.workspace_id, scope))
    )
    return {row.id: webhook_of(row) for row in found}


async def webhooks_by_workspace_ids(
    session: Session, scope: Scope, workspace_ids: Collection[UUID]
) -> dict[UUID, list[Webhook]]:
    """workspace ids -> their webhooks, the oldest first."""
    found = await session.execute(
        select(*SHOWN)
        .where(webhooks.c.workspace_id.in_(list(workspace_ids)), _administered(webhooks.c.workspace_id, scope))
        .order_by(webhooks.c.created_at, webhooks.c.id)
    )
    listed: dict[UUID, list[Webhook]] = {one: [] for one in workspace_ids}
    for row in found:
        listed[row.workspace_id].append(webhook_of(row))
    return listed


async def deliveries_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, WebhookDelivery]:
    """ids -> the messages of webhooks that the scope may manage."""
    found = await session.execute(
        select(deliveries).where(deliveries.c.id.in_(list(ids)), _administered(deliveries.c.workspace_id, scope))
    )
    return {row.id: _delivery(row) for row in found}


_KEYS = [
    SortKey("created_at", deliveries.c.created_at, pages.instant, True),
    SortKey("id", deliveries.c.id, UUID, True),
]


async def delivery_pages(
    session: Session,
    scope: Scope,
    webhook_ids: Sequence[UUID],
    state: DeliveryState | None,
    request: PageRequest,
) -> dict[UUID, Page[WebhookDelivery]]:
    """The same page of messages to each webhook, those first that were first tried last. Raises BadCursor."""
    query = select(deliveries).where(_administered(deliveries.c.workspace_id, scope))
    if state is not None:
        query = query.where(deliveries.c.state == state.value)
    return await pages.read_pages(session, query, deliveries.c.webhook_id, webhook_ids, _KEYS, request, _delivery)


# ---- changing


async def count_webhooks(session: Session, workspace_id: UUID) -> int:
    found = await session.execute(
        select(func.count()).select_from(webhooks).where(webhooks.c.workspace_id == workspace_id)
    )
    return int(found.scalar_one())


async def lock_webhook(session: Session, webhook_id: UUID) -> Webhook | None:
    """Lock a webhook to the end of the transaction and read it."""
    found = await session.execute(select(*SHOWN).where(webhooks.c.id == webhook_id).with_for_update())
    row = found.first()
    return None if row is None else webhook_of(row)


async def lock_webhooks_of_token(session: Session, token_id: UUID) -> list[Webhook]:
    """Lock those that are not paused and end with a token, in the order of their ids."""
    found = await session.execute(
        select(*SHOWN)
        .where(webhooks.c.token_ids.contains([token_id]), webhooks.c.paused_at.is_(None))
        .order_by(webhooks.c.id)
        .with_for_update()
    )
    return [webhook_of(row) for row in found]


async def insert_webhook(session: Session, row: Mapping[str, Any]) -> None:
    """A new webhook. The workspace's row is locked by the caller, so that they can be counted."""
    await session.execute(insert(webhooks), dict(row))


async def update_webhook(session: Session, webhook_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns. The row is locked by the caller."""
    await session.execute(
        update(webhooks)
        .where(webhooks.c.id == webhook_id)
        .values(**values, version=webhooks.c.version + 1, revision=webhooks.c.revision + 1)
    )


async def keep_old_secret(session: Session, webhook_id: UUID, secret: str, old_until: Any) -> None:
    """Another secret; the one before it signs as well for a while. The row is locked by the caller."""
    await update_webhook(
        session, webhook_id, {"old_secret": webhooks.c.secret, "old_secret_until": old_until, "secret": secret}
    )


async def delete_webhook(session: Session, webhook_id: UUID) -> None:
    """With all that is known of its messages."""
    await session.execute(delete_from(webhooks).where(webhooks.c.id == webhook_id))


async def insert_test(session: Session, row: Mapping[str, Any]) -> None:
    """A message that says nothing, to be sent as soon as may be."""
    await session.execute(insert(deliveries), {**row, "is_test": True, "state": DeliveryState.PENDING.value})


async def count_waiting_tests(session: Session, webhook_id: UUID) -> int:
    found = await session.execute(
        select(func.count())
        .select_from(deliveries)
        .where(
            deliveries.c.webhook_id == webhook_id,
            deliveries.c.is_test,
            deliveries.c.state == DeliveryState.PENDING.value,
        )
    )
    return int(found.scalar_one())
