"""API tokens: what a program acts by, within what its creator may do.

The secret is told once and stored as a hash. Invariant: nobody gets by a token what they do not have themselves, and no
token makes another that may do more, or lives longer, than itself.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db import api_tokens, workspaces
from db.ids import new_id
from db.models import ApiToken, AuditedKind, ChangedField, FieldChange, Permission
from db.scope import Grant
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, fields, webhooks
from domain.errors import Forbidden, Invalid, LimitReached, NotFound
from domain.ids import typed

MAX_TOKENS = 50
MAX_LIFETIME = timedelta(days=366)
SECRET_PREFIX = "tutti_"  # noqa: S105 - how secrets begin, so that scanners of code find them
PREFIX_CHARACTERS = len(SECRET_PREFIX) + 6
_ORDERED = list(Permission)


def new_secret() -> str:
    """A secret, told once; 256 random bits."""
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def hash_of(secret: str) -> bytes:
    """What is stored of a secret. It is random, so a fast hash without a salt is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class NewToken:
    workspace_id: UUID
    name: str
    scopes: Sequence[Permission]
    expires_at: datetime | None


async def create_token(uow: UnitOfWork, new: NewToken, secret: str) -> Outcome:
    """Raises NotFound, Forbidden for a scope that the actor does not have, Refusals, Invalid, LimitReached."""
    grant = await access.permitted(uow, new.workspace_id, Permission.TOKEN_ADMIN)
    name = _name(new.name)
    scopes = _checked_scopes(grant, new.scopes)
    expires_at = _checked_end(uow, new.expires_at)
    await workspaces.lock_workspace(uow, new.workspace_id)
    # Whoever leaves takes their tokens along, so they must not leave until this one is there.
    if not await workspaces.lock_memberships(uow, new.workspace_id, [grant.membership_id]):
        raise NotFound(typed("workspace", new.workspace_id), "workspaceId")
    if await api_tokens.count_tokens(uow, new.workspace_id) >= MAX_TOKENS:
        raise LimitReached(f"A workspace has at most {MAX_TOKENS} API tokens: revoke one.", MAX_TOKENS)
    token = ApiToken(
        id=new_id(),
        version=1,
        created_at=uow.now,
        workspace_id=new.workspace_id,
        created_by=uow.actor.user_id,
        name=name,
        prefix=secret[:PREFIX_CHARACTERS],
        scopes=scopes,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    await api_tokens.insert_token(uow, token, hash_of(secret))
    listed = [one.value for one in sorted(scopes, key=_ORDERED.index)]
    _remember(
        uow,
        token,
        1,
        [FieldChange(ChangedField.NAME, None, name), FieldChange(ChangedField.SCOPES, None, listed)],
    )
    return Outcome({"api_token": str(token.id)})


def _name(name: str | None) -> str:
    good: str = fields.checked({"name": (fields.line(fields.MAX_NAME), name)})["name"]
    return good


def _checked_scopes(grant: Grant, asked: Sequence[Permission]) -> frozenset[Permission]:
    scopes = frozenset(asked)
    if Permission.TASK_READ not in scopes:
        raise Invalid("A token without TASK_READ would see nothing, not even what it does.", "scopes")
    for one in sorted(scopes, key=_ORDERED.index):
        if one not in grant.permissions:
            raise Forbidden(one, f"You lack {one.value} yourself, so a token of yours cannot have it.")
    return scopes


def _checked_end(uow: UnitOfWork, asked: datetime | None) -> datetime | None:
    if asked is not None and not uow.now < asked <= uow.now + MAX_LIFETIME:
        raise Invalid("A token expires in the future, within a year.", "expiresAt")
    maker = uow.actor.token
    if maker is None or maker.expires_at is None or (asked is not None and asked <= maker.expires_at):
        return asked
    raise Invalid("A token cannot make one that lives longer than itself.", "expiresAt")


async def rename_token(uow: UnitOfWork, token_id: UUID, name: str) -> Outcome:
    """Raises NotFound, Forbidden, Refusals."""
    token = await _administered(uow, token_id)
    good = _name(name)
    if good != token.name:
        await api_tokens.update_token(uow, token_id, {"name": good})
        _remember(uow, token, token.version + 1, [FieldChange(ChangedField.NAME, token.name, good)])
    return Outcome({"api_token": str(token_id)})


async def revoke_token(uow: UnitOfWork, token_id: UUID) -> Outcome:
    """It is good for nothing any more, also on its open sockets and for its webhooks. Again: nothing happens.

    Raises NotFound, Forbidden.
    """
    token = await _administered(uow, token_id)
    if token.revoked_at is None:
        await _revoke(uow, token)
    return Outcome({"api_token": str(token_id)})


async def revoke_tokens_of(uow: UnitOfWork, workspace_id: UUID, user_id: UUID) -> None:
    """Somebody is no longer a member, and their tokens end for good: they do not come back with the person."""
    for token in await api_tokens.lock_tokens_of(uow, workspace_id, user_id):
        await _revoke(uow, token)


async def _revoke(uow: UnitOfWork, token: ApiToken) -> None:
    await api_tokens.update_token(uow, token.id, {"revoked_at": uow.now})
    await webhooks.pause_those_of(uow, token.id)
    _remember(uow, token, token.version + 1, [FieldChange(ChangedField.NAME, token.name, None)])


async def _administered(uow: UnitOfWork, token_id: UUID) -> ApiToken:
    """Lock a token for a change by somebody with TOKEN_ADMIN. To everybody else there is none."""
    asked = typed("token", token_id)
    token = await api_tokens.lock_token(uow, token_id)
    if token is None:
        raise NotFound(asked, "id")
    try:
        await access.permitted(uow, token.workspace_id, Permission.TOKEN_ADMIN, hidden=asked, path="id")
    except Forbidden:
        raise NotFound(asked, "id") from None
    return token


def _remember(uow: UnitOfWork, token: ApiToken, version: int, changes: Sequence[FieldChange]) -> None:
    uow.remember(AuditedKind.TOKEN, token.workspace_id, token.id, version, changes, is_audit=True)
