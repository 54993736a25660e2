"""Whatever happens to real servers, nobody at their sockets misses, doubles or reorders anything."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import asyncpg
import httpx
import pytest
import redis.asyncio

from db.session import Database
from tests.faults.conftest import Fragile, Theatre, theatre_of
from tests.faults.crowd import Crowd
from tests.faults.links import Unreliable
from tests.faults.sizes import IS_FULL, SCENE_SECONDS, SEEDS
from tests.people import Api

pytestmark = pytest.mark.serial

Fault = Callable[[Theatre, Random], Awaitable[None]]

PUBLISHING_MAY_COST_SECONDS = 2.0
"""No answer may take longer, whatever becomes of Redis; on a machine with time to spare it is some 10 ms."""


async def nothing(theatre: Theatre, chance: Random) -> None:
    pass


# ---- processes


async def a_process_is_killed_again_and_again(theatre: Theatre, chance: Random) -> None:
    for _ in range(2):
        server = chance.choice(theatre.servers)
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(chance.random())
        await asyncio.to_thread(server.start)


async def a_process_dies_between_commit_and_publish(theatre: Theatre, chance: Random) -> None:
    server = chance.choice(theatre.servers)
    server.signal(signal.SIGUSR1)
    assert await asyncio.to_thread(server.wait) == 137
    await asyncio.to_thread(server.start)


# ---- Redis


async def _tell_redis(theatre: Theatre, *command: str) -> None:
    client = redis.asyncio.Redis.from_url(theatre.stack.redis_url)
    try:
        await client.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        await client.aclose()


async def redis_is_killed_and_started_again(theatre: Theatre, chance: Random) -> None:
    theatre.stack.valkey.kill()
    await asyncio.sleep(0.5 + chance.random())
    theatre.stack.valkey.start()


async def redis_freezes(theatre: Theatre, chance: Random) -> None:
    theatre.stack.valkey.freeze()
    await asyncio.sleep(4)
    theatre.stack.valkey.thaw()


async def redis_is_emptied(theatre: Theatre, chance: Random) -> None:
    for _ in range(3):
        await _tell_redis(theatre, "FLUSHALL")
        await asyncio.sleep(chance.random() * 0.2)


async def redis_loses_a_fifth(theatre: Theatre, chance: Random) -> None:
    await _with_redis(theatre, Unreliable(chance.randrange(1000), lost=0.2))


async def redis_doubles_messages(theatre: Theatre, chance: Random) -> None:
    await _with_redis(theatre, Unreliable(chance.randrange(1000), doubled=0.3))


async def redis_reorders_messages(theatre: Theatre, chance: Random) -> None:
    await _with_redis(theatre, Unreliable(chance.randrange(1000), late=0.3))


async def redis_does_all_of_that(theatre: Theatre, chance: Random) -> None:
    await _with_redis(theatre, Unreliable(chance.randrange(1000), lost=0.2, doubled=0.2, late=0.2))


async def _with_redis(theatre: Theatre, how: Unreliable) -> None:
    theatre.redis.unreliable = how
    await asyncio.sleep(2)
    theatre.redis.unreliable = None


# ---- PostgreSQL


async def postgresql_is_restarted_immediately(theatre: Theatre, chance: Random) -> None:
    theatre.stack.postgres.kill()
    await asyncio.sleep(chance.random())
    theatre.stack.postgres.start()


async def every_backend_is_terminated(theatre: Theatre, chance: Random) -> None:
    for _ in range(3):
        connection = await asyncpg.connect(theatre.stack.database_url.replace("+asyncpg", "", 1))
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'tutti' AND pid <> pg_backend_pid()"
        )
        await connection.close()
        await asyncio.sleep(0.1 + chance.random() * 0.3)


# ---- links


async def clients_links_are_cut_and_reset(theatre: Theatre, chance: Random) -> None:
    for turn in range(6):
        chance.choice(theatre.doors).cut(0.7, is_reset=turn % 2 == 0, chance=chance)
        await asyncio.sleep(chance.random() * 0.4)


async def clients_links_are_half_open(theatre: Theatre, chance: Random) -> None:
    for door in theatre.doors[:2]:
        door.swallow()
    await asyncio.sleep(5)  # longer than a client waits for a sign of life


async def clients_links_are_slow_and_late(theatre: Theatre, chance: Random) -> None:
    theatre.doors[0].delay_seconds = 0.2
    theatre.doors[1].bytes_per_second = 50_000
    await asyncio.sleep(3)
    theatre.doors[0].delay_seconds, theatre.doors[1].bytes_per_second = 0.0, None


async def a_process_is_cut_off_from_postgresql(theatre: Theatre, chance: Random) -> None:
    theatre.postgres.is_closed = True
    theatre.postgres.cut()
    await asyncio.sleep(1 + chance.random())
    theatre.postgres.is_closed = False


async def the_link_to_redis_swallows_everything(theatre: Theatre, chance: Random) -> None:
    theatre.redis.swallow()
    await asyncio.sleep(3)


async def the_link_to_postgresql_is_held(theatre: Theatre, chance: Random) -> None:
    theatre.postgres.is_held = True
    await asyncio.sleep(1.5)
    theatre.postgres.is_held = False


FAULTS: list[Fault] = [
    nothing,
    a_process_is_killed_again_and_again,
    a_process_dies_between_commit_and_publish,
    redis_is_killed_and_started_again,
    redis_freezes,
    redis_is_emptied,
    redis_loses_a_fifth,
    redis_doubles_messages,
    redis_reorders_messages,
    redis_does_all_of_that,
    postgresql_is_restarted_immediately,
    every_backend_is_terminated,
    clients_links_are_cut_and_reset,
    clients_links_are_half_open,
    clients_links_are_slow_and_late,
    a_process_is_cut_off_from_postgresql,
    the_link_to_redis_swallows_everything,
    the_link_to_postgresql_is_held,
]


async def _play(theatre: Theatre, stage: Api, truth: Database, fault: Fault, seed: int) -> tuple[Crowd, list[str]]:
    crowd = Crowd(theatre.urls, seed)
    await crowd.gather(stage)
    try:
        await crowd.begin()
        await asyncio.sleep(SCENE_SECONDS)
        await fault(theatre, crowd.chance)
        await asyncio.sleep(SCENE_SECONDS)
        await crowd.end()
        return crowd, await crowd.judge(truth)
    finally:
        await crowd.go_home()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_the_oracle_holds_when(
    theatre: Theatre,
    stage: Api,
    truth: Database,
    fault: Fault,
    seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    crowd, found = await _play(theatre, stage, truth, fault, seed)
    record_property("mutations", len(crowd.acknowledged))
    record_property("sent again", sum(count for attempts, count in crowd.attempts.items() if attempts > 1))
    record_property("connections lost", sum(crowd.closes.values()))
    record_property("slowest answer, s", round(max(writer.slowest for writer in crowd.writers), 2))
    assert found == []
    if fault.__name__.startswith(("redis", "the_link_to_redis")):
        assert max(writer.slowest for writer in crowd.writers) < PUBLISHING_MAY_COST_SECONDS
        assert set(crowd.attempts) == {1}, "a mutation failed for Redis"
        assert crowd.closes == {}, "a socket was closed for Redis"


# ---- the oracle itself: servers with a bug on purpose


async def _wander(theatre: Theatre, chance: Random) -> None:
    for _ in range(12):
        chance.choice(theatre.doors).cut(0.5, chance=chance)
        await asyncio.sleep(0.15)


async def _lose_everything(theatre: Theatre, chance: Random) -> None:
    await _with_redis(theatre, Unreliable(1, lost=1.0))


async def _lose_commits(theatre: Theatre, chance: Random) -> None:
    for _ in range(30):
        theatre.postgres.is_held = True
        await asyncio.sleep(0.05)
        theatre.postgres.cut()
        theatre.postgres.is_held = False
        await asyncio.sleep(0.3 + chance.random() * 0.1)  # until all who were refused write again


@pytest.mark.parametrize(
    ("bug", "fault"),
    [
        ("", _wander),
        ("", _lose_commits),
        ("a skipped refill", _lose_everything),
        ("a publish before the commit", _lose_commits),
        ("an await between register and read", _wander),
        *((one, _wander) for one in ("a resume answered by a resync", "a version of before") if IS_FULL),
    ],
)
async def test_a_bug_is_found(
    fragile: Fragile, truth: Database, tmp_path: Path, http: httpx.AsyncClient, bug: str, fault: Fault
) -> None:
    with theatre_of(fragile.stack, tmp_path, ("buggy", "buggy too"), TEST_BUG=bug) as theatre:
        crowd = Crowd(theatre.urls, 1)
        await crowd.gather(Api(theatre.servers[0].url, http), pause_seconds=0.01)
        try:
            await crowd.begin()
            await fault(theatre, crowd.chance)
            await crowd.end()
            found = await crowd.judge(truth, seconds=3)
        finally:
            await crowd.go_home()
    assert (found != []) == (bug != ""), found
