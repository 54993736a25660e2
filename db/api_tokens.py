"""API tokens: stored by the hash of their secret, never the secret.

A token's row outlives it, as history names it as an actor. Invariant: a token is good only while its creator is a
member of its workspace; whoever is removed takes theirs along.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, text, update

from db.models import ApiToken, Permission, TokenRights
from db.scope import Scope, in_workspaces
from db.session import Session
from db.tables import api_tokens

USE_NOTED_EVERY = timedelta(minutes=1)
"""`last_used_at` is not written more often, however much a token is used."""
REVOKED_SHOWN = timedelta(days=30)
_ORDERED = list(Permission)


def _token(row: Any) -> ApiToken:
    return ApiToken(
        id=row.id,
        version=row.version,
        created_at=row.created_at,
        workspace_id=row.workspace_id,
        created_by=row.created_by,
        name=row.name,
        prefix=row.prefix,
        scopes=frozenset(Permission(one) for one in row.scopes),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


# ---- asking whether one is good


@dataclass(frozen=True, slots=True)
class LiveToken:
    """A token that is good, with what it may do at most. `is_use_due`: that it is used has to be written down."""

    rights: TokenRights
    is_use_due: bool


# Said as text: asked for each token once a second, and twice a second for those that have a socket.
GOOD = """
    FROM api_tokens t
    JOIN memberships m ON m.workspace_id = t.workspace_id AND m.user_id = t.created_by
    JOIN workspaces w ON w.id = t.workspace_id AND w.deleted_at IS NULL
    WHERE t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > CAST(:at AS timestamptz))
"""
_BY_HASH = text(
    "SELECT t.id, t.workspace_id, t.created_by, t.scopes, t.expires_at, t.last_used_at, t.secret_hash"
    f"{GOOD} AND t.secret_hash = ANY (CAST(:hashes AS bytea[]))"
)
_ENDED = text(
    f"""
    SELECT asked.id FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    WHERE NOT EXISTS (SELECT 1 {GOOD} AND t.id = asked.id)
    """  # noqa: S608 - of constants
)


async def live_tokens_by_hashes(session: Session, hashes: Collection[bytes], at: datetime) -> dict[bytes, LiveToken]:
    """hashes of secrets -> those tokens that are good. One statement."""
    found = await session.execute(_BY_HASH, {"hashes": list(hashes), "at": at})
    return {
        bytes(row.secret_hash): LiveToken(
            TokenRights(
                token_id=row.id,
                workspace_id=row.workspace_id,
                user_id=row.created_by,
                scopes=frozenset(Permission(one) for one in row.scopes),
                expires_at=row.expires_at,
            ),
            is_use_due=row.last_used_at is None or row.last_used_at <= at - USE_NOTED_EVERY,
        )
        for row in found
    }


async def ended_token_ids(session: Session, ids: Collection[UUID], at: datetime) -> set[UUID]:
    """Those of the tokens that are not good any more. One statement."""
    found = await session.execute(_ENDED, {"ids": list(ids), "at": at})
    return set(found.scalars())


async def note_use(session: Session, ids: Collection[UUID], at: datetime) -> None:
    """Tokens were used; not written where another process has just done so."""
    is_due = or_(api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at <= at - USE_NOTED_EVERY)
    await session.execute(update(api_tokens).where(api_tokens.c.id.in_(list(ids)), is_due).values(last_used_at=at))


# ---- showing them


def _administered(scope: Scope) -> ColumnElement[bool]:
    return api_tokens.c.workspace_id.in_(
        [grant.workspace_id for grant in scope.grants if Permission.TOKEN_ADMIN in grant.permissions]
    )


async def tokens_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, ApiToken]:
    """ids -> the tokens of those that the scope may manage."""
    found = await session.execute(select(api_tokens).where(api_tokens.c.id.in_(list(ids)), _administered(scope)))
    return {row.id: _token(row) for row in found}


async def tokens_by_workspace_ids(
    session: Session, scope: Scope, workspace_ids: Collection[UUID], at: datetime
) -> dict[UUID, list[ApiToken]]:
    """workspace ids -> their tokens, the newest first; revoked ones for a while."""
    is_shown = or_(api_tokens.c.revoked_at.is_(None), api_tokens.c.revoked_at > at - REVOKED_SHOWN)
    found = await session.execute(
        select(api_tokens)
        .where(api_tokens.c.workspace_id.in_(list(workspace_ids)), _administered(scope), is_shown)
        .order_by(api_tokens.c.created_at.desc(), api_tokens.c.id.desc())
    )
    tokens: dict[UUID, list[ApiToken]] = {one: [] for one in workspace_ids}
    for row in found:
        tokens[row.workspace_id].append(_token(row))
    return tokens


async def names_by_ids(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """ids -> names of tokens, revoked or not. No scope: they are reached through what they did."""
    found = await session.execute(select(api_tokens.c.id, api_tokens.c.name).where(api_tokens.c.id.in_(list(ids))))
    return {row.id: row.name for row in found}


async def known_names_by_ids(session: Session, scope: Scope, ids: Collection[UUID]) -> dict[UUID, tuple[UUID, str]]:
    """ids -> (id, name) of those in workspaces that the scope sees."""
    found = await session.execute(
        select(api_tokens.c.id, api_tokens.c.name).where(
            api_tokens.c.id.in_(list(ids)), in_workspaces(api_tokens, scope)
        )
    )
    return {row.id: (row.id, row.name) for row in found}


# ---- changing them


async def lock_token(session: Session, token_id: UUID) -> ApiToken | None:
    """Lock a token to the end of the transaction and read it."""
    row = (await session.execute(select(api_tokens).where(api_tokens.c.id == token_id).with_for_update())).first()
    return None if row is None else _token(row)


async def insert_token(session: Session, token: ApiToken, secret_hash: bytes) -> None:
    """A new token. The workspace's row is locked by the caller, so that they can be counted."""
    await session.execute(
        insert(api_tokens),
        {
            "id": token.id,
            "version": token.version,
            "created_at": token.created_at,
            "workspace_id": token.workspace_id,
            "created_by": token.created_by,
            "name": token.name,
            "prefix": token.prefix,
            "secret_hash": secret_hash,
            "scopes": [one.value for one in sorted(token.scopes, key=_ORDERED.index)],
            "expires_at": token.expires_at,
        },
    )


async def update_token(session: Session, token_id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns and raise the version. The row is locked by the caller."""
    await session.execute(
        update(api_tokens).where(api_tokens.c.id == token_id).values(**values, version=api_tokens.c.version + 1)
    )


async def count_tokens(session: Session, workspace_id: UUID) -> int:
    """Tokens that are not revoked, expired ones too."""
    found = await session.execute(
        select(func.count())
        .select_from(api_tokens)
        .where(api_tokens.c.workspace_id == workspace_id, api_tokens.c.revoked_at.is_(None))
    )
    return int(found.scalar_one())


async def lock_tokens_of(session: Session, workspace_id: UUID, user_id: UUID) -> list[ApiToken]:
    """Lock somebody's tokens that are not revoked, in the order of their ids."""
    found = await session.execute(
        select(api_tokens)
        .where(
            and_(
                api_tokens.c.workspace_id == workspace_id,
                api_tokens.c.created_by == user_id,
                api_tokens.c.revoked_at.is_(None),
            )
        )
        .order_by(api_tokens.c.id)
        .with_for_update()
    )
    return [_token(row) for row in found]
