"""What a person waits for in the web client: its first load, another person's change, and the link's return."""

from __future__ import annotations

import asyncio
import statistics
import time

from playwright.async_api import Browser, Page

from bench.browser import WATCH_PAINTS, board_of, chromium, commits, is_live, opened, paint_of
from bench.fleet import percentile
from bench.measure import Figure, Ground
from bench.people import rename_task
from bench.rounds import quietly
from bench.wire import Http

NAME = "The web client"
CHANGES = 60
APART_SECONDS = 0.12
AWAY_SECONDS = 2.0
HOW = f"""A headless Chromium on all cores, beside the server and PostgreSQL. *First load*: a new browser profile opens a board of five tasks;
the scripts that came before the first task was painted, compressed, and the time from the navigation until then; the median of
five. *Another person's change*: {CHANGES} times somebody renames a task over HTTP; from the commit, by PostgreSQL's own clock, until
the card was painted. *The link comes back*: the browser is cut off for {AWAY_SECONDS:g} s, meanwhile a task is renamed;
from the return of the network until the card with the new name was painted and the page says Live; the slowest of three."""
NOTE_FIRST_TASK = """new MutationObserver((_, observer) => {
    if (!document.querySelector("[data-task]")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => globalThis.firstTaskAt = performance.now()));
}).observe(document, { childList: true, subtree: true });"""
SCRIPT_BYTES = """() => performance.getEntriesByType("resource")
    .filter(one => one.name.endsWith(".js") && one.startTime < firstTaskAt).reduce((sum, one) => sum + one.encodedBodySize, 0)"""


async def measure(ground: Ground) -> list[Figure]:
    """-> the three, as a person would feel them."""
    reader = ground.team.people[0]
    http = Http(ground.server.url)
    try:
        path = await board_of(ground, http, reader)
        async with chromium() as browser:
            loads = [await _first_load(browser, ground, path) for _ in range(1 if ground.plan.is_quick else 6)][-5:]
            page = await opened(browser, ground, reader)
            await page.goto(path)
            await is_live(page)
            await page.evaluate(WATCH_PAINTS)
            painted = await quietly(ground.plan, lambda: _painted(page, ground, http))
            returns = [await _return(page, ground, http, 1000 + number) for number in range(ground.plan.rounds)]
    finally:
        http.close()
    p95 = percentile(painted, 0.95)
    seconds = statistics.median(load for load, _ in loads)
    ground.say(f"first task {seconds:.2f} s, painted p95 {p95:.0f} ms, back {max(returns):.2f} s")
    return [
        Figure("script until the first task, compressed", loads[0][1] / 1000, "KB", "<= 150 KB"),
        Figure("first task painted", seconds, "s", "< 1 s"),
        Figure("another person's change painted, p50", percentile(painted, 0.5), "ms"),
        Figure("another person's change painted, p95", p95, "ms", "< 100 ms"),
        Figure("live and caught up after the link's return", max(returns), "s", "< 1 s"),
    ]


async def _first_load(browser: Browser, ground: Ground, path: str) -> tuple[float, int]:
    """-> seconds until the first task, bytes of script until then."""
    page = await opened(browser, ground, ground.team.people[0], NOTE_FIRST_TASK)
    await page.goto(path)
    await page.wait_for_function("() => globalThis.firstTaskAt")
    found = float(await page.evaluate("() => firstTaskAt")) / 1000, int(await page.evaluate(SCRIPT_BYTES))
    await page.context.close()
    return found


async def _painted(page: Page, ground: Ground, http: Http) -> list[float]:
    """-> milliseconds from each commit to its painting."""
    at = {}
    for number in range(5 if ground.plan.is_quick else CHANGES):
        await asyncio.sleep(APART_SECONDS)
        await rename_task(http, ground.team.people[1], ground.team.task_ids[1], f"change {number};")
        at[number] = await paint_of(page, number)
    committed = await commits(ground)
    return [painted - committed[number] for number, painted in at.items()]


async def _return(page: Page, ground: Ground, http: Http, number: int) -> float:
    """-> seconds from the network's return until all is as it should be."""
    await page.context.set_offline(True)
    await page.wait_for_function("""() => document.querySelector("[aria-label=Connection]").textContent !== "Live" """)
    await rename_task(http, ground.team.people[1], ground.team.task_ids[1], f"change {number};")
    await asyncio.sleep(AWAY_SECONDS)
    began = time.time() * 1000
    await page.context.set_offline(False)
    at = await paint_of(page, number)
    await is_live(page)
    return max(at, time.time() * 1000) / 1000 - began / 1000
