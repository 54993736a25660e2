"""Many people for a long time, who come and go: whatever they need, nothing of it stays behind."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import psutil
import pytest

from db.session import Database
from tests.faults.conftest import megabytes
from tests.faults.crowd import Crowd, until
from tests.faults.links import Proxy, proxies
from tests.faults.sizes import SOAK_SECONDS
from tests.people import Api
from tests.processes import ServerProcess

pytestmark = pytest.mark.serial

FOLLOWERS_EACH = 63
"""Of eight people in two workspaces: 504 sockets."""
CUT_SHARE = 0.03
"""Of all sockets, each second."""
PAUSE_SECONDS = 0.5
WARM_SHARE = 0.25
"""Of the time, until what a server keeps for good is there."""
MOST_MEGABYTES, MOST_FILES = 12.0, 40

Record = Callable[[str, object], None]


@dataclass(frozen=True, slots=True)
class Look:
    """What the server's process holds at one moment."""

    megabytes: float
    files: int
    threads: int
    sockets: int

    @staticmethod
    def at(server: ServerProcess, door: Proxy) -> Look:
        process = psutil.Process(server.pid)
        return Look(megabytes(server), process.num_fds(), process.num_threads(), door.count)


async def test_a_long_time_with_many_who_come_and_go_leaves_nothing(
    alone: ServerProcess, truth: Database, http: httpx.AsyncClient, record_property: Record
) -> None:
    with proxies(alone.port) as (door,):
        crowd = Crowd([door.url(alone.url)], seed=2026)
        await crowd.gather(Api(alone.url, http), followers_each=FOLLOWERS_EACH, pause_seconds=PAUSE_SECONDS)
        before = Look.at(alone, door)
        await crowd.begin(seconds=90)
        looks = await _churn(alone, door)
        await crowd.end()
        found = await crowd.judge(truth, 60)
        await until(lambda: Look.at(alone, door).files <= before.files + MOST_FILES, 30)
    assert found == []
    third = len(looks) // 3
    early, late = looks[:third], looks[-third:]

    def grown(what: Callable[[Look], float]) -> float:
        return statistics.median(map(what, late)) - statistics.median(map(what, early))

    memory, files = grown(lambda one: one.megabytes), grown(lambda one: one.files - one.sockets)
    record_property("seconds", SOAK_SECONDS)
    record_property("reconnects", sum(len(one.connected_at) - 1 for one in crowd.followers))
    record_property("changes", len(crowd.acknowledged))
    record_property("memory grown, MB", round(memory, 1))
    record_property("files grown, without sockets", files)
    assert memory < MOST_MEGABYTES
    assert files < MOST_FILES
    assert grown(lambda one: one.threads) <= 2


async def _churn(server: ServerProcess, door: Proxy) -> list[Look]:
    """Cut some each second; -> a look each second once the server is warm."""
    chance = random.Random(7)
    began = time.monotonic()
    looks: list[Look] = []
    while (passed := time.monotonic() - began) < SOAK_SECONDS:
        door.cut(CUT_SHARE, chance=chance)
        await asyncio.sleep(1.0)
        if passed > SOAK_SECONDS * WARM_SHARE:
            looks.append(Look.at(server, door))
    return looks
