"""Webhooks: who may have them, what they are told of, and what people may do with them.

What they are told goes by the rights that their creator has when it is told. Invariant: nothing here moves a webhook
forward in the log; only what was answered to does (jobs.webhooks), so no event is ever passed over.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db import api_tokens, workspaces
from db import webhooks as rows
from db.ids import new_id
from db.log import read_heads
from db.models import (
    Actor,
    AuditedKind,
    ChangedField,
    EventKind,
    FieldChange,
    Permission,
    Webhook,
    WebhookPauseReason,
)
from db.scope import Grant
from db.session import Session
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, fields
from domain.errors import ErrorCode, Forbidden, Invalid, LimitReached, NotFound
from domain.ids import typed
from domain.webhook_targets import MAX_URL, TargetRules, target_of

MAX_WEBHOOKS = 20
MAX_WAITING_TESTS = 5
OLD_SECRET_KEPT = timedelta(hours=24)
SECRET_PREFIX = "whsec_"  # noqa: S105 - how Standard Webhooks writes secrets
SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64."""

_ORDERED = list(EventKind)


def new_secret() -> str:
    """A secret to sign by, as the libraries of Standard Webhooks take it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


@dataclass(frozen=True, slots=True)
class NewWebhook:
    workspace_id: UUID
    url: str
    kinds: Sequence[EventKind]


@dataclass(frozen=True, slots=True)
class WebhookPatch:
    """What changes; None: it stays."""

    url: str | None = None
    kinds: Sequence[EventKind] | None = None
    is_paused: bool | None = None


async def create_webhook(uow: UnitOfWork, new: NewWebhook, secret: str, rules: TargetRules) -> Outcome:
    """From now on. Raises NotFound, Forbidden, Refusals, LimitReached."""
    asked = typed("workspace", new.workspace_id)
    await _permitted(uow, new.workspace_id, asked, "workspaceId")
    good = fields.checked({"url": (_url_rule(rules), new.url), "kinds": (_kinds_rule, new.kinds)})
    if await workspaces.lock_workspace(uow, new.workspace_id) is None:
        raise NotFound(asked, "workspaceId")
    if await rows.count_webhooks(uow, new.workspace_id) >= MAX_WEBHOOKS:
        raise LimitReached(f"A workspace has at most {MAX_WEBHOOKS} webhooks: delete one.", MAX_WEBHOOKS)
    epoch, heads = await read_heads(uow, [new.workspace_id])
    webhook_id = new_id()
    await rows.insert_webhook(
        uow,
        {
            "id": webhook_id,
            "created_at": uow.now,
            "workspace_id": new.workspace_id,
            "created_by": uow.actor.user_id,
            **_bounds(uow.actor),
            "url": good["url"],
            "kinds": good["kinds"],
            "secret": secret,
            "epoch": epoch,
            "seq": heads[new.workspace_id].seq,
            "due_at": uow.now,
        },
    )
    made = [FieldChange(ChangedField.URL, None, good["url"]), FieldChange(ChangedField.KINDS, None, good["kinds"])]
    uow.remember(AuditedKind.WEBHOOK, new.workspace_id, webhook_id, 1, made, is_audit=True)
    return Outcome({"webhook": str(webhook_id)})


async def update_webhook(uow: UnitOfWork, webhook_id: UUID, patch: WebhookPatch, rules: TargetRules) -> Outcome:
    """Another address, other kinds, a pause or its end; whatever changes, what waits is tried at once.

    Whoever ends the pause of a webhook whose creator has left, or whose API token has ended, takes it over. Raises
    NotFound, Refusals.
    """
    grant, webhook = await _administered(uow, webhook_id)
    asked: dict[str, Any] = {}
    if patch.url is not None:
        asked["url"] = (_url_rule(rules), patch.url)
    if patch.kinds is not None:
        asked["kinds"] = (_kinds_rule, patch.kinds)
    values: dict[str, Any] = fields.checked(asked)
    before = {"url": webhook.url, "kinds": listed(webhook.kinds)}
    values = {name: value for name, value in values.items() if value != before[name]}
    changes = [FieldChange(ChangedField(name.upper()), before[name], value) for name, value in values.items()]
    is_paused = webhook.paused_at is not None
    if patch.is_paused is not None and patch.is_paused != is_paused:
        values |= _pause(uow, WebhookPauseReason.REQUESTED if patch.is_paused else None)
        changes.append(FieldChange(ChangedField.PAUSED, is_paused, patch.is_paused))
    if is_paused and patch.is_paused is False and await why_ended(uow, webhook, uow.now) is not None:
        values |= {"created_by": grant.user_id, **_bounds(uow.actor)}
    elif "url" in values and uow.actor.token is not None:
        # Else a token could lead to itself what it may not see, or what outlives it.
        values |= _bounds(uow.actor, webhook.scopes, webhook.token_ids)
    if values:
        await rows.update_webhook(uow, webhook_id, {**values, **_fresh(uow)})
        _remember(uow, webhook, changes)
    return Outcome({"webhook": str(webhook_id)})


def _bounds(
    actor: Actor, scopes: frozenset[Permission] | None = None, token_ids: frozenset[UUID] = frozenset()
) -> dict[str, Any]:
    """What counts of the creator's rights, and with which tokens that ends, once this actor has set where they lead."""
    if actor.token is not None:
        scopes = actor.token.scopes if scopes is None else actor.token.scopes & scopes
        token_ids |= {actor.token.token_id}
    return {"scopes": None if scopes is None else sorted(scopes), "token_ids": sorted(token_ids)}


def _pause(uow: UnitOfWork, reason: WebhookPauseReason | None) -> dict[str, Any]:
    return {"paused_at": None if reason is None else uow.now, "pause_reason": reason and reason.value}


async def why_ended(session: Session, webhook: Webhook, at: datetime) -> WebhookPauseReason | None:
    """Why a webhook must be told nothing, if so."""
    if webhook.token_ids and await api_tokens.ended_token_ids(session, webhook.token_ids, at):
        return WebhookPauseReason.TOKEN_ENDED
    is_member = await workspaces.grants_by_user_id(session, webhook.created_by, webhook.workspace_id)
    return None if is_member else WebhookPauseReason.CREATOR_LEFT


async def pause_ended(uow: UnitOfWork, webhook_id: UUID, at: datetime) -> Outcome:
    """Pause a webhook whose creator has left, or an API token of which has ended."""
    webhook = await rows.lock_webhook(uow, webhook_id)
    if webhook is not None and webhook.paused_at is None:
        reason = await why_ended(uow, webhook, at)
        if reason is not None:
            await _end(uow, webhook, reason)
    return Outcome()


async def pause_those_of(uow: UnitOfWork, token_id: UUID) -> None:
    """An API token has ended, and what it made, or led where it goes, is told nothing any more."""
    for webhook in await rows.lock_webhooks_of_token(uow, token_id):
        await _end(uow, webhook, WebhookPauseReason.TOKEN_ENDED)


async def _end(uow: UnitOfWork, webhook: Webhook, reason: WebhookPauseReason) -> None:
    await rows.update_webhook(uow, webhook.id, _pause(uow, reason))
    _remember(uow, webhook, [FieldChange(ChangedField.PAUSED, False, True)])


def _fresh(uow: UnitOfWork) -> dict[str, Any]:
    """What comes next was not tried yet."""
    return {"attempts": 0, "failing_since": None, "due_at": uow.now}


async def delete_webhook(uow: UnitOfWork, webhook_id: UUID) -> Outcome:
    """It is told nothing any more. Raises NotFound."""
    _, webhook = await _administered(uow, webhook_id)
    await rows.delete_webhook(uow, webhook_id)
    _remember(uow, webhook, [FieldChange(ChangedField.URL, webhook.url, None)])
    return Outcome({"deleted_webhook": str(webhook_id)})


async def rotate_secret(uow: UnitOfWork, webhook_id: UUID, secret: str) -> Outcome:
    """Messages are signed by another secret, and for a day by the one before it, too. Raises NotFound."""
    _, webhook = await _administered(uow, webhook_id)
    await rows.keep_old_secret(uow, webhook_id, secret, uow.now + OLD_SECRET_KEPT)
    _remember(uow, webhook, [FieldChange(ChangedField.SECRET, None, None)])
    return Outcome({"webhook": str(webhook_id)})


async def replay_webhook(uow: UnitOfWork, webhook_id: UUID, after: tuple[UUID, str, int]) -> Outcome:
    """Everything after a place in the log, (workspace, epoch, seq), is told again. Raises NotFound, Invalid."""
    _, webhook = await _administered(uow, webhook_id)
    workspace_id, epoch, seq = after
    now_epoch, heads = await read_heads(uow, [webhook.workspace_id])
    head = heads[webhook.workspace_id]
    if workspace_id != webhook.workspace_id:
        raise Invalid("This cursor belongs to another workspace.", "after")
    if epoch != now_epoch or seq < head.floor_seq:
        raise Invalid("The log no longer reaches back to this cursor: fetch everything anew.", "after")
    is_behind = webhook.epoch != now_epoch or webhook.seq < head.floor_seq
    if seq > (head.seq if is_behind else webhook.seq):
        raise Invalid("This cursor is ahead of what was delivered, and nothing is ever passed over.", "after")
    await rows.update_webhook(uow, webhook_id, {"epoch": epoch, "seq": seq, **_fresh(uow)})
    return Outcome({"webhook": str(webhook_id)})


async def test_webhook(uow: UnitOfWork, webhook_id: UUID) -> Outcome:
    """A message that says nothing is on its way, also to one that is paused. Raises NotFound, LimitReached."""
    _, webhook = await _administered(uow, webhook_id)
    if await rows.count_waiting_tests(uow, webhook_id) >= MAX_WAITING_TESTS:
        raise LimitReached("Wait for the tests that are on their way.", MAX_WAITING_TESTS)
    epoch, heads = await read_heads(uow, [webhook.workspace_id])
    delivery_id = new_id()
    await rows.insert_test(
        uow,
        {
            "id": delivery_id,
            "created_at": uow.now,
            "workspace_id": webhook.workspace_id,
            "webhook_id": webhook_id,
            "epoch": epoch,
            "seq": heads[webhook.workspace_id].seq,
            "next_attempt_at": uow.now,
        },
    )
    return Outcome({"delivery": str(delivery_id)})


# ---- doors and rules


async def _permitted(uow: UnitOfWork, workspace_id: UUID, asked: str, path: str) -> Grant:
    """The actor's grant, which lasts until the commit: there is no event under whose lock to judge it again."""
    grant = await access.permitted(uow, workspace_id, Permission.WEBHOOK_ADMIN, hidden=asked, path=path)
    await workspaces.members_of(uow, workspace_id, [grant.user_id], for_share=True)
    return await access.permitted(uow, workspace_id, Permission.WEBHOOK_ADMIN, hidden=asked, path=path)


async def _administered(uow: UnitOfWork, webhook_id: UUID) -> tuple[Grant, Webhook]:
    """Lock a webhook for a change by somebody with WEBHOOK_ADMIN. To everybody else there is none."""
    asked = typed("webhook", webhook_id)
    webhook = await rows.lock_webhook(uow, webhook_id)
    if webhook is None:
        raise NotFound(asked, "id")
    try:
        return await _permitted(uow, webhook.workspace_id, asked, "id"), webhook
    except Forbidden:
        raise NotFound(asked, "id") from None


def _url_rule(rules: TargetRules) -> Any:
    def rule(value: str | None, path: str) -> str:
        url = fields.line(MAX_URL)(value, path)
        try:
            target_of(url, rules)
        except ValueError as error:
            raise Invalid(str(error), path) from error
        return url

    return rule


def _kinds_rule(value: Sequence[EventKind], path: str) -> list[str]:
    if not value:
        raise Invalid("Name at least one kind of event.", path, code=ErrorCode.REQUIRED)
    return listed(value)


def listed(kinds: Sequence[EventKind] | frozenset[EventKind]) -> list[str]:
    """Kinds as they are stored: each once, in their order."""
    return [one.value for one in sorted(set(kinds), key=_ORDERED.index)]


def _remember(uow: UnitOfWork, webhook: Webhook, changes: Sequence[FieldChange]) -> None:
    uow.remember(AuditedKind.WEBHOOK, webhook.workspace_id, webhook.id, webhook.version + 1, changes, is_audit=True)
