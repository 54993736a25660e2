"""What it takes to let people in: one after another, and two thousand at once who come back after a cut.

Invariant: whoever resumes gets each event that they missed once and in order, or there is no figure.
"""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from bench.feed import LogFeed, subscriber_of, take_specimen
from bench.fleet import Faulty, percentile
from bench.machine import usage
from bench.measure import Figure, Ground
from bench.people import ask, make_team, quiet
from bench.programs import ROOT
from bench.rounds import quietly
from bench.wire import Http, Subscriber, connect

NAME = "Connecting and resuming"
ONE_BY_ONE = 1_000
AT_ONCE = 2_000
MISSED = 20
WITNESSES, PER_SECOND = 20, 50.0
CALM_SECONDS = 4.0
GONE_SECONDS = 1.0
WAIT_SECONDS = 60.0
HOW = f"""*One after another*: the CPU time that the server's process used while {ONE_BY_ONE:,} clients connected, were acknowledged, subscribed
to one workspace and had their first batch, each after the one before; divided by their number, the best of the rounds.
*At once*: {AT_ONCE:,} subscribers of one workspace are cut without a word, {MISSED} events happen, and all open new connections at the
same moment and resume from their cursors; until the last of them has every event and was told that it has caught up. Meanwhile
{WITNESSES} subscribers of another workspace, who were not cut, get {PER_SECOND:g} events a second; their p99 from the cut to the end is set against their
p99 in calm. Those who resume are a process of their own, which shares one core with PostgreSQL, Valkey and those who are measured."""


async def measure(ground: Ground) -> list[Figure]:
    """-> CPU of a connection, and how the storm went. Raises Faulty when somebody missed something."""
    cpu_ms = min([await quietly(ground.plan, lambda: _one_by_one(ground)) for _ in range(ground.plan.rounds)])
    ground.say(f"{cpu_ms:.2f} ms of CPU for each who connects and subscribes")
    storms = [await _storm(ground) for _ in range(ground.plan.rounds)]
    storm = sorted(storms, key=lambda one: one.seconds)[len(storms) // 2]
    return [
        Figure("CPU to connect and subscribe, one after another", cpu_ms, "ms", "<= 1.5 ms"),
        Figure(f"{AT_ONCE:,} clients cut and resuming at once: all caught up", storm.seconds, "s", "< 3 s"),
        Figure("meanwhile, CPU of the server for each of them", storm.server_ms, "ms"),
        Figure("meanwhile, their own use of their core", storm.crowd_cpu * 100, "%"),
        Figure("meanwhile, others' events: p99 in calm", storm.calm_ms, "ms"),
        Figure("meanwhile, others' events: p99 in the storm", storm.stormy_ms, "ms"),
        Figure("meanwhile, others' events: how much later", storm.stormy_ms / storm.calm_ms, "x", "<= 3 x"),
    ]


async def _one_by_one(ground: Ground) -> float:
    count = 100 if ground.plan.is_quick else ONE_BY_ONE
    people = ground.team.people
    sockets = [
        subscriber_of(index, people[index % len(people)].token, ground.team.workspace_id) for index in range(count)
    ]
    try:
        await connect(ground.server.url, sockets[0])  # the workspace is followed already
        with usage(ground.server.pid) as used:
            for socket in sockets[1:]:
                await connect(ground.server.url, socket)
        return used.server_cpu / (count - 1) * 1e3
    finally:
        for socket in sockets:
            socket.cut()
        await quiet(1.0)


@dataclass(frozen=True, slots=True)
class Storm:
    """How one went. `crowd_cpu`: the share of a core that those who came back used themselves."""

    seconds: float
    calm_ms: float
    stormy_ms: float
    crowd_cpu: float
    server_ms: float
    """CPU time of the server for each of them, with all that it did besides."""


async def _storm(ground: Ground) -> Storm:
    count = 200 if ground.plan.is_quick else AT_ONCE
    elsewhere = await make_team(ground.server.url, ground.stack, 2)
    ours = await LogFeed(ground.stack, await take_specimen(ground.server.url, ground.stack, ground.team)).open()
    theirs = await LogFeed(ground.stack, await take_specimen(ground.server.url, ground.stack, elsewhere)).open()
    witnesses = [
        subscriber_of(index, elsewhere.people[index % 2].token, elsewhere.workspace_id) for index in range(WITNESSES)
    ]
    try:
        async with _crowd(ground, count) as crowd:
            for subscriber in witnesses:
                await connect(ground.server.url, subscriber)
            await crowd("enter")
            await ours.publish(1)
            await crowd("wait", newest=ours.newest)
            last = ours.newest
            calm = await _delays(theirs, witnesses, ground.plan.seconds(CALM_SECONDS))
            # From a query, as a client that reloads has it; all were told the same.
            cursor = await _cursor(ground)
            stormy: list[float] = []
            await crowd("cut")
            stormy += await _delays(theirs, witnesses, GONE_SECONDS / 2)
            await ours.publish(MISSED)
            stormy += await _delays(theirs, witnesses, GONE_SECONDS / 2)
            arriving = asyncio.create_task(crowd("resume", after=cursor, last=last, newest=ours.newest))
            with usage(ground.server.pid) as used:
                while not arriving.done():
                    stormy += await _delays(theirs, witnesses, 0.2)
                came = await arriving
        if faults := [*came["faults"], *(fault for one in witnesses for fault in one.faults)]:
            raise Faulty(faults[:3])
        storm = Storm(
            came["seconds"],
            percentile(calm, 0.99) * 1e3,
            percentile(stormy, 0.99) * 1e3,
            came["cpu"] / came["seconds"],
            used.server_cpu / count * 1e3,
        )
        ground.say(
            f"{count:,} have caught up after {storm.seconds:.2f} s, the server using {storm.server_ms:.2f} ms of CPU for each, "
            f"they themselves {storm.crowd_cpu:.0%} of a core; "
            f"others' p99 {storm.calm_ms:.1f} -> {storm.stormy_ms:.1f} ms"
        )
        return storm
    finally:
        for subscriber in witnesses:
            subscriber.cut()
        await ours.close()
        await theirs.close()
        await quiet(1.0)


Tell = Callable[..., Awaitable[dict[str, Any]]]


@asynccontextmanager
async def _crowd(ground: Ground, count: int) -> AsyncIterator[Tell]:
    """bench.crowd_process as a function: what it shall do -> its answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.crowd_process", cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def tell(do: str, **more: Any) -> dict[str, Any]:
        stdin.write(orjson.dumps({"do": do, **more}) + b"\n")
        if not (line := await stdout.readline()):
            raise Faulty("The crowd has ended.")
        answer: dict[str, Any] = orjson.loads(line)
        return answer

    try:
        tokens = [one.token for one in ground.team.people]
        await tell("make", url=ground.server.url, workspace=ground.team.workspace_id, tokens=tokens, count=count)
        yield tell
    finally:
        stdin.close()
        await process.wait()


async def _delays(feed: LogFeed, witnesses: list[Subscriber], seconds: float) -> list[float]:
    """Seconds from publishing to each witness, of all events of that time."""
    found: list[float] = []

    def took(number: int, now: float) -> None:
        found.append(now - feed.sent[number])

    for subscriber in witnesses:
        subscriber.on_event = took
    began = time.monotonic()
    for turn in range(int(seconds * PER_SECOND)):
        await asyncio.sleep(max(0.0, began + turn / PER_SECOND - time.monotonic()))
        await feed.publish(1)
    await _until(lambda: all(subscriber.last == feed.newest for subscriber in witnesses))
    return found


async def _cursor(ground: Ground) -> str:
    http = Http(ground.server.url)
    try:
        query = "query ($id: ID!) { workspace(by: {id: $id}) { eventCursor } }"
        data = await ask(http, ground.team.people[0].token, query, id=ground.team.workspace_id)
        return str(data["workspace"]["eventCursor"])
    finally:
        http.close()


async def _until(is_so: object) -> None:
    assert callable(is_so)
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise Faulty("Somebody did not get everything.")
        await asyncio.sleep(0.005)
