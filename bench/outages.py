"""What mutations cost while Redis is frozen or gone: they do not wait for it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable

from bench.fleet import median, percentile
from bench.measure import Figure, Ground
from bench.people import Person, quiet, rename_task
from bench.rounds import quietly
from bench.wire import Http

NAME = "Mutations without Redis"
ROUNDS, SECONDS = 5, 4.0
EVERY_SECONDS = 0.05
BOUND_MS = 50
WELL_AGAIN_SECONDS = 3.0
"""Until a server that lost Redis for a while publishes again."""
HOW = f"""Five people rename a task each, over HTTP, one rename each {EVERY_SECONDS * 1e3:g} ms for {SECONDS:g} s. In each of {ROUNDS} rounds first while all is
well, then from the moment on at which Redis is stopped (SIGSTOP), which goes on after it; at the end Redis is killed (SIGKILL), and as
many rounds follow without it. By how much the p99 of the answers is higher than while all was well: the medians of the rounds."""


async def measure(ground: Ground) -> list[Figure]:
    """-> milliseconds of mutations, and by how much they rise."""
    _, redis = ground.stack.pids
    well, frozen, gone = [], [], []
    rounds = 1 if ground.plan.is_quick else ROUNDS

    async def while_frozen() -> list[float]:
        os.kill(redis, signal.SIGSTOP)
        try:
            return await _answers(ground)
        finally:
            os.kill(redis, signal.SIGCONT)
            await quiet(WELL_AGAIN_SECONDS)

    await _answers(ground)  # the first are slower
    for number in range(rounds):
        well.append(await _p99(ground, lambda: _answers(ground)))
        frozen.append(await _p99(ground, while_frozen))
        ground.say(f"round {number + 1}: p99 {well[-1]:.1f} ms, while Redis is frozen {frozen[-1]:.1f} ms")
    os.kill(redis, signal.SIGKILL)
    for number in range(rounds):
        gone.append(await _p99(ground, lambda: _answers(ground)))
        ground.say(f"round {number + 1}: p99 without Redis {gone[-1]:.1f} ms")

    def rise(other: list[float]) -> float:
        return median([late - usual for usual, late in zip(well, other, strict=True)])

    return [
        Figure("a mutation while all is well, p99", median(well), "ms"),
        Figure("by how much it rises while Redis is frozen", rise(frozen), "ms", f"< {BOUND_MS} ms"),
        Figure("by how much it rises after Redis was killed", rise(gone), "ms", f"< {BOUND_MS} ms"),
    ]


async def _p99(ground: Ground, answers: Callable[[], Awaitable[list[float]]]) -> float:
    found: list[float] = await quietly(ground.plan, answers)
    return percentile(found, 0.99)


async def _answers(ground: Ground) -> list[float]:
    """-> the milliseconds that each rename of everybody took."""
    people = zip(ground.team.people, ground.team.task_ids, strict=True)
    found = await asyncio.gather(*(_rename(ground, *one) for one in people))
    return [took for of_one in found for took in of_one]


async def _rename(ground: Ground, person: Person, task_id: str) -> list[float]:
    took = []
    http = Http(ground.server.url)
    try:
        began = time.monotonic()
        for turn in range(round(ground.plan.seconds(SECONDS) / EVERY_SECONDS)):
            await asyncio.sleep(max(0.0, began + turn * EVERY_SECONDS - time.monotonic()))
            sent = time.monotonic()
            await rename_task(http, person, task_id, f"Renamed {turn}")
            took.append((time.monotonic() - sent) * 1e3)
    finally:
        http.close()
    return took
