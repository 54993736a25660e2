"""The scheduler and the outbox as a process that ends by kill -9: `python -m tests.jobs_process`, by its environment.

DATABASE_URL, SMTP_PORT, CLOCK_SECONDS (how far its clock is ahead) and DIE_AT: the how manieth step with the database
it does not survive, a step being right before a statement, right after one, or right after a commit; 0 for none.
It says READY when it begins.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine, event

from db.session import Database
from db.unit_of_work import Writer, now
from jobs.carriers import Server, SmtpCarrier
from jobs.letters import Stationery
from jobs.outbox import PostOffice, run_outbox
from jobs.reminders import remind
from jobs.schedule import Job, run_jobs
from tests.statements import heard_by

STATIONERY = Stationery("https://tutti.example.com", "Tutti", "tutti@example.com", (b"k" * 32,))


@contextmanager
def dying_at(step: int) -> Iterator[None]:
    """End as by kill -9 at this step."""
    steps = itertools.count(1)

    def count(*_: Any) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", count)
    with heard_by(Engine, count):
        yield


async def work(ahead: timedelta) -> None:
    def clock() -> datetime:
        return now() + ahead

    server = Server("127.0.0.1", int(os.environ["SMTP_PORT"]), is_tls=False, start_tls=False)
    database = Database(os.environ["DATABASE_URL"], pool_size=4)
    job = Job("remind", timedelta(0), partial(remind, Writer(database, lambda events: None)))
    os.write(1, b"READY\n")
    async with asyncio.TaskGroup() as together:
        together.create_task(run_jobs(database, (job,), pause_seconds=0.05, clock=clock))
        together.create_task(
            run_outbox(PostOffice(database, SmtpCarrier(server), STATIONERY, clock), pause_seconds=0.05)
        )


if __name__ == "__main__":
    at = int(os.environ["DIE_AT"])
    with dying_at(at) if at else nullcontext():
        asyncio.run(work(timedelta(seconds=float(os.environ["CLOCK_SECONDS"]))))
