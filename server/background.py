"""The process beside the server's: it runs the jobs, so that no request ever waits for one."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from db.session import Database
from jobs.schedule import run_jobs
from server.settings import Settings
from server.stack.processes import die_with_parent
from server.stopping import children_deaf_to_interrupts

STATEMENT_SECONDS = 600
"""A job may read a whole day of the log."""


@contextmanager
def jobs_process() -> Iterator[None]:
    """Run the jobs in a process of their own, by the settings of the environment; it ends with the block."""
    # Spawned: a fork would take along the listening socket and whatever threads hold.
    process = multiprocessing.get_context("spawn").Process(target=work, name="tutti-jobs", daemon=True)
    with children_deaf_to_interrupts():
        process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(5)


def work() -> None:
    """What the jobs process does, until it is terminated."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with_parent = die_with_parent(signal.SIGTERM, parent.pid)
        if end_with_parent is not None:
            end_with_parent()
    settings = Settings.from_environment()
    assert settings.database_url is not None
    asyncio.run(_work(settings.database_url))


async def _work(database_url: str) -> None:
    database = Database(database_url, pool_size=2, statement_seconds=STATEMENT_SECONDS)
    try:
        await run_jobs(database)
    finally:
        await database.close()
