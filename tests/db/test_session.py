"""What the driver raises leaves as one of ours, in time, and a connection that died at rest is not noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from db.errors import Busy, Unavailable, Unstorable
from db.session import CONNECT_SECONDS, Database
from tests.stack_fixture import TestStack, sql, with_path

SLACK_SECONDS = 15
"""What a busy machine may need besides: still less than a pool waits that was told nothing."""


@pytest.fixture(scope="module")
async def own(stack: TestStack) -> AsyncIterator[Database]:
    """A database of its own, of two connections."""
    with stack.new_database() as url:
        opened = Database(url, pool_size=1)
        yield opened
        await opened.close()


async def one(session: Any) -> int:
    return int((await session.execute(text("SELECT 1"))).scalar_one())


async def test_a_server_that_is_not_there_is_unavailable_within_two_seconds(stack: TestStack) -> None:
    host = stack.database_url.rsplit(":", 1)[0]
    nobody = Database(f"{host}:1/tutti")
    reading = nobody.reading()
    assert CONNECT_SECONDS < 2
    for ask in (nobody.ping, lambda: one(reading), lambda: run(nobody, "SELECT 1")):
        async with asyncio.timeout(CONNECT_SECONDS + SLACK_SECONDS):
            with pytest.raises(Unavailable):
                await ask()
    await reading.close()
    await nobody.close()


async def run(database: Database, *statements: str) -> None:
    """Some statements in one transaction."""
    async with database.transaction() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_when_all_connections_are_taken_the_next_is_told_within_two_seconds(own: Database) -> None:
    readings = [own.reading() for _ in range(2)]
    for reading in readings:
        await one(reading)
    assert CONNECT_SECONDS < 2
    async with asyncio.timeout(CONNECT_SECONDS + SLACK_SECONDS):
        with pytest.raises(Unavailable):
            await own.ping()
    for reading in readings:
        await reading.close()
    await own.ping()


async def test_a_statement_that_takes_too_long_is_unavailable(own: Database) -> None:
    with pytest.raises(Unavailable):
        await run(own, "SET LOCAL statement_timeout = '50ms'", "SELECT pg_sleep(5)")
    await own.ping()


async def test_a_lock_that_is_not_had_in_time_is_busy(own: Database) -> None:
    async with own.transaction() as holder:
        await holder.execute(text("LOCK TABLE labels"))
        with pytest.raises(Busy):
            await run(own, "SET LOCAL lock_timeout = '50ms'", "SELECT * FROM labels")


async def test_a_serialization_failure_is_busy(own: Database) -> None:
    with pytest.raises(Busy):
        await run(own, "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")


async def test_text_with_a_zero_character_is_unstorable(own: Database) -> None:
    with pytest.raises(Unstorable):
        await own.alone(lambda session: session.execute(text("SELECT CAST(:value AS text)"), {"value": "a\0b"}))
    await own.ping()


async def test_what_nobody_can_mend_is_not_hidden(own: Database) -> None:
    with pytest.raises(DBAPIError):
        await run(own, "SELECT 1 / 0")


def terminate_all(stack: TestStack, database: Database) -> None:
    name = database._engine.url.database
    sql(
        with_path(stack.database_url, "postgres"),
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )


async def test_a_connection_that_died_at_rest_is_not_noticed_by_who_reads(stack: TestStack, own: Database) -> None:
    await own.ping()
    terminate_all(stack, own)
    assert await own.alone(one) == 1
    terminate_all(stack, own)
    reading = own.reading()
    assert await one(reading) == 1
    await reading.close()


async def test_connections_rest_at_hand_but_not_after_an_error(own: Database) -> None:
    taken: list[object] = []

    def take(connection: object, *_: object) -> None:
        taken.append(connection)

    await own.ping()
    event.listen(own._engine.sync_engine, "checkout", take)
    try:
        for _ in range(5):
            await own.ping()
            await run(own, "SELECT 1")
            reading = own.reading()
            await one(reading)
            await reading.close()
        assert taken == []
        with pytest.raises(DBAPIError):
            await run(own, "SELECT 1 / 0")
        await own.ping()
        assert len(taken) == 1
    finally:
        event.remove(own._engine.sync_engine, "checkout", take)


async def test_a_connection_that_dies_amid_its_work_is_unavailable(stack: TestStack, own: Database) -> None:
    reading = own.reading()
    await one(reading)
    terminate_all(stack, own)
    with pytest.raises(Unavailable):
        await one(reading)
    await reading.close()
    with pytest.raises(Unavailable):
        await run(own, "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1")
    await own.ping()


async def test_what_was_read_is_given_back_also_when_its_connection_died(stack: TestStack, own: Database) -> None:
    for _ in range(3):  # more than the pool has connections
        readings = [own.reading() for _ in range(2)]
        for reading in readings:
            await one(reading)
        terminate_all(stack, own)
        for reading in readings:
            await reading.close()
    await own.ping()


async def test_a_reading_is_one_snapshot_until_it_is_closed(own: Database) -> None:
    async def count(session: Any) -> int:
        return int((await session.execute(text("SELECT count(*) FROM leases"))).scalar_one())

    reading = own.reading()
    assert await count(reading) == 0
    await run(own, "INSERT INTO leases (name, holder, expires_at) VALUES ('x', gen_random_uuid(), now())")
    assert await count(reading) == 0
    await reading.close()
    assert await count(reading) == 1
    await reading.close()


async def test_a_reading_writes_nothing(own: Database) -> None:
    reading = own.reading()
    with pytest.raises(DBAPIError, match="read-only"):
        await reading.execute(text("DELETE FROM leases"))
    await reading.close()


async def test_reads_at_once_take_turns_on_one_connection(own: Database) -> None:
    reading = own.reading()
    assert await asyncio.gather(*(one(reading) for _ in range(20))) == [1] * 20
    await reading.close()
    await reading.close()  # nothing is open any more


async def test_sessions_are_in_utc_and_have_limits(own: Database) -> None:
    async def shown(session: Any, name: str) -> str:
        return str((await session.execute(text(f"SHOW {name}"))).scalar_one())

    expected = {
        "timezone": "UTC",
        "lock_timeout": "2s",
        "statement_timeout": "5s",
        "idle_in_transaction_session_timeout": "5s",
    }
    for name, value in expected.items():
        assert await own.alone(lambda session, name=name: shown(session, name)) == value  # type: ignore[misc]
