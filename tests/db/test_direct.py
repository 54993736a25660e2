"""A statement on the driver itself means what it means to SQLAlchemy, and is part of the same transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, insert, select, text

from db.direct import Direct
from db.errors import Duplicate
from db.ids import new_id
from db.session import Database
from db.tables import idempotency, leases
from tests.stack_fixture import TestStack

KEY = Direct(insert(idempotency))
KEYS = Direct(select(idempotency).where(idempotency.c.actor_id == bindparam("actor")))


@pytest.fixture(scope="module")
async def own(stack: TestStack) -> AsyncIterator[Database]:
    """A database of its own, of two connections."""
    with stack.new_database() as url:
        opened = Database(url, pool_size=1)
        yield opened
        await opened.close()


def row(**more: object) -> dict[str, object]:
    """Of bytes, JSON, an instant and ids."""
    key = {"actor_id": new_id(), "client_mutation_id": new_id(), "input_hash": b"\x00\xff"}
    return {**key, "outcome": {"ids": ["a", None]}, "created_at": datetime(2030, 1, 2, tzinfo=UTC), **more}


async def test_it_writes_and_reads_what_sqlalchemy_does(own: Database) -> None:
    one, other = row(outcome=None), row()
    async with own.transaction() as connection:
        await connection.write_each(KEY, [one, other])
        for asked in (one, other):
            (direct,) = await connection.fetch(KEYS, {"actor": asked["actor_id"]})
            found = await connection.execute(select(idempotency).where(idempotency.c.actor_id == asked["actor_id"]))
            assert direct == tuple(found.one())
            assert direct._asdict() == asked
        assert await connection.fetch(KEYS, {"actor": new_id()}) == []


async def test_both_are_undone_together(own: Database) -> None:
    one, other = row(), row()

    async def fail() -> None:
        async with own.transaction() as connection:
            await connection.write_each(KEY, [one])
            await connection.execute(insert(idempotency), other)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    for asked in (one, other):
        assert await own.alone(lambda session, asked=asked: session.fetch(KEYS, {"actor": asked["actor_id"]})) == []  # type: ignore[misc]


async def test_the_drivers_errors_leave_as_ours(own: Database) -> None:
    one = row()

    async def write_twice() -> None:
        async with own.transaction() as connection:
            await connection.write_each(KEY, [one, one])

    with pytest.raises(Duplicate):
        await write_twice()
    await own.ping()


async def test_who_is_cancelled_amid_a_statement_leaves_no_transaction_behind(own: Database) -> None:
    asleep = Direct(text("SELECT pg_sleep(5)"))
    locked = asyncio.Event()

    async def hold() -> None:
        async with own.transaction() as connection:
            await connection.execute(text("LOCK TABLE leases"))
            locked.set()
            await connection.fetch(asleep)

    holder = asyncio.create_task(hold())
    await locked.wait()
    holder.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holder
    async with asyncio.timeout(30):  # a lock that is still held is refused after two seconds
        await own.alone(lambda session: session.fetch(Direct(select(leases.c.name))))


def test_a_text_that_depends_on_its_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="not always the same"):
        Direct(select(leases.c.name).where(leases.c.name.in_(bindparam("names", expanding=True))))
