"""Nobody misses, doubles or reorders anything, whatever happens to Redis and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
import redis.asyncio

from tests.faults.conftest import Fragile
from tests.faults.play import Play, Wire, two_processes, unreliable

pytestmark = pytest.mark.serial

Fault = Callable[[Fragile], Awaitable[None]]


async def nothing(fragile: Fragile) -> None:
    pass


async def _tell_redis(fragile: Fragile, *command: str) -> None:
    client = redis.asyncio.Redis.from_url(fragile.redis_url)
    try:
        await client.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        await client.aclose()


async def redis_is_killed_and_started_again(fragile: Fragile) -> None:
    fragile.stack.valkey.kill()
    await asyncio.sleep(1.5)
    fragile.stack.valkey.start()


async def redis_freezes_for_four_seconds(fragile: Fragile) -> None:
    fragile.stack.valkey.freeze()
    await asyncio.sleep(4)
    fragile.stack.valkey.thaw()


async def redis_cuts_its_subscribers(fragile: Fragile) -> None:
    for _ in range(3):
        await _tell_redis(fragile, "CLIENT", "KILL", "TYPE", "pubsub")
        await asyncio.sleep(0.3)


async def redis_is_emptied(fragile: Fragile) -> None:
    await _tell_redis(fragile, "FLUSHALL")


async def every_backend_of_postgresql_is_terminated(fragile: Fragile) -> None:
    for _ in range(3):
        connection = await asyncpg.connect(fragile.database_url.replace("+asyncpg", "", 1))
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'tutti' AND pid <> pg_backend_pid()"
        )
        await connection.close()
        await asyncio.sleep(0.3)


async def postgresql_is_killed_and_started_again(fragile: Fragile) -> None:
    fragile.stack.postgres.kill()
    await asyncio.sleep(0.5)
    fragile.stack.postgres.start()


@pytest.mark.parametrize(
    "fault",
    [
        nothing,
        redis_is_killed_and_started_again,
        redis_freezes_for_four_seconds,
        redis_cuts_its_subscribers,
        redis_is_emptied,
        every_backend_of_postgresql_is_terminated,
        postgresql_is_killed_and_started_again,
    ],
)
async def test_the_oracle_holds_when(fragile: Fragile, fault: Fault) -> None:
    async with two_processes(fragile.database_url, fragile.redis_url) as nodes:
        play = Play(nodes, seed=1)
        await play.perform(lambda: fault(fragile))
        assert await play.judge() == []
        if fault.__name__.startswith("redis"):
            assert play.slowest < 1.0, "a write waited for Redis"


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(unreliable(1, lost=0.2), id="a_fifth_of_the_messages_is_lost"),
        pytest.param(unreliable(2, doubled=0.2, late=0.2), id="messages_are_doubled_and_reordered"),
        pytest.param(unreliable(3, lost=0.2, doubled=0.2, late=0.2), id="all_of_that_at_once"),
    ],
)
async def test_the_oracle_holds_while(fragile: Fragile, wire: Wire) -> None:
    async with two_processes(fragile.database_url, fragile.redis_url, wire) as nodes:
        play = Play(nodes, seed=2)
        await play.perform(lambda: nothing(fragile), seconds=1.5)
        assert await play.judge() == []
