"""The one way in which a mutation runs and a refusal becomes an answer.

A resolver says what to do as a unit of work; here it gets its idempotency key,
its transaction, and its payload, the same for a first answer and a repeated one.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

import orjson
import strawberry
from strawberry import UNSET, Some

from domain.errors import Conflict, ErrorCode, Invalid, Refusal, Refusals
from domain.outcomes import ChangedField, KeyReused, Outcome, UnitOfWork, typed
from realtime.cursor import Cursor
from schema import payloads
from schema.api_token_payloads import CreateApiTokenPayload, RevokeApiTokenPayload, UpdateApiTokenPayload
from schema.context import Info, Request
from schema.errors import user_errors
from schema.payloads import MutationPayload
from schema.scalars import EventCursor

Payload = TypeVar("Payload", bound=MutationPayload)
Value = TypeVar("Value")

Work = Callable[[UnitOfWork], Awaitable[Outcome]]

OPEN_TO_TOKENS: frozenset[type[MutationPayload]] = frozenset(
    {
        payloads.CreateTaskPayload,
        payloads.UpdateTaskPayload,
        payloads.BulkUpdateTasksPayload,
        payloads.MoveTaskPayload,
        payloads.ArchiveTaskPayload,
        payloads.RestoreTaskPayload,
        payloads.DeleteTaskPayload,
        payloads.RevertChangesPayload,
        payloads.CreateCommentPayload,
        payloads.UpdateCommentPayload,
        payloads.DeleteCommentPayload,
        payloads.AddReactionPayload,
        payloads.RemoveReactionPayload,
        payloads.CreateProjectPayload,
        payloads.UpdateProjectPayload,
        payloads.DeleteProjectPayload,
        payloads.CreateLabelPayload,
        payloads.UpdateLabelPayload,
        payloads.DeleteLabelPayload,
        payloads.CreateStatusPayload,
        payloads.UpdateStatusPayload,
        payloads.DeleteStatusPayload,
        payloads.UpdateWorkspacePayload,
        payloads.DeleteWorkspacePayload,
        payloads.CreateInvitePayload,
        payloads.RevokeInvitePayload,
        payloads.UpdateMemberRolePayload,
        payloads.RemoveMemberPayload,
        payloads.AddProjectGuestPayload,
        payloads.RemoveProjectGuestPayload,
        CreateApiTokenPayload,
        UpdateApiTokenPayload,
        RevokeApiTokenPayload,
        payloads.CreateWebhookPayload,
        payloads.UpdateWebhookPayload,
        payloads.DeleteWebhookPayload,
        payloads.RotateWebhookSecretPayload,
        payloads.ReplayWebhookPayload,
        payloads.TestWebhookPayload,
    }
)
"""What an API token can do at all, as far as its scopes go. What is not here is for people: a new mutation, too."""


async def mutate(
    info: Info,
    payload: type[Payload],
    given: Any,
    work: Callable[[], Work],
    *,
    shows: Mapping[str, Callable[[], UUID]] | None = None,
    shows_refused: Callable[[Refusal | Refusals], dict[str, Any]] = lambda refused: {},
) -> Payload:
    """Run one mutation. `work` reads the input (ids may be refused) and gives the unit of work.

    `shows`: what the payload shows of an existing object also when the change is refused; `shows_refused`: what
    it shows then of objects that the refusals are about.
    """
    context = info.context
    if payload in OPEN_TO_TOKENS:
        context.caller()
    else:
        context.me()
    key: UUID | None = given.client_mutation_id or None
    errors: list[Any] = []
    refused_ids: dict[str, Any] = {}
    rows: Mapping[UUID, Any] = {}
    outcome = Outcome()
    request = None if key is None else Request(key, _fingerprint(payload.__name__, given))
    try:
        outcome = await context.write(work(), request, getattr(given, "id", UNSET) or None)
        rows = outcome.rows
    except (Refusal, Refusals) as refused:
        errors = user_errors(refused)
        refused_ids = shows_refused(refused)
        if isinstance(refused, Conflict) and refused.row is not None:
            rows = {refused.entity_id: refused.row}
    except KeyReused:
        message = "This clientMutationId came before with another input: make a new one for each mutation."
        errors = user_errors(Invalid(message, "clientMutationId", code=ErrorCode.IDEMPOTENCY_MISMATCH))
    ids = dict(outcome.ids)
    if errors:
        ids = {name: str(found) for name, parse in (shows or {}).items() if (found := _parsed(parse)) is not None}
        ids |= refused_ids
    cursor = None
    if outcome.cursor is not None:
        workspace_id, seq = outcome.cursor
        cursor = EventCursor(str(Cursor(workspace_id, outcome.epoch or await context.epoch(), seq)))
    return payload(
        ids=ids,
        rows=rows,
        merged_fields=[ChangedField(one) for one in outcome.merged],
        client_mutation_id=key,
        user_errors=errors,
        event_cursor=cursor,
        change_set_id=(
            None if outcome.change_set_id is None else strawberry.ID(typed("changeset", outcome.change_set_id))
        ),
        replayed=outcome.is_replay,
    )


def _parsed(parse: Callable[[], UUID]) -> UUID | None:
    try:
        return parse()
    except Refusal:
        return None


def _fingerprint(name: str, given: Any) -> bytes:
    """A hash of all that was asked for, whether it came in the document or in variables."""
    plain = _plain(given)
    del plain["client_mutation_id"]
    return hashlib.sha256(orjson.dumps([name, plain], option=orjson.OPT_SORT_KEYS)).digest()


def _plain(value: Any) -> Any:
    if value is UNSET:
        return {"unset": True}
    if isinstance(value, Some):
        return {"some": _plain(value.value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value


def patch(fields: Mapping[ChangedField, Some[Any] | None]) -> dict[ChangedField, Any]:
    """Only the fields that were given, with their values; null is a value."""
    return {field: one.value for field, one in fields.items() if one is not None}


def listed(values: Sequence[Value] | None) -> list[Value]:
    """An optional list; left out or null, it is empty."""
    return [] if values is None or values is UNSET else list(values)
