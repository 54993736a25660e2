"""Runs the jobs: each once across all processes, again after its interval, whatever became of the last run.

What was run when is remembered by the process alone: after a restart everything
runs again, so each job does nothing where there is nothing to be done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from db.errors import Busy, Unavailable
from db.ids import new_id
from db.leases import take_lease
from db.session import Database
from db.unit_of_work import Writer, now
from jobs import upkeep
from jobs.reminders import remind

PAUSE_SECONDS = 30.0
LEASE = timedelta(minutes=2)
GENTLE = timedelta(minutes=10)
"""After this, what others had to wait for in vain is tried again."""

log = logging.getLogger("tutti.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """`run` gets the database and the time it is. `again`: how long to wait, at least, after it failed."""

    name: str
    every: timedelta
    run: Callable[[Database, datetime], Awaitable[None]]
    again: timedelta = timedelta(0)


def all_jobs(writer: Writer) -> tuple[Job, ...]:
    """Everything that is to be done again and again; what people wait for first."""
    return (
        Job("remind", timedelta(minutes=1), partial(remind, writer)),
        Job("make room", timedelta(hours=1), upkeep.make_room, again=GENTLE),
        Job("prune log", timedelta(hours=1), upkeep.prune_log, again=GENTLE),
        Job("forget", timedelta(hours=1), upkeep.forget),
    )


async def run_jobs(
    database: Database,
    jobs: tuple[Job, ...],
    pause_seconds: float = PAUSE_SECONDS,
    clock: Callable[[], datetime] = now,
) -> None:
    """For ever: while this process holds the lease, run what is due. A job that fails is tried again, and hinders no
    other."""
    holder = new_id()
    due_at: dict[str, datetime] = {}
    while True:
        try:
            for job in jobs:
                if job.name in due_at and clock() < due_at[job.name]:
                    continue
                # Before each: one that takes long may have outlasted it.
                if not await database.alone(lambda session: take_lease(session, "jobs", holder, clock(), LEASE)):
                    break
                is_done = await _is_done(job, database, clock())
                due_at[job.name] = clock() + (job.every if is_done else job.again)
        except (Unavailable, Busy):
            log.warning("PostgreSQL is away or busy; the jobs wait")
        await asyncio.sleep(pause_seconds)


async def _is_done(job: Job, database: Database, at: datetime) -> bool:
    try:
        await job.run(database, at)
    except (Unavailable, Busy):
        log.warning("PostgreSQL is away or busy; the job %s waits", job.name)
        return False
    except Exception:
        log.exception("The job %s failed; it is tried again", job.name)
        return False
    return True
