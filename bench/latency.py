"""From commit to client: real mutations over HTTP, real subscribers over sockets, one clock.

Invariant: every subscriber got every change once and in order, or there is no figure.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

from bench.feed import subscriber_of, title
from bench.fleet import Faulty, median, percentile
from bench.measure import Figure, Ground
from bench.people import database, rename_task
from bench.rounds import quietly
from bench.wire import Http, Subscriber, connect

NAME = "From commit to client"
SUBSCRIBERS, PER_SECOND, SECONDS = 50, 20.0, 5.0
BOUND_MS = 15
HOW = f"""Updates of one task by real mutations over HTTP, {PER_SECOND:g} a second, each sent when its time has come and the one before
is answered; {SUBSCRIBERS} sockets of five people, each with a subscription of its own. The time of the commit is PostgreSQL's own
(`track_commit_timestamp`; it is taken right before the commit is written to disk, so writing counts), the time of arrival is taken
when the client reads the frame from its socket, before parsing. Both read the same clock of the same machine. *From sending* begins
before the mutation is sent. One delay for each change and subscriber; the median of three rounds of {SECONDS:g} s."""
WAIT_SECONDS = 20.0


async def measure(ground: Ground) -> list[Figure]:
    """-> the delays. Raises Faulty when a subscriber missed something."""
    people, workspace_id = ground.team.people, ground.team.workspace_id
    subscribers = [
        subscriber_of(index, people[index % len(people)].token, workspace_id) for index in range(SUBSCRIBERS)
    ]
    numbers = _Numbers()
    try:
        for subscriber in subscribers:
            await connect(ground.server.url, subscriber)
        rounds = []
        for number in range(ground.plan.rounds):
            rounds.append(await quietly(ground.plan, lambda: _round(ground, subscribers, numbers)))
            shown = {kind: f"{percentile(delays, 0.95):.1f}" for kind, delays in rounds[-1].items()}
            ground.say(f"round {number + 1}: p95 in ms {shown}")
    finally:
        for subscriber in subscribers:
            subscriber.cut()

    def of(kind: str, share: float) -> float:
        return median([percentile(one[kind], share) for one in rounds])

    load = f"{SUBSCRIBERS} subscribers, {PER_SECOND:g} updates/s"
    return [
        Figure(f"{load}: commit to client, p50", of("commit", 0.5), "ms"),
        Figure(f"{load}: commit to client, p95", of("commit", 0.95), "ms", f"< {BOUND_MS} ms"),
        Figure(f"{load}: commit to client, p99", of("commit", 0.99), "ms"),
        Figure(f"{load}: from sending the mutation, p95", of("sending", 0.95), "ms"),
        Figure("the mutation itself, as its sender sees it, p95", of("mutation", 0.95), "ms"),
    ]


class _Numbers:
    """The number of the next change, over all rounds."""

    def __init__(self) -> None:
        self.next = 1


async def _round(ground: Ground, subscribers: list[Subscriber], numbers: _Numbers) -> dict[str, list[float]]:
    """-> milliseconds by kind: `commit`, `sending`, `mutation`."""
    count = round(ground.plan.seconds(SECONDS) * PER_SECOND)
    first = numbers.next
    numbers.next += count
    arrivals: dict[int, list[float]] = {number: [] for number in range(first, first + count)}
    offset = time.time() - time.monotonic()

    def took(number: int, now: float) -> None:
        arrivals[number].append(now + offset)

    for subscriber in subscribers:
        subscriber.on_event = took
    sent, took_ms = await _send(ground, range(first, first + count))
    await _arrived(subscribers, first + count - 1)
    for subscriber in subscribers:
        subscriber.on_event = None
    faults = [fault for one in subscribers for fault in one.faults]
    if faults or any(len(times) != len(subscribers) for times in arrivals.values()):
        raise Faulty(f"Not every subscriber got every change: {faults[:3]}")
    commits = await _commits(ground, first)
    return {
        "commit": [(at - commits[number]) * 1e3 for number, times in arrivals.items() for at in times],
        "sending": [(at - sent[number]) * 1e3 for number, times in arrivals.items() for at in times],
        "mutation": took_ms,
    }


async def _send(ground: Ground, numbers: range) -> tuple[dict[int, float], list[float]]:
    """Change the task once for each number. -> (when each was sent, how many milliseconds each took)."""
    person, task_id = ground.team.people[0], ground.team.task_ids[0]
    sent, took = {}, []
    http = Http(ground.server.url)
    try:
        began = time.monotonic()
        for turn, number in enumerate(numbers):
            await asyncio.sleep(max(0.0, began + turn / PER_SECOND - time.monotonic()))
            sent[number] = time.time()
            await rename_task(http, person, task_id, title(number, 0))
            took.append((time.time() - sent[number]) * 1e3)
    finally:
        http.close()
    return sent, took


async def _arrived(subscribers: list[Subscriber], newest: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while any(one.last != newest for one in subscribers):
        if time.monotonic() > deadline:
            raise Faulty(f"{sum(one.last != newest for one in subscribers)} subscribers did not get everything")
        await asyncio.sleep(0.01)


async def _commits(ground: Ground, first: int) -> dict[int, float]:
    """Number of a change -> the moment of its commit, in seconds since 1970."""
    connection = await database(ground.stack)
    try:
        rows: list[Any] = await connection.fetch(
            "SELECT image->>'title' AS title, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at"
            " FROM events WHERE workspace_id = $1 AND image->>'title' LIKE '#%'",
            UUID(ground.team.workspace_id.split("_", 1)[1]),
        )
    finally:
        await connection.close()
    return {number: row["at"] for row in rows if (number := int(row["title"][1:])) >= first}
