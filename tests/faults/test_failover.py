"""PostgreSQL replaced by a copy that lacks commits: every cursor from before is refused, and every stream says so."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from db.errors import Unavailable
from db.migrations import upgrade
from realtime.reader import Resync
from server.stack import EmbeddedStack
from tests.faults.oracle import read_log
from tests.realtime.world import running
from tests.stack_fixture import THROWAWAY, sql, temporary_state_dir


def _copy(source: Path, target: Path) -> None:
    """A folder with its owner, as PostgreSQL is picky about it."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


async def test_a_failover_to_an_older_copy_expires_every_cursor() -> None:
    # A restore ends on a new timeline, and that makes the epoch another.
    settings = {**THROWAWAY, "restore_command": "false"}
    with temporary_state_dir() as state_dir, EmbeddedStack(state_dir, postgres_settings=settings) as stack:
        upgrade(stack.database_url)
        sql(stack.database_url, "CHECKPOINT")
        async with running(stack.database_url, stack.redis_url) as node:
            world = node.world
            workspace = await world.workspace()
            person = await world.member(workspace)
            kept = await world.write(workspace)
            copy = stack.postgres.data.parent / "copy"
            stack.postgres.stop()
            _copy(stack.postgres.data, copy)
            stack.postgres.start()

            stream = await node.follow(workspace, person)
            for _ in range(5):
                last = await node.write(workspace)
            await stream.until_seq(last)
            before = stream.cursor

            stack.postgres.stop()
            _copy(copy, stack.postgres.data)
            signal = stack.postgres.data / "recovery.signal"
            signal.touch()
            stack.postgres.account.own(signal)
            stack.postgres.start()

            await stream.until(lambda one: one.resyncs)
            assert stream.resyncs == [Resync.CURSOR_EXPIRED]
            assert (stream.at, stream.cursor.epoch == before.epoch) == (kept, False)
            newest = 0
            while newest < kept + 3:
                try:
                    newest = await node.write(workspace)
                except Unavailable:
                    continue
            await stream.until_seq(newest)
            log = await read_log(node.database, workspace)
            place = next(i for i, batch in enumerate(stream.batches) if batch.resync)
            assert [seen.event for batch in stream.batches[place:] for seen in batch.events] == log[kept:]
            resumed = await node.follow(workspace, person, after=before)
            assert (resumed.resyncs, resumed.at) == ([Resync.CURSOR_EXPIRED], newest)
