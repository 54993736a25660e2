"""The worker of webhooks is killed -9, stopped, or one of two: its receiver has everything, in order, and no more."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psutil

from db.models import EventKind, Role, WebhookPauseReason
from domain import members
from jobs.webhooks import FRESH_SECONDS
from tests.jobs.receiver import OK, Received, Receiver, answer, receiving
from tests.jobs.test_webhooks import Desk, desk, titles  # noqa: F401
from tests.processes import ROOT

TASKS = 40
AT_ONCE = 3


@asynccontextmanager
async def working(desk: Desk, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:  # noqa: F811
    """A worker in a process of its own that has begun."""
    url = desk.office.database._engine.url.render_as_string(hide_password=False)
    env = {**os.environ, "DATABASE_URL": url, "REDIS_URL": desk.redis_url, **environment}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.webhooks_process", cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"READY\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # also its pipe is closed then


async def coming_and_going(receiver: Receiver, draw: random.Random) -> None:
    """It dies now and then, and returns."""
    while True:
        await asyncio.sleep(draw.uniform(0.2, 0.8))
        await receiver.stop()
        try:
            await asyncio.sleep(draw.uniform(0.05, 0.3))
        finally:
            await receiver.start()


async def test_whatever_fails_nothing_is_lost_and_the_order_is_kept(desk: Desk) -> None:  # noqa: F811
    """The receiver hangs, answers 503, drops connections, dies and returns; the worker is killed when a request has
    come, so that nobody writes down the answer, and at any moment: while it claims, reads or writes down."""
    draw = random.Random(11)
    wanted = [f"Task {number}" for number in range(TASKS)]
    does = ["hang", "drop", answer(500), answer(503), *[OK] * 8]
    lives: list[int | float | None] = [3, 0.05, 7, 0.3, draw.uniform(0, 0.6), draw.uniform(0, 0.6), None]
    left = 0

    def behave(one: Received) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            process.kill()
        return draw.choice(does)

    async with receiving(behave) as receiver:
        hook = await desk.webhook(receiver)
        await desk.tasks(*wanted)
        fate = asyncio.create_task(coming_and_going(receiver, draw))
        for life in lives:
            left = life if isinstance(life, int) else 0
            async with working(desk, CLAIM_SECONDS="1", POST_SECONDS="0.5") as process:
                match life:
                    case int():
                        async with asyncio.timeout(60):
                            assert await process.wait() == -signal.SIGKILL
                    case float():
                        await asyncio.sleep(life)
                    case None:
                        await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
        fate.cancel()
    assert titles(receiver) == wanted
    # What nobody wrote down came again, under the same id.
    assert len({one.id for one in receiver.received}) == TASKS
    assert {one.state.value for one in await desk.deliveries(hook)} == {"DELIVERED"}


async def test_two_processes_send_each_message_once_where_nothing_fails(desk: Desk) -> None:  # noqa: F811
    wanted = [f"Task {number}" for number in range(TASKS)]
    async with receiving() as receiver, AsyncExitStack() as processes:
        receiver.delay_seconds = 0.01
        for _ in range(2):
            await processes.enter_async_context(working(desk, AT_ONCE=str(AT_ONCE)))
        hooks = [await desk.webhook(receiver) for _ in range(2 * AT_ONCE)]
        for title in wanted:
            await desk.task(title)
        for hook in hooks:
            await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
        # One process keeps so many connections at most.
        assert receiver.connections > AT_ONCE
    sent = Counter(one.id for one in receiver.received)
    assert len(sent) == len(hooks) * TASKS
    assert set(sent.values()) == {1}
    for hook in hooks:
        told = {f"delivery_{one.id}" for one in await desk.deliveries(hook)}
        assert [one.title for one in receiver.taken if one.id in told] == wanted


async def test_a_worker_that_was_stopped_sends_nothing_by_rights_of_before(desk: Desk) -> None:  # noqa: F811
    async with receiving() as receiver:
        admin = await desk.office.member(desk.owner, desk.workspace_id, Role.ADMIN)
        hook = await desk.webhook(receiver, EventKind.TASK, by=admin)
        await desk.task("Not for them")
        async with working(desk, STOP_ONCE="yes") as process:
            sleeper = psutil.Process(process.pid)
            async with asyncio.timeout(60):
                while sleeper.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 - nobody is told
                    await asyncio.sleep(0.02)
            membership = (await desk.office.grant(admin, desk.workspace_id)).membership_id
            await desk.office.do(desk.owner, lambda uow: members.remove_member(uow, membership))
            await asyncio.sleep(FRESH_SECONDS)
            sleeper.send_signal(signal.SIGCONT)
            await desk.until(lambda one: one.pause_reason is WebhookPauseReason.CREATOR_LEFT, hook)
            assert receiver.received == []
            # By the owner's rights it is told once. What was under way would have come before.
            await desk.change(hook, is_paused=False)
            await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
        assert [one.title for one in receiver.received] == ["Not for them"]
