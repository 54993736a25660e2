"""What it takes to let people in: one after another, and two thousand at once who come back after a cut.

Invariant: whoever resumes gets each event that they missed once and in order, or there is no figure.
"""

from __future__ import annotations

import asyncio
import time

from bench.feed import LogFeed, subscriber_of, take_specimen
from bench.fleet import Faulty, percentile
from bench.machine import usage
from bench.measure import Figure, Ground
from bench.people import make_team, quiet
from bench.rounds import quietly
from bench.wire import Subscriber, connect

NAME = "Connecting and resuming"
ONE_BY_ONE = 1_000
AT_ONCE = 2_000
MISSED = 20
WITNESSES, PER_SECOND = 20, 50.0
CALM_SECONDS = 4.0
WAIT_SECONDS = 60.0
HOW = f"""*One after another*: the CPU time that the server's process used while {ONE_BY_ONE:,} clients connected, were acknowledged, subscribed
to one workspace and had their first batch, each after the one before; divided by their number, the best of the rounds.
*At once*: {AT_ONCE:,} subscribers of one workspace are cut without a word, {MISSED} events happen, and all open new connections at the
same moment and resume from their cursors; until the last of them has every event and was told that it has caught up. Meanwhile
{WITNESSES} subscribers of another workspace, who were not cut, get {PER_SECOND:g} events a second; their p99 during the storm is set against their
p99 in calm. The clients share one core with PostgreSQL and Valkey."""


async def measure(ground: Ground) -> list[Figure]:
    """-> CPU of a connection, and how the storm went. Raises Faulty when somebody missed something."""
    cpu_ms = min([await quietly(ground.plan, lambda: _one_by_one(ground)) for _ in range(ground.plan.rounds)])
    ground.say(f"{cpu_ms:.2f} ms of CPU for each who connects and subscribes")
    storms = [await _storm(ground) for _ in range(ground.plan.rounds)]
    seconds, calm_ms, stormy_ms = sorted(storms)[len(storms) // 2]
    return [
        Figure("CPU to connect and subscribe, one after another", cpu_ms, "ms", "<= 1.5 ms"),
        Figure(f"{AT_ONCE:,} clients cut and resuming at once: all caught up", seconds, "s", "< 3 s"),
        Figure("meanwhile, others' events: p99 in calm", calm_ms, "ms"),
        Figure("meanwhile, others' events: p99 in the storm", stormy_ms, "ms"),
        Figure("meanwhile, others' events: how much later", stormy_ms / calm_ms, "x", "<= 3 x"),
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


async def _storm(ground: Ground) -> tuple[float, float, float]:
    """-> (seconds until all have caught up, others' p99 in ms in calm, and meanwhile)."""
    count = 200 if ground.plan.is_quick else AT_ONCE
    elsewhere = await make_team(ground.server.url, ground.stack, 2)
    ours = await LogFeed(ground.stack, await take_specimen(ground.server.url, ground.stack, ground.team)).open()
    theirs = await LogFeed(ground.stack, await take_specimen(ground.server.url, ground.stack, elsewhere)).open()
    people = ground.team.people
    witnesses = [
        subscriber_of(index, elsewhere.people[index % 2].token, elsewhere.workspace_id) for index in range(WITNESSES)
    ]
    crowd: list[Subscriber] = []

    def one(index: int, after: str | None = None) -> Subscriber:
        return subscriber_of(index, people[index % len(people)].token, ground.team.workspace_id, after)

    try:
        for subscriber in witnesses:
            await connect(ground.server.url, subscriber)
        crowd = [one(index) for index in range(count)]
        await _all(ground, crowd)
        await ours.publish(1)
        await _until(lambda: all(subscriber.last == ours.newest for subscriber in crowd))
        calm = await _delays(theirs, witnesses, ground.plan.seconds(CALM_SECONDS))
        # From a query, as a client that reloads has it; all were told the same.
        cursor = await _cursor(ground)
        last = crowd[0].last
        for subscriber in crowd:
            subscriber.cut()
        await ours.publish(MISSED)
        crowd = [one(index, cursor) for index in range(count)]
        for subscriber in crowd:
            subscriber.last = last
        await quiet(1.0)
        arriving = asyncio.create_task(_come_back(ground, crowd, ours.newest))
        stormy: list[float] = []
        while not arriving.done():
            stormy += await _delays(theirs, witnesses, 0.2)
        seconds = await arriving
        faults = [fault for one in (*crowd, *witnesses) for fault in one.faults]
        if faults:
            raise Faulty(faults[:3])
        calm_ms, stormy_ms = percentile(calm, 0.99) * 1e3, percentile(stormy, 0.99) * 1e3
        ground.say(f"{count:,} have caught up after {seconds:.2f} s; others' p99 {calm_ms:.1f} -> {stormy_ms:.1f} ms")
        return seconds, calm_ms, stormy_ms
    finally:
        for subscriber in (*crowd, *witnesses):
            subscriber.cut()
        await ours.close()
        await theirs.close()
        await quiet(1.0)


async def _all(ground: Ground, subscribers: list[Subscriber]) -> None:
    turns = asyncio.Semaphore(32)

    async def enter(subscriber: Subscriber) -> None:
        async with turns:
            await connect(ground.server.url, subscriber)

    await asyncio.gather(*(enter(subscriber) for subscriber in subscribers))


async def _come_back(ground: Ground, crowd: list[Subscriber], newest: int) -> float:
    """-> seconds until the last one has caught up."""
    began = time.monotonic()
    await asyncio.gather(*(connect(ground.server.url, subscriber, WAIT_SECONDS) for subscriber in crowd))
    await _until(lambda: all(subscriber.last == newest for subscriber in crowd))
    return time.monotonic() - began


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
    from bench.people import ask
    from bench.wire import Http

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
