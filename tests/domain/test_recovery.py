"""Whether a link to set a new password still works, asked before anything is typed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from db import accounts
from db.ids import new_id
from db.models import AccountTokenKind
from db.tables import account_tokens
from domain.recovery import link_hash, may_reset, reset_password
from domain.sessions import SignedIn
from tests.domain.people import Town

LIFE = timedelta(hours=1)


async def a_link(town: Town, somebody: SignedIn, kind: AccountTokenKind = AccountTokenKind.RESET_PASSWORD) -> str:
    """The token of a link that was mailed just now."""
    token = str(new_id())
    row = {
        "id": new_id(),
        "kind": kind.value,
        "user_id": somebody.user.id,
        "email": somebody.user.email,
        "token_hash": link_hash(token),
        "created_at": town.clock(),
        "expires_at": town.clock() + LIFE,
    }
    await town.database.alone(lambda session: session.execute(insert(account_tokens).values(row)))
    return token


async def works(town: Town, token: str) -> bool:
    return await town.database.alone(lambda session: may_reset(session, token, town.clock()))


async def test_a_link_works_until_it_was_used_however_often_one_looks(town: Town) -> None:
    token = await a_link(town, await town.somebody())
    assert [await works(town, token) for _ in range(3)] == [True] * 3
    await reset_password(town.desk, token, "another password", None, town.address)
    assert not await works(town, token)


async def test_a_link_works_until_it_has_expired(town: Town) -> None:
    token = await a_link(town, await town.somebody())
    town.clock.advance(LIFE - timedelta(seconds=1))
    assert await works(town, token)
    town.clock.advance(timedelta(seconds=1))
    assert not await works(town, token)


async def test_a_link_to_an_address_that_is_theirs_no_more_does_not_work(town: Town) -> None:
    somebody = await town.somebody()
    token = await a_link(town, somebody)
    values = {"email": f"new-{somebody.user.email}"}
    await town.database.alone(lambda one: accounts.update_profile(one, somebody.user.id, values, town.clock()))
    assert not await works(town, token)


async def test_a_link_for_something_else_sets_no_password(town: Town) -> None:
    assert not await works(town, await a_link(town, await town.somebody(), AccountTokenKind.VERIFY_EMAIL))
    assert not await works(town, "unknown")
