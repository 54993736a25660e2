"""The process beside the server's: it runs the jobs, so that no request ever waits for one."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parseaddr
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path

import uvloop

from db.session import Database
from db.unit_of_work import Writer
from jobs.carriers import FolderCarrier, SmtpCarrier
from jobs.letters import Stationery
from jobs.outbox import PostOffice, run_outbox
from jobs.schedule import all_jobs, run_jobs
from realtime.bells import Bells
from realtime.counters import Counters
from realtime.publisher import Publisher
from server.settings import Settings
from server.stack.processes import die_with_parent
from server.tokens import mail_keys

STATEMENT_SECONDS = 600
"""A job may read a whole day of the log."""
STOP_SECONDS = 5
PATIENCE_SECONDS = 1.0
"""Jobs that die again and again are not started faster than this."""

log = logging.getLogger("tutti.server")


@contextmanager
def jobs_process() -> Iterator[None]:
    """Run the jobs in a process of their own, by the settings of the environment; it ends with the block.

    One that dies is followed by another.
    """
    ours, theirs = multiprocessing.Pipe()
    # A thread, as the main one serves. Linux signals the process when the thread that started it ends, too.
    keeper = threading.Thread(target=_keep, args=(theirs,), name="tutti-jobs-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ours.close()
        keeper.join(2 * STOP_SECONDS)


def _keep(stop: Connection) -> None:
    """Start the process, again whenever it dies, until the other end of `stop` is closed."""
    resource_tracker.ensure_running()  # else the first start does it, and unblocks the signal
    # Inherited: a terminal sends Ctrl-C to all processes at once; only the parent acts on it, and then ends the others.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    while True:
        began = time.monotonic()
        # Spawned: a fork would take along the listening socket and whatever threads hold.
        process = multiprocessing.get_context("spawn").Process(target=work, name="tutti-jobs", daemon=True)
        try:
            process.start()
        except OSError as error:  # no memory, or no more processes: that passes
            log.warning("The jobs process cannot start: %s; another attempt follows", error)
        else:
            wait([process.sentinel, stop])
            if stop.poll():
                break
            process.join()  # its pipe closes a moment before it can be asked how it ended
            log.warning("The jobs process %d ended (%s); another one takes its place", process.pid, process.exitcode)
        if stop.poll(max(0.0, PATIENCE_SECONDS - (time.monotonic() - began))):
            return
    process.terminate()
    process.join(STOP_SECONDS)


def work() -> None:
    """What the jobs process does, until it is terminated."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with_parent = die_with_parent(signal.SIGTERM, parent.pid)
        if end_with_parent is not None:
            end_with_parent()
    settings = Settings.from_environment()
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    # The API's schema is in these, and whoever starts this process need not read it.
    from jobs.webhook_payloads import Payloads
    from jobs.webhook_posting import Poster
    from jobs.webhooks import READS_AT_ONCE, Courier, run_webhooks

    assert settings.database_url is not None
    assert settings.redis_url is not None
    database = Database(settings.database_url, pool_size=4, statement_seconds=STATEMENT_SECONDS)
    # Webhooks ask often and shortly; none of their statements waits behind a job's.
    database_of_webhooks = Database(settings.database_url, pool_size=READS_AT_ONCE)
    poster = Poster(settings.webhook_rules)
    counters = Counters()
    publisher = Publisher(settings.redis_url, counters)
    payloads, bells = Payloads(database_of_webhooks), Bells(settings.redis_url, counters)
    try:
        async with asyncio.TaskGroup() as together:
            together.create_task(publisher.run())
            together.create_task(
                run_jobs(database, all_jobs(Writer(database, publisher.announce, publisher.announce_heads)))
            )
            together.create_task(run_outbox(post_office(settings, database)))
            together.create_task(run_webhooks(Courier(database_of_webhooks, poster, payloads, bells)))
    finally:
        await poster.close()
        await database_of_webhooks.close()
        await database.close()


def post_office(settings: Settings, database: Database) -> PostOffice:
    """What the settings say about mail: who it is from, and how it leaves."""
    name, address = parseaddr(settings.mail_from)
    stationery = Stationery(settings.public_url, name, address, mail_keys(settings.jwt_secrets))
    carrier = SmtpCarrier(settings.smtp) if settings.smtp else FolderCarrier(mail_folder(settings))
    return PostOffice(database, carrier, stationery)


def mail_folder(settings: Settings) -> Path:
    """Where mail goes without a server for it."""
    return settings.state_dir / "mail"
