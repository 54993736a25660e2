"""What the order of the log costs, and whether a long log makes it slower to come back.

Invariant: both kinds of commit write the same rows through the same statements but for the one that makes the order.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from bench.feed import LogFeed, subscriber_of, take_specimen
from bench.fleet import Faulty
from bench.measure import Figure, Ground
from bench.people import Team, ask, database, make_task, make_team, make_workspace, quiet
from bench.rounds import quietly
from bench.wire import Http, connect

NAME = "The log"
WORKSPACES, WRITERS, SECONDS = 100, 12, 3.0
SHORT, LONG, MISSED, RESUMES = 10_000, 1_000_000, 100, 20
HOW = f"""*Ordered against unordered*: {WRITERS} connections commit changes of tasks in {WORKSPACES} workspaces, at random, for {SECONDS:g} s: the task's row,
the actor's right read again, the event's row. Ordered, as Tutti does it, the workspace's head row is raised before, which locks it
until the commit; unordered, the number comes from a sequence. In turns; the median of the rounds.
*Coming back*: a client that missed {MISSED} events connects and resumes, in a workspace with {SHORT:,} events in its log and in one with
{LONG:,}; nobody else listens, so nothing is in memory. From opening the connection until it was told that it has caught up; in turns,
the median of {RESUMES}."""


async def measure(ground: Ground) -> list[Figure]:
    """-> commits a second both ways, and how long it takes to come back. Raises Faulty."""
    ordered, unordered = await _commits(ground)
    short_ms, long_ms = await _coming_back(ground)
    return [
        Figure(f"{WORKSPACES} workspaces: commits with an ordered log", ordered, "a second"),
        Figure(f"{WORKSPACES} workspaces: commits with an unordered log", unordered, "a second"),
        Figure("ordered by unordered", ordered / unordered, "x", ">= 0.85 x"),
        Figure(f"resuming {MISSED} events, {SHORT:,} in the log", short_ms, "ms"),
        Figure(f"resuming {MISSED} events, {LONG:,} in the log", long_ms, "ms"),
        Figure("the longer by the shorter", long_ms / short_ms, "x", "about 1 x"),
    ]


# ---- the order


async def _commits(ground: Ground) -> tuple[float, float]:
    http, setting_up = Http(ground.server.url), await database(ground.stack)
    person = ground.team.people[0]
    links = [await database(ground.stack) for _ in range(WRITERS)]
    try:
        places = []
        for index in range(10 if ground.plan.is_quick else WORKSPACES):
            workspace_id = await make_workspace(http, person, f"Bench {index}")
            places.append((UUID(workspace_id[-36:]), UUID((await make_task(http, person, workspace_id, "One"))[-36:])))
        row = orjson.loads(
            await setting_up.fetchval(
                "SELECT to_jsonb(e) FROM events e WHERE workspace_id = $1 ORDER BY seq DESC LIMIT 1", places[0][0]
            )
        )
        await setting_up.execute("CREATE SEQUENCE bench_unordered START 1000000000")
        rates: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(ground.plan.rounds):
            for is_ordered in (True, False):

                async def one(is_ordered: bool = is_ordered) -> float:
                    seconds = ground.plan.seconds(SECONDS)
                    ends_at = time.monotonic() + seconds
                    work = [_write(link, places, row, is_ordered, ends_at) for link in links]
                    return sum(await asyncio.gather(*work)) / seconds

                rates[is_ordered].append(await quietly(ground.plan, one))
        ground.say(f"ordered {statistics.median(rates[True]):,.0f}, unordered {statistics.median(rates[False]):,.0f}")
        return statistics.median(rates[True]), statistics.median(rates[False])
    finally:
        http.close()
        for link in (setting_up, *links):
            await link.close()


async def _write(
    link: asyncpg.Connection, places: list[tuple[UUID, UUID]], row: dict[str, Any], is_ordered: bool, ends_at: float
) -> int:
    """Commit until the time is up; -> how often."""
    number = (
        "UPDATE workspace_heads SET seq = seq + 1 WHERE workspace_id = $1 RETURNING seq"
        if is_ordered
        else "SELECT nextval('bench_unordered') FROM workspaces WHERE id = $1"
    )
    commits = 0
    while time.monotonic() < ends_at:
        workspace_id, task_id = random.choice(places)
        async with link.transaction():
            await link.execute("UPDATE tasks SET version = version + 1 WHERE id = $1", task_id)
            seq = await link.fetchval(number, workspace_id)
            await link.fetchval("SELECT role FROM memberships WHERE workspace_id = $1 LIMIT 1", workspace_id)
            event = {**row, "workspace_id": str(workspace_id), "seq": seq, "commit_seq": seq, "occurred_at": _now()}
            await link.execute(
                "INSERT INTO events SELECT * FROM jsonb_populate_record(NULL::events, $1::jsonb)",
                orjson.dumps(event).decode(),
            )
        commits += 1
    return commits


def _now() -> str:
    return datetime.now(UTC).isoformat()


# ---- coming back


async def _coming_back(ground: Ground) -> tuple[float, float]:
    delays: dict[int, list[float]] = {}
    places: list[tuple[int, Team, LogFeed, str]] = []
    for size in (SHORT, SHORT * 5 if ground.plan.is_quick else LONG):
        team = await make_team(ground.server.url, ground.stack, 1)
        specimen = await take_specimen(ground.server.url, ground.stack, team)
        ground.say(f"writing {size:,} events")
        await _lengthen(ground, specimen.row, size)
        feed = await LogFeed(ground.stack, specimen).open()
        cursor = await _cursor(ground, team)
        await feed.publish(MISSED)
        places.append((size, team, feed, cursor))
        delays[size] = []
    await quiet(1.0)
    try:
        for turn in range(3 if ground.plan.is_quick else RESUMES):
            for size, team, feed, cursor in places:
                delays[size].append(await _resume(ground, team, feed, cursor, turn))
    finally:
        for _, _, feed, _ in places:
            await feed.close()
    short, long = (statistics.median(one) * 1e3 for one in delays.values())
    ground.say(f"resuming took {short:.1f} and {long:.1f} ms")
    return short, long


async def _lengthen(ground: Ground, row: dict[str, Any], size: int) -> None:
    connection = await database(ground.stack)
    workspace_id = UUID(row["workspace_id"])
    try:
        async with connection.transaction():
            head = await connection.fetchval("SELECT seq FROM workspace_heads WHERE workspace_id = $1", workspace_id)
            await connection.execute(
                "INSERT INTO events SELECT (jsonb_populate_record(base, jsonb_build_object('seq', n, 'commit_seq', n))).*"
                " FROM jsonb_populate_record(NULL::events, $1::jsonb) AS base,"
                " generate_series($2::bigint + 1, $2::bigint + $3::bigint) AS n",
                orjson.dumps({**row, "occurred_at": _now()}).decode(),
                head,
                size,
                timeout=300,
            )
            await connection.execute(
                "UPDATE workspace_heads SET seq = $2 WHERE workspace_id = $1", workspace_id, head + size
            )
        await connection.execute("ANALYZE events")
    finally:
        await connection.close()


async def _cursor(ground: Ground, team: Team) -> str:
    http = Http(ground.server.url)
    query = "query ($id: ID!) { workspace(by: {id: $id}) { eventCursor } }"
    try:
        cursor: str = (await ask(http, team.people[0].token, query, id=team.workspace_id))["workspace"]["eventCursor"]
        return cursor
    finally:
        http.close()


async def _resume(ground: Ground, team: Team, feed: LogFeed, cursor: str, turn: int) -> float:
    """-> seconds until a new client has what it missed."""
    has_all: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    subscriber = subscriber_of(turn, team.people[0].token, team.workspace_id, cursor)
    subscriber.last = feed.newest - MISSED
    subscriber.on_caught_up = lambda: has_all.set_result(None)
    began = time.perf_counter()
    await connect(ground.server.url, subscriber)
    async with asyncio.timeout(30):
        await has_all
    seconds = time.perf_counter() - began
    if subscriber.faults or subscriber.last != feed.newest:
        raise Faulty(f"{feed.newest - subscriber.last} events are missing. {subscriber.faults[:3]}")
    subscriber.cut()
    await quiet(0.1)
    return seconds
