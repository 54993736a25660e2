"""The scheduler and the outbox are killed -9 at any moment, again and again: nothing is told twice or forgotten.

Each life of the process ends at a place that the seed chooses: at a statement, at a step of the talk with the mail
server, or simply after a while. What "twice" can mean for mail, docs/decisions/0019 says: nobody gets a notification
twice; a mail about an account comes again only if its sender died without an answer, and then as the same.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text

from db.session import Database
from tests.faults.sizes import IS_FULL, SEEDS
from tests.mailbox import words
from tests.people import Api, Person
from tests.processes import ROOT, server_processes
from tests.stack_fixture import TestStack

LIVES = 12 if IS_FULL else 5
BETWEEN_LIVES = timedelta(minutes=4)
"""Longer than leases and claims last, so that the next one need not wait."""
LIFE_SECONDS = 20.0
ITEM = re.compile(r"^(It is due soon|Olga assigned you)\n  (\S+) ", re.MULTILINE)


@dataclass
class Postman:
    """A mail server that kills its client at the nth time of a step, if it is told to."""

    taken: list[EmailMessage] = field(default_factory=list)
    step: str = ""
    left: int = 0
    pid: int = 0

    def _reach(self, step: str) -> None:
        if step == self.step and self.pid:
            self.left -= 1
            if self.left == 0:
                os.kill(self.pid, signal.SIGKILL)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self._reach("envelope")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self._reach("answer")
        return "250 OK"


@contextmanager
def post_office(postman: Postman) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    controller = Controller(postman, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@dataclass
class Lives:
    """One process after the other. `ended`: how many were killed before all was done."""

    url: str
    smtp_port: int
    postman: Postman
    is_done: Callable[[], Any]
    count: int = 0
    ended: int = 0

    async def live(self, draw: random.Random | None) -> None:
        """One life, to its violent end, or until everything is done. None: nothing happens to it."""
        kind = draw.choice(["statement", "statement", "envelope", "answer", "time"]) if draw else ""
        die_at = draw.randrange(1, 80) if draw and kind == "statement" else 0
        seconds = draw.random() if draw and kind == "time" else LIFE_SECONDS
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.jobs_process",
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": self.url,
                "SMTP_PORT": str(self.smtp_port),
                "CLOCK_SECONDS": str(self.count * BETWEEN_LIVES.total_seconds()),
                "DIE_AT": str(die_at),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.count += 1
        assert process.stdout is not None
        assert process.stderr is not None
        self.postman.step, self.postman.left = kind, draw.randrange(1, 5) if draw else 0
        self.postman.pid = process.pid
        try:
            async with asyncio.timeout(LIFE_SECONDS):
                began = await process.stdout.readline()
            assert began == b"READY\n", (await process.stderr.read()).decode()
            done = asyncio.create_task(self._all_done())
            dead = asyncio.create_task(process.wait())
            await asyncio.wait({done, dead}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            self.ended += not done.done()
            if done.done():
                done.result()
            done.cancel()
        finally:
            self.postman.pid = 0
            if process.returncode is None:
                process.kill()
            await process.wait()
        assert process.returncode == -signal.SIGKILL, (await process.stderr.read()).decode()

    async def _all_done(self) -> None:
        while not await self.is_done():  # noqa: ASYNC110 - rows tell nobody
            await asyncio.sleep(0.02)


async def run(database: Database, statement: str) -> list[Any]:
    found = await database.alone(lambda session: session.execute(text(statement)))
    return list(found) if found.returns_rows else []


@pytest.mark.parametrize("seed", SEEDS if not IS_FULL else range(1, 21))
async def test_nothing_is_told_twice_or_forgotten_by_jobs_that_are_killed(
    stack: TestStack, http: httpx.AsyncClient, tmp_path: Path, seed: int, record_property: Callable[[str, Any], None]
) -> None:
    draw = random.Random(seed)
    with stack.new_database() as url:
        database = Database(url, pool_size=2)
        try:
            with server_processes(tmp_path, url, stack.redis_url, ("one",)) as (server,):
                newcomers, expected = await make_work(Api(server.url, http), draw, database)

            async def is_done() -> bool:
                ((reminded, waiting, unmailed),) = await run(
                    database,
                    "SELECT (SELECT count(*) FROM reminders), (SELECT count(*) FROM mails WHERE state = 'WAITING'),"
                    " (SELECT count(*) FROM notification_mails WHERE mail_id IS NULL)",
                )
                return bool(reminded == len(expected) and waiting == 0 and unmailed == 0)

            postman = Postman()
            with post_office(postman) as port:
                lives = Lives(url, port, postman, is_done)
                while lives.count < LIVES and not await is_done():
                    await lives.live(draw)
                await lives.live(None)
            assert await is_done(), f"seed {seed}: something was forgotten"
            await judge(database, expected)
            lost = judge_mail(postman, newcomers, expected, lives.ended)
            assert lost <= await in_doubt(database), f"seed {seed}: forgotten"
            failed = await run(database, "SELECT kind, remark FROM mails WHERE state <> 'SENT'")
            assert failed == [], f"seed {seed}"
        finally:
            await database.close()
    record_property("kills", lives.ended)
    record_property("reminders", len(expected))
    record_property("mails", len(postman.taken))


Expected = set[tuple[str, str]]
"""(address, key of a task): who is to hear of what."""


async def make_work(api: Api, draw: random.Random, database: Database) -> tuple[list[Person], Expected]:
    """Tasks that are due, and people whose addresses are to be verified."""
    owner = await api.sign_up("Olga")
    workspace = await owner.create_workspace()
    readers = [await owner.bring_in(workspace) for _ in range(4)]
    await run(database, "UPDATE users SET email_verified_at = now()")
    await run(database, "DELETE FROM mails")
    newcomers = [await api.sign_up(f"New{number}") for number in range(4)]
    clock = datetime.now(UTC)
    due_date = clock.date() + timedelta(days=0 if clock.hour < 8 else 1)
    expected: Expected = set()
    for number in range(4):
        assignees = draw.sample(readers, draw.randrange(2, 5))
        asked = {
            "workspaceId": workspace,
            "title": f"Task {number}",
            "dueDate": due_date.isoformat(),
            "assigneeIds": [one.id for one in assignees],
        }
        key = (await owner.do("createTask", asked, "task { key }"))["task"]["key"]
        expected |= {(one.email, key) for one in assignees}
    # A mail tells what is a minute old.
    await run(database, "UPDATE notification_mails SET created_at = created_at - interval '2 minutes'")
    return newcomers, expected


async def judge(database: Database, expected: Expected) -> None:
    """Each is told once in the notification centre, and is counted once."""
    told = Counter(
        (row.email, row.key)
        for row in await run(
            database,
            "SELECT u.email, t.key FROM notifications n JOIN users u ON u.id = n.user_id"
            " JOIN tasks t ON t.id = n.task_id"
            " WHERE n.kind = 'DUE_SOON' AND n.withdrawn_at IS NULL AND n.group_count = 1",
        )
    )
    assert told == Counter(expected)
    ((unread,),) = await run(
        database, "SELECT coalesce(sum(unread), 0) FROM notification_counts WHERE kind = 'DUE_SOON'"
    )
    assert unread == len(expected)


Told = set[tuple[str, str, str]]
"""(address, kind, key of a task): what a mail says to whom."""

KINDS = {"It is due soon": "DUE_SOON", "Olga assigned you": "ASSIGNED"}


def judge_mail(postman: Postman, newcomers: list[Person], expected: Expected, kills: int) -> Told:
    """No notification came twice, and each newcomer has one mail, if in copies. -> what came by no mail."""
    came: Counter[tuple[str, str, str]] = Counter()
    for mail in postman.taken:
        items = ITEM.findall(words(mail).replace("\r\n", "\n"))
        assert items or mail["To"] in {one.email for one in newcomers}
        came.update((mail["To"], KINDS[kind], key) for kind, key in items)
    assert {one: times for one, times in came.items() if times > 1} == {}
    wanted = {(address, kind, key) for address, key in expected for kind in KINDS.values()}
    assert set(came) <= wanted
    copies = 0
    for person in newcomers:
        mails = [one for one in postman.taken if one["To"] == person.email]
        assert mails, "forgotten"
        assert len({one["Message-ID"] for one in mails}) == 1
        copies += len(mails) - 1
    assert copies <= kills
    return wanted - set(came)


async def in_doubt(database: Database) -> Told:
    """What was in mails of which nobody can know whether they arrived."""
    found = await run(
        database,
        "SELECT u.email, n.kind, t.key FROM mails m JOIN notification_mails w ON w.mail_id = m.id"
        " JOIN notifications n ON n.id = w.notification_id JOIN users u ON u.id = n.user_id"
        " JOIN tasks t ON t.id = n.task_id WHERE m.remark LIKE 'Perhaps%'",
    )
    return {(row.email, row.kind, row.key) for row in found}
