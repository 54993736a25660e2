"""The worker of webhooks is killed -9 amid its work, again and again: its receiver has everything, in order."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from typing import Any

from tests.jobs.receiver import OK, Received, answer, receiving
from tests.jobs.test_webhooks import Desk, desk, titles  # noqa: F401
from tests.processes import ROOT

KILLS = 4
TASKS = 40


async def test_a_worker_that_is_killed_loses_nothing_and_keeps_the_order(desk: Desk) -> None:  # noqa: F811
    draw = random.Random(11)
    wanted = [f"Task {number}" for number in range(TASKS)]
    url = desk.office.database._engine.url.render_as_string(hide_password=False)
    env = {**os.environ, "DATABASE_URL": url, "REDIS_URL": desk.redis_url}
    kill_after = 0

    def behave(one: Received) -> Any:
        nonlocal kill_after
        kill_after -= 1
        if kill_after == 0:
            process.send_signal(signal.SIGKILL)  # whatever is answered now, nobody writes it down
        return draw.choice([OK, OK, OK, answer(503)])

    async with receiving(behave) as receiver:
        hook = await desk.webhook(receiver)
        await desk.tasks(*wanted)
        for life in range(KILLS + 1):
            kill_after = draw.randrange(1, 8) if life < KILLS else 0
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.webhooks_process", cwd=ROOT, env=env
            )
            try:
                if life < KILLS:
                    async with asyncio.timeout(60):
                        assert await process.wait() == -signal.SIGKILL
                else:
                    await receiver.until(lambda: titles(receiver)[-1:] == wanted[-1:])
                    await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
    assert titles(receiver) == wanted
    # What was answered when its worker died came once more, under the same id.
    assert len({one.id for one in receiver.received}) == TASKS
