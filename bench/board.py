"""How smooth the web client stays while others work: typing and dragging on a full board."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from playwright.async_api import Page

from bench.browser import board_of, chromium, is_live, opened
from bench.measure import Figure, Ground
from bench.people import database, rename_task
from bench.wire import Http

NAME = "A full board in the web client"
TASKS = 5_000
EVENTS_A_SECOND = 50
SECONDS = 6.0
HOW = f"""The same browser with {TASKS:,} tasks on the board, in five columns, while {EVENTS_A_SECOND} tasks a second are renamed by others over HTTP.
*Typing*: ten letters a second into the title of a new task; *filtering*: five a second into the filter, which looks through all tasks at
each; *dragging*: a card is moved to and fro over the columns. The frames that were painted in {SECONDS:g} s, of 60 a second, and the 99th
percentile of the time between two of them."""
COUNT_FRAMES = """() => {
    const times = globalThis.frames60 = [];
    const step = now => { times.push(now); if (globalThis.frames60 === times) requestAnimationFrame(step); };
    requestAnimationFrame(step);
}"""
FRAMES = """() => {
    const times = globalThis.frames60;
    globalThis.frames60 = null;
    const gaps = times.slice(1).map((time, at) => time - times[at]).sort((a, b) => a - b);
    return [gaps.length / (times.at(-1) - times[0]) * 1000, gaps[Math.floor(gaps.length * 0.99)]];
}"""
FILL = """INSERT INTO tasks (id, workspace_id, key, title, status_id, priority, due_date, rank, created_by_kind, created_by,
                   created_at, updated_at)
SELECT gen_random_uuid(), t.workspace_id, 'FULL-' || n, 'Task number ' || n, s.id, n % 5, date '2030-01-01' + n % 90,
       t.rank || lpad(n::text, 5, '0') || '5', t.created_by_kind, t.created_by, now(), now()
FROM generate_series(1, $2::int) AS n, LATERAL (SELECT * FROM tasks WHERE workspace_id = $1 ORDER BY rank LIMIT 1) AS t,
     LATERAL (SELECT id FROM statuses WHERE workspace_id = $1 ORDER BY rank OFFSET n % 5 LIMIT 1) AS s"""


async def measure(ground: Ground) -> list[Figure]:
    """-> frames a second."""
    await fill(ground)
    http = Http(ground.server.url)
    path = await board_of(ground, http, ground.team.people[0])
    http.close()
    figures: list[Figure] = []
    async with chromium() as browser, events_for(ground):
        page = await opened(browser, ground, ground.team.people[0])
        await page.goto(path)
        await is_live(page)
        await page.locator("[data-task]").first.wait_for()
        for name, work in {"typing": _type, "filtering": _filter, "dragging": _drag}.items():
            rate, gap = await _frames(page, work, ground.plan.seconds(SECONDS))
            ground.say(f"{name}: {rate:.1f} frames/s, p99 {gap:.1f} ms")
            figures += [
                Figure(name, rate, "frames/s", "60 frames/s"),
                Figure(f"{name}, between two frames, p99", gap, "ms"),
            ]
    return figures


async def fill(ground: Ground) -> None:
    """So many tasks into the measurement's workspace."""
    connection = await database(ground.stack)
    workspace = uuid.UUID(
        str(
            await connection.fetchval(
                "SELECT workspace_id FROM tasks GROUP BY workspace_id ORDER BY count(*) DESC LIMIT 1"
            )
        )
    )
    await connection.execute(FILL, workspace, 200 if ground.plan.is_quick else TASKS)
    await connection.execute("ANALYZE tasks")
    await connection.close()


@asynccontextmanager
async def events_for(ground: Ground) -> AsyncIterator[None]:
    """Others rename tasks, so many a second, until the block ends."""

    async def work(at: int) -> None:
        http = Http(ground.server.url)
        number, due = 0, time.monotonic()
        try:
            while True:
                due += (len(ground.team.people) - 1) / EVENTS_A_SECOND
                number += 1
                await rename_task(http, ground.team.people[at], ground.team.task_ids[at], f"A task of ours, {number}")
                await asyncio.sleep(max(0.0, due - time.monotonic()))
        finally:
            http.close()

    workers = [asyncio.create_task(work(at)) for at in range(1, len(ground.team.people))]
    try:
        yield
        for worker in workers:
            if worker.done():
                worker.result()
    finally:
        for worker in workers:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker


async def _frames(page: Page, work: Callable[[Page, float], Awaitable[None]], seconds: float) -> tuple[float, float]:
    """-> frames a second, and the 99th percentile of the milliseconds between two."""
    await page.evaluate(COUNT_FRAMES)
    await work(page, time.monotonic() + seconds)
    rate, gap = await page.evaluate(FRAMES)
    await page.keyboard.press("Escape")
    return float(rate), float(gap)


async def _type(page: Page, until: float) -> None:
    await page.get_by_role("button", name="New task", exact=True).click()
    while time.monotonic() < until:
        await page.keyboard.type("n")
        await asyncio.sleep(0.1)


async def _filter(page: Page, until: float) -> None:
    field = page.get_by_role("searchbox", name="Filter by text")
    await field.click()
    while time.monotonic() < until:
        for letter in "task 12":
            await page.keyboard.type(letter)
            await asyncio.sleep(0.2)
        await field.fill("")
    await field.blur()


async def _drag(page: Page, until: float) -> None:
    box = await page.locator("[data-task]").first.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 30, box["y"] + 20)
    await page.mouse.down()
    step = 0
    while time.monotonic() < until:
        step += 1
        await page.mouse.move(200 + abs(step * 12 % 2000 - 1000), 250 + abs(step * 7 % 800 - 400))
        await asyncio.sleep(0.012)
    await page.keyboard.press("Escape")
    await page.mouse.up()
