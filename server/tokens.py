"""Access tokens and API tokens, and whether the session behind one still goes on.

One algorithm, and every claim is required: a token is good only if this server
would have made it just so. Whoever is refused hears the same words whatever was
wrong; only a token that was good until it expired is told apart, as refreshing helps.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt

from db import accounts, api_tokens
from db.gathering import Gathering
from db.ids import new_id, of_kind, typed
from db.models import TokenRights
from db.session import Database
from db.unit_of_work import now
from domain.api_tokens import SECRET_PREFIX, hash_of
from server.credentials import Credentials, Unauthenticated

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"
TYPE = "at+jwt"
"""RFC 9068, section 2.1: what else is a JWT is not taken for an access token."""
ISSUER = "tutti"
AUDIENCE = "tutti-api"
REQUIRED_CLAIMS = ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"]
# Servers' clocks differ a little: a token that one just made is good at once on another.
CLOCK_SKEW = timedelta(seconds=5)
SESSION_CHECK_SECONDS = 1.0
KNOWN_TOKENS = 10_000

_REFUSED = "The access token is not good, or not any more."


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    secret: bytes


def _derived(secret: str, purpose: str) -> bytes:
    """One secret, a key for each purpose: what is known of one says nothing of another."""
    return hmac.digest(secret.encode(), f"tutti {purpose}".encode(), "sha256")


def refresh_keys(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    """The keys that refresh tokens' successors are derived with; the first one derives."""
    return tuple(_derived(secret, "refresh token") for secret in secrets)


def mail_keys(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    """The keys that the tokens in mails are made with; the first one makes, all are recognised."""
    return tuple(_derived(secret, "mail") for secret in secrets)


@dataclass(frozen=True, slots=True)
class _Claims:
    """What a token with a good signature says."""

    credentials: Credentials
    not_before: datetime


class AccessTokens:
    """Makes and reads access tokens. The first secret signs, all verify, so that a secret can be replaced."""

    def __init__(self, secrets: tuple[str, ...], clock: Callable[[], datetime] = now) -> None:
        keys = [_derived(secret, "access token") for secret in secrets]
        self._keys = [_Key(hashlib.sha256(key).hexdigest()[:16], key) for key in keys]
        self._clock = clock
        # A signature that was good stays good; whether it is still the time for it is judged anew each time.
        self._claims = lru_cache(maxsize=KNOWN_TOKENS)(self._signed_claims)

    def issue(self, user_id: UUID, session_id: UUID) -> tuple[str, datetime]:
        """-> a token, and when it expires (15 minutes from now)."""
        issued_at = self._clock().replace(microsecond=0)
        expires_at = issued_at + ACCESS_TOKEN_LIFETIME
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": typed("user", user_id),
            "sid": typed("session", session_id),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": expires_at,
            "jti": str(new_id()),
        }
        key = self._keys[0]
        return jwt.encode(claims, key.secret, ALGORITHM, headers={"typ": TYPE, "kid": key.id}), expires_at

    def verify(self, token: str) -> Credentials:
        """Whom a token was made for, and until when. Raises Unauthenticated."""
        try:
            found = self._claims(token)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError) as error:
            raise Unauthenticated(_REFUSED) from error
        at = self._clock()
        if found.not_before > at + CLOCK_SKEW:
            raise Unauthenticated(_REFUSED)
        if found.credentials.expires_at is None or found.credentials.expires_at <= at:
            raise Unauthenticated(_REFUSED, is_expired=True)
        return found.credentials

    def _signed_claims(self, token: str) -> _Claims:
        header = jwt.get_unverified_header(token)
        key = next((key for key in self._keys if key.id == header.get("kid")), None)
        if key is None or header.get("typ") != TYPE:
            raise ValueError
        # The times are judged by our own clock, after everything else.
        claims: dict[str, Any] = jwt.decode(
            token,
            key.secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={
                "require": REQUIRED_CLAIMS,
                "strict_aud": True,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        user_id = of_kind("user", claims["sub"])
        session_id = of_kind("session", claims["sid"])
        if user_id is None or session_id is None:
            raise ValueError
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return _Claims(Credentials(user_id, session_id, expires_at), datetime.fromtimestamp(claims["nbf"], UTC))


class SessionCheck:
    """Whether sessions go on, remembered for at most a second, so that revocation also holds over HTTP.

    Many who ask at once share one query, also for different sessions. One per process.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime] = now,
        monotonic: Callable[[], float] = time.monotonic,
        max_entries: int = 10_000,
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._max_entries = max_entries
        self._known: dict[UUID, tuple[float, bool]] = {}
        self._asking = Gathering(self._ask)

    async def is_live(self, session_id: UUID) -> bool:
        """Whether a session was neither revoked nor expired, at most a second ago. Raises db.errors.Unavailable."""
        known = self._known.get(session_id)
        if known is not None and self._monotonic() - known[0] < SESSION_CHECK_SECONDS:
            return known[1]
        return await self._asking.ask(session_id) or False

    async def _ask(self, session_ids: Collection[UUID]) -> dict[UUID, bool]:
        asked_at = self._monotonic()
        ended = await self.ended(session_ids)
        answers = {session_id: session_id not in ended for session_id in session_ids}
        for session_id, is_live in answers.items():
            self._known.pop(session_id, None)
            self._known[session_id] = (asked_at, is_live)
        while len(self._known) > self._max_entries:
            del self._known[next(iter(self._known))]
        return answers

    async def ended(self, session_ids: Collection[UUID]) -> set[UUID]:
        """Those of the sessions that have ended by now, asked anew in one query: for who watches open sockets."""
        return await self._database.alone(
            lambda session: accounts.ended_session_ids(session, session_ids, self._clock())
        )


class TokenCheck:
    """Whose API token a secret is, remembered for at most a second; like SessionCheck, and one per process.

    A secret that nobody knows is remembered as well, so that guessing does not cost a query each time.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime] = now,
        monotonic: Callable[[], float] = time.monotonic,
        max_entries: int = 10_000,
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._max_entries = max_entries
        self._known: OrderedDict[bytes, tuple[float, Credentials | None]] = OrderedDict()
        self._asking = Gathering(self._ask)

    async def verify(self, secret: str) -> Credentials:
        """Whose it is. Raises Unauthenticated, and db.errors.Unavailable."""
        hashed = hash_of(secret)
        known = self._known.get(hashed)
        if known is not None and self._monotonic() - known[0] < SESSION_CHECK_SECONDS:
            found = known[1]
        else:
            found = await self._asking.ask(hashed)
        if found is None or (found.expires_at is not None and found.expires_at <= self._clock()):
            raise Unauthenticated(_REFUSED)
        return found

    async def _ask(self, hashes: Collection[bytes]) -> dict[bytes, Credentials | None]:
        asked_at, at = self._monotonic(), self._clock()
        found = await self._database.alone(lambda session: api_tokens.live_tokens_by_hashes(session, hashes, at))
        due = [one.rights.token_id for one in found.values() if one.is_use_due]
        if due:
            await self._database.alone(lambda session: api_tokens.note_use(session, due, at))
        answers = {one: _of_token(found[one].rights) if one in found else None for one in hashes}
        for hashed, answer in answers.items():
            self._known.pop(hashed, None)
            self._known[hashed] = (asked_at, answer)
        while len(self._known) > self._max_entries:
            self._known.popitem(last=False)
        return answers

    async def ended(self, token_ids: Collection[UUID]) -> set[UUID]:
        """Those of the tokens that are not good any more, asked anew: for who watches open sockets."""
        return await self._database.alone(lambda session: api_tokens.ended_token_ids(session, token_ids, self._clock()))


def _of_token(rights: TokenRights) -> Credentials:
    return Credentials(rights.user_id, rights.token_id, rights.expires_at, rights)


async def authenticate(
    authorization: str | None, tokens: AccessTokens, sessions: SessionCheck, api_tokens: TokenCheck
) -> Credentials | None:
    """Whom an `Authorization` value names; None when there is none.

    Raises Unauthenticated if it is malformed, expired or of a session that has ended, and db.errors.Unavailable.
    """
    if authorization is None or not authorization.strip():
        return None
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(_REFUSED)
    token = token.strip()
    if token.startswith(SECRET_PREFIX):
        return await api_tokens.verify(token)
    credentials = tokens.verify(token)
    if not await sessions.is_live(credentials.session_id):
        raise Unauthenticated(_REFUSED, is_expired=True)
    return credentials
