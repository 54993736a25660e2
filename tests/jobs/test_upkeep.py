"""The log's days are made ahead, and go after a week: no reader meets a hole, and nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from db import retention
from db.errors import Busy
from db.session import Database
from db.unit_of_work import now
from jobs.schedule import Job, run_jobs
from jobs.upkeep import make_room, prune_log
from realtime.cursor import Cursor
from realtime.reader import Resync
from tests.realtime.world import Node, running
from tests.stack_fixture import TestStack

DAY = timedelta(days=1)


@pytest.fixture
def database_url(stack: TestStack) -> Iterator[str]:
    """A database of its own for each test: what is done here is done to all of one."""
    with stack.new_database() as url:
        yield url


@pytest.fixture
async def node(database_url: str, stack: TestStack) -> AsyncIterator[Node]:
    async with running(database_url, stack.redis_url) as one:
        yield one


async def _run(node: Node, statement: str, **parameters: Any) -> list[Any]:
    async with node.database.transaction() as session:
        result = await session.execute(text(statement), parameters)
        return list(result) if result.returns_rows else []


async def _days(node: Node) -> list[date]:
    return await node.database.alone(retention.partition_days)


async def _floor(node: Node, workspace_id: UUID) -> int:
    (row,) = await _run(node, "SELECT floor_seq FROM workspace_heads WHERE workspace_id = :id", id=workspace_id)
    return int(row.floor_seq)


async def _kept(node: Node, workspace_id: UUID) -> list[int]:
    rows = await _run(node, "SELECT seq FROM events WHERE workspace_id = :id ORDER BY seq", id=workspace_id)
    return [row.seq for row in rows]


async def _move(node: Node, workspace_id: UUID, seq: int, to: datetime) -> None:
    """Have an event been written at another time."""
    moved = "UPDATE events SET occurred_at = :to WHERE workspace_id = :id AND seq = :seq"
    await _run(node, moved, to=to, id=workspace_id, seq=seq)


async def _log(node: Node, at: datetime) -> tuple[UUID, UUID, Cursor]:
    """A log of five events: two of days more than 7 days back, the second of which has a partition, two of the 7th day
    back, and one of now. -> its workspace, somebody who may read it, and where it ends."""
    workspace = await node.world.workspace()
    person = await node.world.member(workspace)  # the first event
    await make_room(node.database, at - 11 * DAY)  # for the days 10 to 8 back
    await make_room(node.database, at - 8 * DAY)  # for the days 7 to 5 back
    await _run(node, f"DROP TABLE events_{at - 9 * DAY:%Y%m%d}")
    for _ in range(4):
        await node.world.write(workspace)
    for seq, days in ((1, 9), (2, 8), (3, 7), (4, 7)):
        await _move(node, workspace, seq, (at - days * DAY).replace(hour=0, minute=0, second=0, microsecond=0))
    head = (await node.follow(workspace, person)).cursor
    assert head.seq == 5
    return workspace, person, head


@asynccontextmanager
async def _reading(database_url: str, table: str) -> AsyncIterator[None]:
    """Somebody reads for long, as a backup does."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", "", 1))
    try:
        async with connection.transaction():
            await connection.fetch(f"SELECT count(*) FROM {table}")
            yield
    finally:
        await connection.close()


async def test_days_are_made_ahead_and_events_go_there(node: Node) -> None:
    began = now()
    for _ in range(2):  # a second time there is nothing to do
        await make_room(node.database, began - DAY)
    days = [began.date() + n * DAY for n in range(retention.DAYS_AHEAD)]
    assert await _days(node) == days
    workspace = await node.world.workspace()
    await node.world.write(workspace)
    rows = await _run(node, "SELECT tableoid::regclass::text AS day FROM events")
    assert {row.day for row in rows} <= {f"events_{day:%Y%m%d}" for day in days}
    indexes = await _run(node, "SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'pk_events'::regclass")
    assert indexes[0].n == len(days) + 1


async def test_what_is_a_week_old_goes_and_cursors_before_it_have_expired(node: Node) -> None:
    at = now()
    workspace, person, head = await _log(node, at)
    other = await node.world.workspace()
    await node.world.write(other)
    await prune_log(node.database, at)
    assert await _kept(node, workspace) == [3, 4, 5]
    assert await _days(node) == [(at - days * DAY).date() for days in (7, 6, 5)]
    assert (await _floor(node, workspace), await _floor(node, other)) == (2, 0)
    late = await node.follow(workspace, person, after=head.at(1))
    assert (late.resyncs, late.cursor, late.seqs) == ([Resync.CURSOR_EXPIRED], head, [])
    resumed = await node.follow(workspace, person, after=head.at(2))
    await resumed.until_seq(head.seq)
    assert (resumed.resyncs, resumed.seqs) == ([], [3, 4, 5])


async def test_floors_are_raised_before_what_is_below_them_goes(node: Node, database_url: str) -> None:
    at = now()
    workspace, person, head = await _log(node, at)
    async with _reading(database_url, f"events_{at - 8 * DAY:%Y%m%d}"):
        with pytest.raises(Busy):
            await prune_log(node.database, at)
        assert 2 in await _kept(node, workspace)
        assert await _floor(node, workspace) == 2
        late = await node.follow(workspace, person, after=head.at(1))
        assert late.resyncs == [Resync.CURSOR_EXPIRED]
    await prune_log(node.database, at)
    assert await _kept(node, workspace) == [3, 4, 5]


async def test_of_a_log_that_is_too_long_the_newest_are_kept(node: Node) -> None:
    workspace, person, head = await _log(node, now())
    short = await node.world.workspace()
    await node.world.write(short)
    for at_most in (3, 4):  # a floor is never lowered
        await node.database.alone(lambda session, at_most=at_most: retention.cap_logs(session, at_most))  # type: ignore[misc]
        assert (await _floor(node, workspace), await _floor(node, short)) == (2, 0)
    assert (await node.follow(workspace, person, after=head.at(1))).resyncs == [Resync.CURSOR_EXPIRED]
    resumed = await node.follow(workspace, person, after=head.at(2))
    await resumed.until_seq(head.seq)
    assert (resumed.resyncs, resumed.seqs) == ([], [3, 4, 5])


@pytest.mark.parametrize("job", [make_room, prune_log])
async def test_nobody_who_writes_waits_while_a_backup_keeps_days_from_coming_and_going(
    node: Node, database_url: str, job: Callable[[Database, datetime], Awaitable[None]]
) -> None:
    at = now()
    workspace, _, _ = await _log(node, at)
    before = await _days(node)
    async with _reading(database_url, "events"):
        working = asyncio.create_task(job(node.database, at))
        while not working.done():
            async with asyncio.timeout(1):
                await node.world.write(workspace)
        with pytest.raises(Busy):
            await working
        assert await _days(node) == before
    await job(node.database, at)
    made = [at.date() + days * DAY for days in (1, 2, 3)]
    kept = [at.date() - days * DAY for days in (7, 6, 5)]
    assert await _days(node) == (before + made if job is make_room else kept)


async def test_a_job_that_failed_waits_as_long_as_it_says_and_keeps_no_other_waiting(node: Node) -> None:
    runs: list[str] = []
    clock = datetime(2031, 5, 13, tzinfo=UTC)
    changed = asyncio.Event()

    def fails(name: str) -> Callable[[Database, datetime], Awaitable[None]]:
        async def run(database: Database, at: datetime) -> None:
            runs.append(name)
            changed.set()
            raise Busy

        return run

    async def until(is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not is_so():
                changed.clear()
                await changed.wait()

    jobs = (Job("patient", DAY, fails("patient"), again=timedelta(minutes=10)), Job("other", DAY, fails("other")))
    running_jobs = asyncio.create_task(run_jobs(node.database, jobs, 0.01, lambda: clock))
    await until(lambda: runs.count("other") == 4)
    assert runs.count("patient") == 1
    clock += timedelta(minutes=10)
    await until(lambda: runs.count("patient") == 2)
    running_jobs.cancel()
    await asyncio.gather(running_jobs, return_exceptions=True)
