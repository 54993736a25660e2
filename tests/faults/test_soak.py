"""Many people for a long time, who come and go: whatever they need, nothing of it stays behind."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import psutil
import pytest
from sqlalchemy import text

from db.session import Database, Session
from realtime.topic import RING_EVENTS
from tests.faults.conftest import megabytes, metric
from tests.faults.crowd import Crowd
from tests.faults.links import Proxy, proxies
from tests.faults.sizes import SOAK_SECONDS
from tests.people import Api, Person
from tests.processes import ServerProcess

pytestmark = pytest.mark.serial

FOLLOWERS_EACH = 63
"""Of eight people in two workspaces: 504 sockets."""
CUT_SHARE = 0.03
"""Of all sockets, each second."""
PAUSE_SECONDS = 0.5
WARM_SHARE = 0.25
"""Of the time, until what a server keeps for good is there."""
MOST_MEGABYTES, MOST_FILES, MOST_TASKS, MOST_CONNECTIONS = 12.0, 40, 60, 10
LEVEL_MEGABYTES = 3.0
"""So much the memory may grow in the second half of the time."""
CHANGED_AT_ONCE = 100

Record = Callable[[str, object], None]


@dataclass(frozen=True, slots=True)
class Look:
    """What the server's process holds at one moment. `connections`: those of all servers to PostgreSQL."""

    megabytes: float
    files: int
    threads: int
    sockets: int
    tasks: float
    connections: int

    def is_like(self, before: Look) -> bool:
        """Whether all that people needed is given back."""
        return self.files <= before.files + MOST_FILES and self.tasks <= before.tasks + MOST_TASKS


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at one server that people reach by one door."""

    server: ServerProcess
    door: Proxy
    http: httpx.AsyncClient
    truth: Database

    async def look(self) -> Look:
        process = psutil.Process(self.server.pid)
        return Look(
            megabytes(self.server),
            process.num_fds(),
            process.num_threads(),
            self.door.count,
            await metric(self.server, self.http, "tutti_tasks"),
            await self.truth.alone(_count_connections),
        )


async def _count_connections(session: Session) -> int:
    asked = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tutti'")
    return int((await session.execute(asked)).scalar_one())


@pytest.mark.timeout(SOAK_SECONDS + 540)
async def test_a_long_time_with_many_who_come_and_go_leaves_nothing(
    alone: ServerProcess, truth: Database, http: httpx.AsyncClient, record_property: Record
) -> None:
    with proxies(alone.port) as (door,):
        watch = Watch(alone, door, http, truth)
        crowd = Crowd([door.url(alone.url)], seed=2026)
        await crowd.gather(Api(alone.url, http), followers_each=FOLLOWERS_EACH, pause_seconds=PAUSE_SECONDS)
        before = await watch.look()
        async with AsyncExitStack() as held:
            for workspace_id, person in {one.workspace_id: one.person for one in crowd.writers}.items():
                await held.enter_async_context(person.listening(workspace_id))
                await _fill(person, workspace_id)
            await crowd.begin(seconds=90)
        looks = await _churn(watch)
        await crowd.end()
        found = await crowd.judge(truth, 60)
        async with asyncio.timeout(30):
            while not (await watch.look()).is_like(before):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
    assert found == []
    third, half = len(looks) // 3, len(looks) // 2

    def grown(what: Callable[[Look], float], of: Sequence[Look] = looks, share: int = third) -> float:
        """From the beginning to the end."""
        return statistics.median(map(what, of[-share:])) - statistics.median(map(what, of[:share]))

    memory, files = grown(lambda one: one.megabytes), grown(lambda one: one.files - one.sockets)
    tasks, connections = grown(lambda one: one.tasks), grown(lambda one: one.connections)
    halves = [grown(lambda one: one.megabytes, of, half // 3) for of in (looks[:half], looks[half:])]
    record_property("seconds", SOAK_SECONDS)
    record_property("reconnects", sum(len(one.connected_at) - 1 for one in crowd.followers))
    record_property("changes", len(crowd.acknowledged))
    record_property("memory grown, MB", round(memory, 1))
    record_property("memory grown in the first half, MB", round(halves[0], 1))
    record_property("memory grown in the second half, MB", round(halves[1], 1))
    record_property("files grown, without sockets", files)
    record_property("connections to PostgreSQL grown", connections)
    record_property("tasks grown", tasks)
    assert memory < MOST_MEGABYTES
    assert halves[1] < LEVEL_MEGABYTES
    assert files < MOST_FILES
    assert tasks < MOST_TASKS
    assert connections < MOST_CONNECTIONS
    assert grown(lambda one: one.threads) <= 2


async def _fill(person: Person, workspace_id: str) -> None:
    """As many changes as a server keeps of a workspace somebody listens to, and as many connections to PostgreSQL."""
    ids = await asyncio.gather(*(person.create_task(workspace_id) for _ in range(CHANGED_AT_ONCE)))
    for turn in range(RING_EVENTS // CHANGED_AT_ONCE):
        await person.do("bulkUpdateTasks", {"updates": [{"id": one, "title": f"Turn {turn}"} for one in ids]})


async def _churn(watch: Watch) -> list[Look]:
    """Cut some each second; -> a look each second once the server is warm."""
    chance = random.Random(7)
    began = time.monotonic()
    looks: list[Look] = []
    while (passed := time.monotonic() - began) < SOAK_SECONDS:
        watch.door.cut(CUT_SHARE, chance=chance)
        await asyncio.sleep(1.0)
        if passed > SOAK_SECONDS * WARM_SHARE:
            looks.append(await watch.look())
    return looks
