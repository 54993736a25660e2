"""Whether ten thousand tasks are as good as ten in the web client: how soon they are there, and how smooth one scrolls over them.

Invariant: as in `bench.board`, whose frames are counted alike.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from playwright.async_api import Browser, Page

from bench.board import IS_WHOLE, SECONDS, STORED_SECONDS, figures_of, fill, nothing, smoothness
from bench.browser import board_of, chromium, is_live, opened
from bench.measure import Figure, Ground
from bench.web import NOTE_FIRST_TASK
from bench.wire import Http

NAME = "Ten thousand tasks in the web client"
TASKS = 10_000
LOADS = 3
STEP_PX = 120
STEP_SECONDS = 0.05
HOW = f"""A workspace with {TASKS:,} tasks, a fifth of them in each column; nobody changes anything. *First task* and *all tasks*: from the navigation
of a new browser profile until the first task was painted, and until all of them had been read and were shown; *again*: the same page
opened once more in that browser, from what it has stored; the median of {LOADS}. *Scrolling*: {1 / STEP_SECONDS:g} steps of {STEP_PX} pixels a second by the
wheel over a column of the board, and over the list, for {SECONDS:g} s each; frames are counted as above."""


async def measure(ground: Ground) -> list[Figure]:
    """-> seconds until they are there, frames a second over them."""
    await fill(ground, TASKS)
    http = Http(ground.server.url)
    board = await board_of(ground, http, ground.team.people[0])
    http.close()
    async with chromium() as browser:
        loads = [await _load(browser, ground, board) for _ in range(1 if ground.plan.is_quick else LOADS)]
        first, whole, again = (statistics.median(times) for times in zip(*loads, strict=True))
        ground.say(f"first task {first:.2f} s, all {whole:.2f} s, again {again:.2f} s")
        page = await opened(browser, ground, ground.team.people[0])
        figures: list[Figure] = []
        for view, column in {"board": "[data-cards]", "list": "main [class*=overflow-y-auto]"}.items():
            await page.goto(board.removesuffix("board") + view)
            await is_live(page)
            await page.wait_for_function(IS_WHOLE)
            await asyncio.sleep(ground.plan.seconds(STORED_SECONDS))
            await page.locator(column).first.hover()
            felt = await smoothness(page, _scroll, ground, nothing)
            figures += figures_of(f"scrolling over the {view}", felt, ground, "60")
    return [
        Figure(f"first of {TASKS:,} tasks painted", first, "s", "< 1 s"),
        Figure("all of them", whole, "s"),
        Figure("all of them again, as stored", again, "s", "< 1 s"),
        *figures,
    ]


async def _load(browser: Browser, ground: Ground, path: str) -> tuple[float, float, float]:
    """-> seconds until the first task, until all tasks, and until all of them when the page is opened once more."""
    page = await opened(browser, ground, ground.team.people[0], NOTE_FIRST_TASK)
    whole = await _whole(page, path)
    first = float(await page.evaluate("() => firstTaskAt")) / 1000
    await asyncio.sleep(ground.plan.seconds(STORED_SECONDS))
    again = await _whole(page, path)
    await page.context.close()
    return first, whole, again


async def _whole(page: Page, path: str) -> float:
    await page.goto(path)
    handle = await page.wait_for_function(f"() => ({IS_WHOLE})() && performance.now()")
    return float(await handle.json_value()) / 1000


async def _scroll(page: Page, until: float) -> None:
    while time.monotonic() < until:
        await page.mouse.wheel(0, STEP_PX)
        await asyncio.sleep(STEP_SECONDS)
