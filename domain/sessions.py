"""Sessions: one for each sign-in, kept alive by a chain of refresh tokens of which only the newest is good.

Only hashes of tokens are stored. A successor is derived from its predecessor
with a key of the server, so it can be given again to whoever was cut off before
they heard it, and two tabs that refresh at once get the same one. A token that
comes back later is a stolen one: its whole session ends. So used tokens stay
stored until their session is forgotten; a token nobody knows is merely refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from db import accounts
from db import session as connections
from db.accounts import RefreshToken
from db.ids import new_id, typed
from db.models import Actor, ActorKind, ActorRef, Session, User
from db.session import Database
from db.unit_of_work import Outcome, UnitOfWork, Writer, now
from domain import attempts
from domain.attempts import Limits
from domain.errors import ErrorCode, Invalid, NotFound, TopLevel
from domain.passwords import Passwords

LIFETIME = timedelta(days=60)
"""How long a session goes on without being used."""
GRACE = timedelta(seconds=10)
"""How long a used token still gives its successor: for an answer lost on the way, or two tabs at once."""

log = logging.getLogger("tutti.accounts")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Desk:
    """What it takes to let people in; one per process. The first of `refresh_keys` derives, all are recognised."""

    database: Database
    writer: Writer
    passwords: Passwords
    refresh_keys: tuple[bytes, ...]
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], datetime] = now

    async def commit(self, actor: Actor, work: Callable[[UnitOfWork], Awaitable[Answer]]) -> Answer:
        """Run `work` in a unit of work at this desk's time; -> its answer, once it is committed."""
        answers: list[Answer] = []

        async def unit(uow: UnitOfWork) -> Outcome:
            uow.now = self.clock()
            answers.append(await work(uow))
            return Outcome()

        await self.writer.run(actor, unit)
        return answers[-1]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody in a session of theirs, with the refresh token that is told once and stored only as a hash."""

    user: User
    session: Session
    refresh_token: str


def person(user_id: UUID, session_id: UUID | None = None) -> Actor:
    """The actor that a person is."""
    return Actor(ActorRef(ActorKind.USER, user_id), session_id)


def token_hash(token: str) -> bytes:
    """As a refresh token is stored. It is random, so a fast hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def successor(key: bytes, token: str) -> str:
    """The token after this one in its chain; nobody without the key can tell it."""
    derived = hmac.digest(key, token.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(derived).rstrip(b"=").decode()


async def open_session(uow: UnitOfWork, user: User, device: str | None) -> SignedIn:
    """Begin a session with the first token of its chain."""
    session = Session(
        id=new_id(),
        user_id=user.id,
        device=device,
        created_at=uow.now,
        last_used_at=uow.now,
        expires_at=uow.now + LIFETIME,
        revoked_at=None,
    )
    await accounts.insert_session(uow, session)
    return SignedIn(user, session, await begin_chain(uow, session.id))


async def begin_chain(uow: UnitOfWork, session_id: UUID) -> str:
    """A first refresh token. Tokens that the session had before mean nothing any more."""
    token = secrets.token_urlsafe(32)
    await accounts.delete_refresh_tokens(uow, session_id)
    await accounts.insert_refresh_token(uow, RefreshToken(token_hash(token), session_id, 0, None))
    return token


def _refused() -> Invalid:
    return Invalid(
        "This refresh token is not good, or its session has ended. Sign in again.",
        "refreshToken",
        code=ErrorCode.INVALID_CREDENTIALS,
    )


async def refresh_session(desk: Desk, refresh_token: str, address: str) -> SignedIn:
    """Exchange a refresh token for its successor, which prolongs the session.

    However many come with the same token at once, there is one successor, and all get it. A token used before,
    other than the newest's predecessor within the grace, revokes the session. Raises Invalid(INVALID_CREDENTIALS).
    """
    attempt = await attempts.count(
        desk.database, desk.limits.refresh_by_address, attempts.network(address), desk.clock()
    )
    presented = token_hash(refresh_token)
    owner = await desk.database.alone(lambda session: accounts.owner_of_refresh_token(session, presented))
    if owner is None:
        raise _refused()
    refreshed = await desk.commit(
        person(owner.user_id, owner.id), lambda uow: _refresh(desk, uow, owner.id, refresh_token)
    )
    if refreshed is None:
        raise _refused()
    await attempt.forgive(desk.database)
    return refreshed


async def _refresh(desk: Desk, uow: UnitOfWork, session_id: UUID, refresh_token: str) -> SignedIn | None:
    """None is a refusal; it is no exception, as the end of a session must be committed."""
    session = await accounts.lock_session(uow, session_id, uow.now)
    user = None if session is None else await accounts.user_by_id(uow, session.user_id)
    if session is None or user is None:
        return None
    used, newest = await accounts.token_and_newest(uow, session.id, token_hash(refresh_token))
    if used is None or newest is None:
        return None
    if used.used_at is None:
        next_token = successor(desk.refresh_keys[0], refresh_token)
        await accounts.use_refresh_token(uow, used.token_hash, uow.now)
        following = RefreshToken(token_hash(next_token), session.id, used.generation + 1, None)
        await accounts.insert_refresh_token(uow, following)
        session = await accounts.extend_session(uow, session.id, uow.now, uow.now + LIFETIME)
        return SignedIn(user, session, next_token)
    if newest.generation == used.generation + 1 and uow.now - used.used_at <= GRACE:
        # While keys are exchanged, another process may have derived the successor with another of them.
        derived = [successor(key, refresh_token) for key in desk.refresh_keys]
        again = next((token for token in derived if token_hash(token) == newest.token_hash), None)
        return None if again is None else SignedIn(user, session, again)
    await accounts.end_sessions(uow, session.user_id, uow.now, only=session.id)
    log.warning("A refresh token was used twice; its session is revoked: %s", typed("session", session.id))
    return None


async def sign_out(uow: UnitOfWork, session_id: UUID | None, *, is_everywhere: bool) -> None:
    """End the actor's session, another one of theirs, or all of them. Ending an ended one is fine. Raises NotFound."""
    if is_everywhere:
        await accounts.end_sessions(uow, uow.actor.user_id, uow.now)
        return
    ended = session_id or uow.actor.session_id
    if ended is None:
        raise TopLevel("UNAUTHENTICATED", "You are not signed in to a session that could end.")
    session = await accounts.session_by_id(uow, ended)
    if session is None or session.user_id != uow.actor.user_id:
        raise NotFound(typed("session", ended), "sessionId")
    await accounts.end_sessions(uow, session.user_id, uow.now, only=session.id)


async def sessions_of(session: connections.Session, user_id: UUID, at: datetime | None = None) -> list[Session]:
    """The sessions of a person that go on, newest first."""
    return await accounts.live_sessions_by_user_id(session, user_id, at or now())
