"""Runs the jobs: each once across all processes, again after its interval, whatever became of the last run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.errors import Busy, Unavailable
from db.ids import new_id
from db.leases import take_lease
from db.session import Database
from db.unit_of_work import now
from jobs import upkeep

PAUSE_SECONDS = 30.0
LEASE = timedelta(minutes=2)

log = logging.getLogger("tutti.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """`run` gets the database and the time it is."""

    name: str
    every: timedelta
    run: Callable[[Database, datetime], Awaitable[None]]


JOBS = (
    Job("make room", timedelta(hours=1), upkeep.make_room),
    Job("prune log", timedelta(hours=1), upkeep.prune_log),
    Job("forget", timedelta(hours=1), upkeep.forget),
)


async def run_jobs(database: Database, jobs: tuple[Job, ...] = JOBS, pause_seconds: float = PAUSE_SECONDS) -> None:
    """For ever: while this process holds the lease, run what is due. A job that fails is tried again next time."""
    holder = new_id()
    last_run: dict[str, datetime] = {}
    while True:
        try:
            if await database.alone(lambda session: take_lease(session, "jobs", holder, now(), LEASE)):
                for job in jobs:
                    if job.name not in last_run or now() - last_run[job.name] >= job.every:
                        await job.run(database, now())
                        last_run[job.name] = now()
        except (Unavailable, Busy):
            log.warning("PostgreSQL is away or busy; the jobs wait")
        except Exception:
            log.exception("A job failed; it is tried again")
        await asyncio.sleep(pause_seconds)
