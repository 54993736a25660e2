"""Refresh tokens and the sessions they keep alive, against the real database."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from db import accounts
from db.errors import Unavailable
from db.ids import new_id
from db.models import Actor
from domain.accounts import sign_in
from domain.attempts import QUARTER_HOUR, Limit, Limits
from domain.errors import ErrorCode, Invalid, NotFound, TopLevel
from domain.sessions import GRACE, LIFETIME, SignedIn, refresh_session, sessions_of, sign_out
from tests.domain.people import PASSWORD, Town, actor_of, an_address

BEYOND_GRACE = GRACE + timedelta(milliseconds=1)


async def refresh(town: Town, token: str) -> SignedIn:
    return await refresh_session(town.desk, token, town.address)


async def assert_refused(town: Town, token: str) -> None:
    with pytest.raises(Invalid) as refused:
        await refresh(town, token)
    assert (refused.value.code, refused.value.path) == (ErrorCode.INVALID_CREDENTIALS, ("refreshToken",))


async def is_live(town: Town, somebody: SignedIn) -> bool:
    ended = await town.database.alone(
        lambda session: accounts.ended_session_ids(session, [somebody.session.id], town.clock())
    )
    return not ended


async def test_a_refresh_token_gives_the_next_one_and_prolongs_the_session(town: Town) -> None:
    ada = await town.somebody()
    town.clock.advance(timedelta(days=59))
    second = await refresh(town, ada.refresh_token)
    assert second.user == ada.user
    assert second.refresh_token != ada.refresh_token
    assert second.session.id == ada.session.id
    assert second.session.last_used_at == town.clock()
    assert second.session.expires_at == town.clock() + LIFETIME
    town.clock.advance(timedelta(days=59))
    assert await refresh(town, second.refresh_token)


async def test_a_session_unused_for_sixty_days_is_over(town: Town) -> None:
    ada = await town.somebody()
    town.clock.advance(LIFETIME)
    assert not await is_live(town, ada)
    await assert_refused(town, ada.refresh_token)


async def test_within_the_grace_the_predecessor_gives_the_same_successor_again(town: Town) -> None:
    ada = await town.somebody()
    second = await refresh(town, ada.refresh_token)
    town.clock.advance(GRACE)
    assert (await refresh(town, ada.refresh_token)).refresh_token == second.refresh_token
    assert await refresh(town, second.refresh_token)
    assert await is_live(town, ada)


async def test_after_the_grace_the_predecessor_ends_the_session(town: Town) -> None:
    ada = await town.somebody()
    second = await refresh(town, ada.refresh_token)
    town.clock.advance(BEYOND_GRACE)
    await assert_refused(town, ada.refresh_token)
    assert not await is_live(town, ada)
    await assert_refused(town, second.refresh_token)


async def test_a_token_older_than_the_predecessor_ends_the_session_even_within_the_grace(town: Town) -> None:
    ada = await town.somebody()
    second = await refresh(town, ada.refresh_token)
    third = await refresh(town, second.refresh_token)
    await assert_refused(town, ada.refresh_token)
    assert not await is_live(town, ada)
    await assert_refused(town, third.refresh_token)


async def test_reuse_ends_one_session_and_no_other(town: Town) -> None:
    ada = await town.somebody()
    other = await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)
    await refresh(town, ada.refresh_token)
    town.clock.advance(BEYOND_GRACE)
    await assert_refused(town, ada.refresh_token)
    assert not await is_live(town, ada)
    assert await refresh(town, other.refresh_token)


async def test_fifty_at_once_with_one_token_all_get_the_one_successor(town: Town) -> None:
    ada = await town.somebody()

    async def come() -> SignedIn:
        while True:
            try:
                return await refresh(town, ada.refresh_token)
            except Unavailable:  # no connection for so many in time: clients come again
                continue

    async with asyncio.timeout(60):
        got = await asyncio.gather(*(come() for _ in range(50)))
    assert len({one.refresh_token for one in got}) == 1
    chain = await town.database.alone(
        lambda session: session.execute(
            text("SELECT generation FROM refresh_tokens WHERE session_id = :id ORDER BY 1"), {"id": ada.session.id}
        )
    )
    assert list(chain.scalars()) == [0, 1]
    assert await refresh(town, got[0].refresh_token)


async def test_a_thief_and_the_owner_cannot_both_go_on(town: Town) -> None:
    ada = await town.somebody()
    stolen = ada.refresh_token
    thief = await refresh(town, stolen)
    town.clock.advance(timedelta(minutes=15))
    thief = await refresh(town, thief.refresh_token)
    await assert_refused(town, stolen)  # the owner comes back
    await assert_refused(town, thief.refresh_token)


async def test_tokens_are_stored_only_as_hashes(town: Town) -> None:
    ada = await town.somebody()
    second = await refresh(town, ada.refresh_token)
    rows = await town.database.alone(
        lambda session: session.execute(
            text("SELECT to_jsonb(t)::text FROM refresh_tokens t WHERE session_id = :id"), {"id": ada.session.id}
        )
    )
    stored = "".join(rows.scalars())
    for token in (ada.refresh_token, second.refresh_token):
        assert token not in stored
        assert token.encode().hex() not in stored


@pytest.mark.parametrize("token", ["", "garbage", "\0", "é" * 100_000, "\ud800", "A" * 43])
async def test_a_token_nobody_made_is_refused(town: Town, token: str) -> None:
    await assert_refused(town, token)


async def test_refreshing_is_limited_by_address_but_success_is_free(town: Town) -> None:
    ada = await town.somebody()
    town.desk = town.with_limits(Limits(refresh_by_address=Limit("refresh/address", 3, QUARTER_HOUR)))
    token = ada.refresh_token
    for _ in range(5):
        token = (await refresh(town, token)).refresh_token
    for _ in range(3):
        await assert_refused(town, "garbage")
    with pytest.raises(TopLevel) as limited:
        await refresh(town, token)
    assert limited.value.code == "RATE_LIMITED"
    assert await refresh_session(town.desk, token, an_address())


async def test_when_the_key_is_replaced_sessions_go_on(town: Town) -> None:
    ada = await town.somebody()
    second = await refresh(town, ada.refresh_token)
    old = town.desk.refresh_keys
    town.desk = replace(town.desk, refresh_keys=(secrets.token_bytes(32), *old))
    assert (await refresh(town, ada.refresh_token)).refresh_token == second.refresh_token
    third = await refresh(town, second.refresh_token)
    # Another process that does not know the new key yet cannot tell the successor again, but ends nothing.
    town.desk = replace(town.desk, refresh_keys=old)
    await assert_refused(town, second.refresh_token)
    assert await refresh(town, third.refresh_token)


# ---- signing out


async def test_signing_out_ends_this_session_and_no_other(town: Town) -> None:
    ada = await town.somebody()
    other = await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)
    await town.write(actor_of(ada), lambda uow: sign_out(uow, None, is_everywhere=False))
    await town.write(actor_of(ada), lambda uow: sign_out(uow, None, is_everywhere=False))
    assert not await is_live(town, ada)
    await assert_refused(town, ada.refresh_token)
    assert await refresh(town, other.refresh_token)


async def test_another_session_of_one_s_own_can_be_ended_but_nobody_else_s(town: Town) -> None:
    ada, bob = await town.somebody(), await town.somebody()
    other = await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)
    await town.write(actor_of(ada), lambda uow: sign_out(uow, other.session.id, is_everywhere=False))
    assert [await is_live(town, one) for one in (ada, other)] == [True, False]
    for stranger in (bob.session.id, new_id()):
        with pytest.raises(NotFound) as refused:
            await town.write(actor_of(ada), lambda uow, of=stranger: sign_out(uow, of, is_everywhere=False))  # type: ignore[misc]
        assert refused.value.path == ("sessionId",)
    assert await is_live(town, bob)


async def test_signing_out_everywhere_ends_all_of_one_s_sessions(town: Town) -> None:
    ada, bob = await town.somebody(), await town.somebody()
    other = await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)
    await town.write(actor_of(ada), lambda uow: sign_out(uow, None, is_everywhere=True))
    assert [await is_live(town, one) for one in (ada, other, bob)] == [False, False, True]


async def test_somebody_without_a_session_has_none_to_end(town: Town) -> None:
    ada = await town.somebody()
    without = Actor(actor_of(ada).ref)
    with pytest.raises(TopLevel):
        await town.write(without, lambda uow: sign_out(uow, None, is_everywhere=False))
    assert await is_live(town, ada)


async def test_sessions_are_listed_newest_first_without_those_that_ended(town: Town) -> None:
    ada = await town.somebody()
    made = [ada]
    for device in ("Phone", "Tablet", "Laptop"):
        town.clock.advance(timedelta(seconds=1))
        made.append(await sign_in(town.desk, ada.user.email, PASSWORD, device, town.address))
    await town.write(actor_of(ada), lambda uow: sign_out(uow, made[2].session.id, is_everywhere=False))
    listed = await town.database.alone(lambda s: sessions_of(s, ada.user.id, town.clock()))
    assert [session.device for session in listed] == ["Laptop", "Phone", None]
    later = town.clock() + LIFETIME
    assert await town.database.alone(lambda s: sessions_of(s, ada.user.id, later)) == []


async def test_ended_sessions_are_found_among_many_in_one_question(town: Town) -> None:
    ada, bob, eve = await town.somebody(), await town.somebody(), await town.somebody()
    await town.write(actor_of(bob), lambda uow: sign_out(uow, None, is_everywhere=False))
    await town.database.alone(
        lambda s: s.execute(text("UPDATE users SET deleted_at = now() WHERE id = :id"), {"id": eve.user.id})
    )
    unknown = new_id()
    asked = [ada.session.id, bob.session.id, eve.session.id, unknown]
    ended = await town.database.alone(lambda s: accounts.ended_session_ids(s, asked, town.clock()))
    assert ended == {bob.session.id, eve.session.id, unknown}


async def test_sessions_that_ended_long_ago_can_be_thrown_away_with_their_tokens(town: Town) -> None:
    ada = await town.somebody()
    await town.write(actor_of(ada), lambda uow: sign_out(uow, None, is_everywhere=False))
    await town.database.alone(lambda s: accounts.delete_ended_sessions(s, town.clock() - timedelta(days=1)))
    assert await town.database.alone(lambda s: accounts.session_by_id(s, ada.session.id))
    # A second ahead, as the sign-out took the real time.
    other = await town.somebody()
    await town.database.alone(lambda s: accounts.delete_ended_sessions(s, town.clock() + timedelta(minutes=1)))
    assert await town.database.alone(lambda s: accounts.session_by_id(s, ada.session.id)) is None
    assert await town.database.alone(lambda s: accounts.session_by_id(s, other.session.id))
