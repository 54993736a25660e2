"""Access tokens against what may be forged, and sessions against revocation."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from sqlalchemy import insert

from db import accounts
from db.errors import Unavailable
from db.ids import new_id
from db.models import Session
from db.session import Database
from db.tables import users
from db.unit_of_work import now
from server.credentials import Unauthenticated
from server.tokens import (
    ACCESS_TOKEN_LIFETIME,
    AccessTokens,
    SessionCheck,
    TokenCheck,
    authenticate,
    refresh_keys,
)
from tests.stack_fixture import TestStack

SECRET = "a secret of forty-three characters, at least"
OTHER_SECRET = "another secret of forty-three characters, too"
# Made here once and for all; nobody uses it for anything.
RSA_PUBLIC_KEY = b"-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL\n-----END PUBLIC KEY-----\n"


class Clock:
    def __init__(self) -> None:
        self.at = now()

    def __call__(self) -> datetime:
        return self.at


def signing_key(secret: str = SECRET) -> tuple[str, bytes]:
    """What the server signs with: looked up inside, so that a forger here knows all but what a test leaves out."""
    key = AccessTokens((secret,))._keys[0]
    return key.id, key.secret


def forged(*, headers: dict[str, Any] | None = None, key: bytes | None = None, **claims: Any) -> str:
    """A token just like the server's, but for what is given; a claim of None is left out."""
    key_id, secret = signing_key()
    at = int(now().timestamp())
    good = {
        "iss": "tutti",
        "aud": "tutti-api",
        "sub": f"user_{new_id()}",
        "sid": f"session_{new_id()}",
        "iat": at,
        "nbf": at,
        "exp": at + 900,
        "jti": "1",
    }
    wanted = {name: value for name, value in {**good, **claims}.items() if value is not None}
    named = {name: value for name, value in {"typ": "at+jwt", "kid": key_id, **(headers or {})}.items() if value}
    return jwt.encode(wanted, secret if key is None else key, headers=named)


def refused(token: str, tokens: AccessTokens | None = None) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as error:
        (tokens or AccessTokens((SECRET,))).verify(token)
    return error.value


def test_a_token_names_its_person_and_session_for_fifteen_minutes() -> None:
    clock = Clock()
    tokens = AccessTokens((SECRET,), clock)
    user_id, session_id = new_id(), new_id()
    token, expires_at = tokens.issue(user_id, session_id)
    assert expires_at == clock.at.replace(microsecond=0) + ACCESS_TOKEN_LIFETIME
    credentials = tokens.verify(token)
    assert (credentials.user_id, credentials.session_id, credentials.expires_at) == (user_id, session_id, expires_at)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "at+jwt", "kid": signing_key()[0]}
    assert tokens.issue(user_id, session_id)[0] != token


def test_the_forger_of_these_tests_could_make_a_good_token() -> None:
    assert AccessTokens((SECRET,)).verify(forged())


def test_a_token_that_expired_is_told_apart_and_no_other() -> None:
    clock = Clock()
    tokens = AccessTokens((SECRET,), clock)
    token, expires_at = tokens.issue(new_id(), new_id())
    clock.at = expires_at - timedelta(milliseconds=1)
    assert tokens.verify(token)
    clock.at = expires_at
    expired = refused(token, tokens)
    assert expired.is_expired
    assert not refused(token + "x", tokens).is_expired
    past = int(now().timestamp()) - 1
    assert refused(forged(exp=past)).is_expired
    assert not refused(forged(exp=past, aud="another")).is_expired
    assert not refused(forged(exp=past, key=b"x" * 32)).is_expired
    assert expired.message == refused("garbage").message


FORGERIES: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: by_hand({"alg": "none"}, b"").rsplit(".", 1)[0] + ".",
    "no algorithm, but a signature": lambda: by_hand({"alg": "none"}, signing_key()[1]),
    "no signature": lambda: forged().rsplit(".", 1)[0] + ".",
    "another secret": lambda: forged(key=signing_key(OTHER_SECRET)[1]),
    "the secret itself instead of the key made of it": lambda: forged(key=SECRET.encode()),
    "HS384 with the right key": lambda: by_hand({"alg": "HS384"}, signing_key()[1], digest=hashlib.sha384),
    "HS512 with the right key": lambda: by_hand({"alg": "HS512"}, signing_key()[1], digest=hashlib.sha512),
    "RS256 in the header, HMAC by a public key": lambda: by_hand({"alg": "RS256"}, RSA_PUBLIC_KEY),
    "RS256 in the header, HMAC by the right key": lambda: by_hand({"alg": "RS256"}, signing_key()[1]),
    "None written otherwise": lambda: by_hand({"alg": "nOnE"}, b""),
    "no algorithm at all": lambda: by_hand({}, signing_key()[1]),
    "another issuer": lambda: forged(iss="mallory"),
    "no issuer": lambda: forged(iss=None),
    "another audience": lambda: forged(aud="another"),
    "our audience among others": lambda: forged(aud=["tutti-api", "another"]),
    "no audience": lambda: forged(aud=None),
    "another key's id": lambda: forged(headers={"kid": signing_key(OTHER_SECRET)[0]}),
    "no key's id": lambda: forged(headers={"kid": None}),
    "another type": lambda: forged(headers={"typ": "JWT"}),
    "no type": lambda: forged(headers={"typ": None}),
    "a key brought along": lambda: forged(headers={"kid": None, "jwk": {"kty": "oct", "k": "eA"}}),
    "an unknown critical header": lambda: forged(headers={"crit": ["x"], "x": 1}),
    "not valid yet": lambda: forged(nbf=int(now().timestamp()) + 60),
    "no person": lambda: forged(sub=None),
    "a person who is none": lambda: forged(sub="ada"),
    "a bare UUID": lambda: forged(sub=str(new_id())),
    "an id of another kind": lambda: forged(sid=f"user_{new_id()}"),
    "no session": lambda: forged(sid=None),
    "a session that is a number": lambda: forged(sid=7),
    "no end": lambda: forged(exp=None),
    "an end that is a word": lambda: forged(exp="tomorrow"),
    "an end beyond all time": lambda: forged(exp=10**30),
    "no beginning": lambda: forged(nbf=None),
    "no id": lambda: forged(jti=None),
    "nothing": lambda: "",
    "garbage": lambda: "garbage",
    "three dots": lambda: "...",
    "not ASCII": lambda: "é.é.é",
    "half a character": lambda: "\ud800.x.y",
    "a zero character": lambda: forged() + "\0",
    "a header that is a list": lambda: f"{encoded([])}.{encoded({})}.eA",
    "claims that are a list": lambda: by_hand({"alg": "HS256"}, signing_key()[1], []),
    "very deep": lambda: f"{encoded_bytes(b'[' * 100_000)}.{encoded({})}.eA",
    "a refresh token": lambda: "Zx3yQ1mX0m9gk1p5dGNuS0f1f0nJr3bq2kq0d2m5w8A",
}


def encoded_bytes(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def encoded(value: object) -> str:
    return encoded_bytes(json.dumps(value).encode())


def by_hand(header: dict[str, Any], key: bytes, claims: object = None, digest: Any = hashlib.sha256) -> str:
    """A token signed by HMAC whatever its header says, as a library would refuse to make it."""
    good = json.loads(base64.urlsafe_b64decode(forged().split(".")[1] + "=="))
    first = encoded({"typ": "at+jwt", "kid": signing_key()[0], **header})
    signed = f"{first}.{encoded(good if claims is None else claims)}"
    return f"{signed}.{encoded_bytes(hmac.digest(key, signed.encode(), digest))}"


@pytest.mark.parametrize("what", FORGERIES)
def test_what_this_server_did_not_make_just_so_is_refused_with_the_same_words(what: str) -> None:
    error = refused(FORGERIES[what]())
    assert error.message == refused("garbage").message
    assert not error.is_expired


def test_a_token_changed_in_any_place_is_refused() -> None:
    token = forged()
    for place in range(len(token) - 1):  # the last character has bits that mean nothing
        if token[place] != ".":
            changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
            assert not refused(changed).is_expired


def test_a_clock_that_goes_a_little_behind_takes_a_token_just_made() -> None:
    clock = Clock()
    token, _ = AccessTokens((SECRET,), clock).issue(new_id(), new_id())
    clock.at -= timedelta(seconds=4)
    assert AccessTokens((SECRET,), clock).verify(token)
    clock.at -= timedelta(seconds=4)
    assert not refused(token, AccessTokens((SECRET,), clock)).is_expired


def test_a_secret_can_be_replaced_while_its_tokens_still_live() -> None:
    before, during, after = AccessTokens((SECRET,)), AccessTokens((OTHER_SECRET, SECRET)), AccessTokens((OTHER_SECRET,))
    old, _ = before.issue(new_id(), new_id())
    new, _ = during.issue(new_id(), new_id())
    assert during.verify(old)
    assert during.verify(new)
    assert after.verify(new)
    refused(old, after)
    assert refresh_keys((OTHER_SECRET, SECRET))[1:] == refresh_keys((SECRET,))


# ---- sessions


@pytest.fixture(scope="module")
async def database(stack: TestStack) -> AsyncIterator[Database]:
    opened = Database(stack.database_url)
    yield opened
    await opened.close()


async def a_session(database: Database) -> Session:
    at = now()
    user_id, name = new_id(), str(new_id())
    row = {
        "id": user_id,
        "created_at": at,
        "updated_at": at,
        "email": f"{name}@example.com",
        "name": "Ada",
        "handle": name,
        "time_zone": "UTC",
        "password_hash": "none",
    }
    session = Session(new_id(), user_id, None, at, at, at + timedelta(days=60), None)
    await database.alone(lambda one: one.execute(insert(users), row))
    await database.alone(lambda one: accounts.insert_session(one, session))
    return session


async def end(database: Database, session: Session) -> None:
    await database.alone(lambda one: accounts.end_sessions(one, session.user_id, now()))


class Counted(SessionCheck):
    """Counts the questions to the database."""

    questions = 0

    async def ended(self, session_ids: Collection[UUID]) -> set[UUID]:
        self.questions += 1
        return await super().ended(session_ids)


async def test_a_revoked_session_is_known_after_a_second_and_asked_for_once_until_then(database: Database) -> None:
    seconds = [0.0]
    check = Counted(database, monotonic=lambda: seconds[0])
    session = await a_session(database)
    assert await asyncio.gather(*(check.is_live(session.id) for _ in range(20))) == [True] * 20
    assert check.questions == 1
    await end(database, session)
    seconds[0] = 0.99
    assert await check.is_live(session.id)
    seconds[0] = 1.0
    assert not await check.is_live(session.id)
    assert not await check.is_live(session.id)
    assert check.questions == 2
    assert not await check.is_live(new_id())


async def test_a_session_s_end_by_time_is_noticed(database: Database) -> None:
    clock = Clock()
    session = await a_session(database)
    check = SessionCheck(database, clock=clock)
    other = await a_session(database)
    clock.at += timedelta(days=61)
    assert await check.ended({session.id, other.id}) == {session.id, other.id}
    assert not await check.is_live(session.id)


async def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(database: Database) -> None:
    check = Counted(database, monotonic=lambda: 0.0, max_entries=2)
    sessions = [await a_session(database) for _ in range(3)]
    for session in sessions:
        assert await check.is_live(session.id)
    assert await check.is_live(sessions[2].id)
    assert await check.is_live(sessions[1].id)
    assert check.questions == 3
    assert await check.is_live(sessions[0].id)
    assert check.questions == 4


async def test_a_failure_reaches_all_who_wait_and_is_not_remembered(database: Database) -> None:
    session = await a_session(database)

    class Away(Counted):
        is_away = True

        async def ended(self, session_ids: Collection[UUID]) -> set[UUID]:
            if self.is_away:
                self.questions += 1
                raise Unavailable
            return await super().ended(session_ids)

    check = Away(database)
    results = await asyncio.gather(*(check.is_live(session.id) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in results] == [Unavailable] * 3
    assert check.questions == 1
    check.is_away = False
    assert await check.is_live(session.id)


async def test_whoever_gives_up_waiting_takes_nobody_else_s_answer_away(database: Database) -> None:
    session = await a_session(database)
    check = Counted(database)
    patient, hasty = (asyncio.create_task(check.is_live(session.id)) for _ in range(2))
    await asyncio.sleep(0)
    hasty.cancel()
    assert await patient
    assert check.questions == 1


async def test_a_bearer_token_of_a_live_session_is_who_asks(database: Database) -> None:
    tokens, check = AccessTokens((SECRET,)), SessionCheck(database, monotonic=iter(range(0, 100, 2)).__next__)
    session = await a_session(database)
    token, expires_at = tokens.issue(session.user_id, session.id)
    for written in (f"Bearer {token}", f"bearer   {token} "):
        credentials = await authenticate(written, tokens, check, TokenCheck(database))
        assert credentials is not None
        assert (credentials.user_id, credentials.session_id) == (session.user_id, session.id)
        assert credentials.expires_at == expires_at
    for nothing in (None, "", "  "):
        assert await authenticate(nothing, tokens, check, TokenCheck(database)) is None
    for malformed in (token, "Bearer", "Bearer ", f"Basic {token}", f"Bearer {token} x"):
        with pytest.raises(Unauthenticated) as error:
            await authenticate(malformed, tokens, check, TokenCheck(database))
        assert not error.value.is_expired
    await end(database, session)
    with pytest.raises(Unauthenticated) as error:
        await authenticate(f"Bearer {token}", tokens, check, TokenCheck(database))
    assert error.value.is_expired
