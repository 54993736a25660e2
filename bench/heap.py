"""Whether the web client keeps what it no longer needs: its memory over ten minutes of other people's changes."""

from __future__ import annotations

import asyncio
import os

from bench.board import EVENTS_A_SECOND, TASKS, changes_for, fill
from bench.browser import board_of, chromium, is_live, opened
from bench.measure import Figure, Ground
from bench.wire import Http

NAME = "Memory of the web client"
SECONDS = float(os.environ.get("BENCH_MEMORY_SECONDS", "600"))
WARM_SECONDS = 20.0
HOW = f"""The board with {TASKS:,} tasks while others make {EVENTS_A_SECOND} changes a second, as above: the page's heap after a collection, {WARM_SECONDS:g} s
after it was opened, halfway, and at the end. A task takes a little more as a message brought it than as it came with the page, by a
sample of what is allocated and kept; what is kept for nothing grows in both halves alike. Nobody touches the page. Ten minutes, unless
BENCH_MEMORY_SECONDS says otherwise."""


async def measure(ground: Ground) -> list[Figure]:
    """-> megabytes."""
    full = await fill(ground)
    http = Http(ground.server.url)
    path = await board_of(ground, http, ground.team.people[0])
    http.close()
    seconds = ground.plan.seconds(SECONDS)
    async with chromium() as browser, changes_for(ground, full) as made:
        page = await opened(browser, ground, ground.team.people[0])
        await page.goto(path)
        await is_live(page)
        session = await page.context.new_cdp_session(page)

        async def heap() -> float:
            for _ in range(3):
                await session.send("HeapProfiler.collectGarbage")
            return float((await session.send("Runtime.getHeapUsage"))["usedSize"]) / 1e6

        await asyncio.sleep(ground.plan.seconds(WARM_SECONDS))
        heaps, changes = [await heap()], made.changes
        for _ in range(2):
            await asyncio.sleep(seconds / 2)
            heaps.append(await heap())
        changes = made.changes - changes
    before, half, after = heaps
    ground.say(f"heap {before:.1f} MB, {half:.1f} MB, after {changes} changes in {seconds:.0f} s {after:.1f} MB")
    return [
        Figure("the page's heap", before, "MB"),
        Figure(f"how much it grew in {seconds:.0f} s and {changes:,} changes", after - before, "MB"),
        Figure("of that in the second half", after - half, "MB", "about 0 MB"),
    ]
