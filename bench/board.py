"""How smooth the web client stays while others work: typing, filtering and dragging on a full board.

Invariant: frames are compared to those of an empty page in the same browser under the same load, as a machine without a graphics
card that also runs the server may not reach 60 a second at all.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from playwright.async_api import CDPSession, Page

from bench.browser import WATCH_PAINTS, board_of, chromium, commits, is_live, opened, paint_of
from bench.fleet import percentile
from bench.measure import Figure, Ground
from bench.people import Person, database, do, rename_task
from bench.rounds import quietly
from bench.wire import Http

NAME = "A full board in the web client"
TASKS = 5_000
EVENTS_A_SECOND = 50
MOVE_EVERY = 5
SECONDS = 6.0
MARKED = 40
OPENED = 9
HOW = f"""The same browser, 1440 x 900, with {TASKS:,} tasks on the board, in five columns, all of them read and stored, while others make
{EVENTS_A_SECOND} changes a second over HTTP: four of five rename a task, half of these one in sight; one of five moves a task to the top of
another column. *Typing*: ten letters a second into the title of a new task, from when its field has the focus and the page rests;
*opening* one is timed for itself, from the key to the frame that shows the field; *filtering*: five a second into the filter, which
looks through all tasks at each; *dragging*: a card is carried to and fro over the columns; *an empty page* shows nothing, in the same
browser under the same changes. Frames are counted by `requestAnimationFrame` for {SECONDS:g} s each; *p99* is of the time between two of
them; *busy* is the share of the time in which the page's main thread ran tasks, by Chromium's own metrics; *long tasks* are those over
50 ms. Afterwards {MARKED} tasks in sight are renamed and timed as above. Chromium has no graphics card here: it draws on the two cores
that also run the server, PostgreSQL and what makes the changes."""
COUNT_FRAMES = """() => {
    const times = globalThis.frames60 = [];
    const long = globalThis.long60 = [];
    globalThis.observer60 = new PerformanceObserver(list => long.push(...list.getEntries().map(one => one.duration)));
    globalThis.observer60.observe({ type: "longtask" });
    const step = now => { times.push(now); if (globalThis.frames60 === times) requestAnimationFrame(step); };
    requestAnimationFrame(step);
}"""
FRAMES = """() => {
    const times = globalThis.frames60;
    globalThis.frames60 = null;
    globalThis.long60.push(...globalThis.observer60.takeRecords().map(one => one.duration));
    globalThis.observer60.disconnect();
    return [times.slice(1).map((time, at) => time - times[at]), globalThis.long60];
}"""
NOTE_KEYS = "addEventListener('keydown', ({ timeStamp }) => { globalThis.pressed60 = timeStamp; }, { capture: true });"
"""Before the page's own scripts, which let nobody else see the keys that they take."""
WATCH_OPENING = """() => {
    globalThis.opened60 = globalThis.pressed60 = 0;
    const look = () => requestAnimationFrame(() => {
        if (!globalThis.pressed60 || !document.activeElement.matches("dialog input")) look();
        else setTimeout(() => globalThis.opened60 = performance.now() - globalThis.pressed60); // that frame has been handed on
    });
    look();
}"""
IS_WHOLE = """() => {
    const shown = document.querySelector("[aria-label=Filters]")?.textContent;
    return shown?.includes(" tasks") && !shown.includes("reading more");
}"""
STORED_SECONDS = 3.0
"""So long a page that has read all tasks may take to store them."""
RESTED = "() => new Promise(done => requestAnimationFrame(() => requestIdleCallback(done)))"
FILL = """INSERT INTO tasks (id, workspace_id, key, title, status_id, priority, due_date, rank, created_by_kind, created_by,
                   created_at, updated_at)
SELECT gen_random_uuid(), t.workspace_id, 'FULL-' || n, 'Task number ' || n, s.id, n % 5, date '2030-01-01' + n % 90,
       t.rank || lpad(n::text, 5, '0') || '5', t.created_by_kind, t.created_by, now(), now()
FROM generate_series(1, $2::int) AS n, LATERAL (SELECT * FROM tasks WHERE workspace_id = $1 ORDER BY rank LIMIT 1) AS t,
     LATERAL (SELECT id FROM statuses WHERE workspace_id = $1 ORDER BY rank OFFSET n % 5 LIMIT 1) AS s"""
IN_SIGHT = 20
"""So many of the first tasks of the board stay in sight, as only they are moved."""


@dataclass(frozen=True, slots=True)
class Full:
    """A board that is full: its tasks in the order of the board, and its columns."""

    task_ids: list[str]
    status_ids: list[str]


@dataclass(slots=True)
class Made:
    """How many changes were made, so that a figure can say of how many it is."""

    changes: int = 0


@dataclass(frozen=True, slots=True)
class Smoothness:
    """What a person would feel for some seconds."""

    rate: float
    gap_ms: float
    busy: float
    long_ms: list[float]


async def measure(ground: Ground) -> list[Figure]:
    """-> frames a second, what lay between them, and how soon others' changes were painted."""
    full = await fill(ground)
    http = Http(ground.server.url)
    path = await board_of(ground, http, ground.team.people[0])
    http.close()
    figures: list[Figure] = []
    async with chromium() as browser, changes_for(ground, full) as made:
        empty = await opened(browser, ground, ground.team.people[0])
        rested = await smoothness(empty, _rest, ground, nothing)
        await empty.context.close()
        figures += figures_of("an empty page", rested, ground)
        page = await opened(browser, ground, ground.team.people[0])
        await page.add_init_script(NOTE_KEYS)
        await page.goto(path)
        await is_live(page)
        await page.wait_for_function(IS_WHOLE)
        await asyncio.sleep(ground.plan.seconds(STORED_SECONDS))
        for name, (begin, work) in {
            "typing": (_open_new, _type),
            "filtering": (nothing, _filter),
            "dragging": (nothing, _drag),
        }.items():
            felt = await smoothness(page, work, ground, begin)
            figures += figures_of(name, felt, ground, f"60, or {rested.rate:.0f} as the empty page")
        opening = percentile([await _opened_new(page) for _ in range(1 if ground.plan.is_quick else OPENED)], 0.5)
        ground.say(f"opening a new task: p50 {opening:.0f} ms")
        await page.evaluate(WATCH_PAINTS)
        began, before = time.monotonic(), made.changes
        painted = await _painted(page, ground, full)
        rate = (made.changes - before) / (time.monotonic() - began)
    p95 = percentile(painted, 0.95)
    ground.say(f"painted p50 {percentile(painted, 0.5):.0f} ms, p95 {p95:.0f} ms, while {rate:.0f} changes/s were made")
    return [
        *figures,
        Figure("opening a new task, p50", opening, "ms"),
        Figure("another person's change painted on it, p50", percentile(painted, 0.5), "ms"),
        Figure("another person's change painted on it, p95", p95, "ms"),
        Figure("changes that were made meanwhile", rate, "a second", f"about {EVENTS_A_SECOND}"),
    ]


async def fill(ground: Ground, count: int = TASKS) -> Full:
    """So many tasks into the measurement's workspace."""
    connection = await database(ground.stack)
    workspace = uuid.UUID(ground.team.workspace_id.split("_", 1)[1])
    await connection.execute(FILL, workspace, 200 if ground.plan.is_quick else count)
    await connection.execute("ANALYZE tasks")
    tasks = await connection.fetch("SELECT id FROM tasks WHERE workspace_id = $1 ORDER BY rank", workspace)
    statuses = await connection.fetch("SELECT id FROM statuses WHERE workspace_id = $1 ORDER BY rank", workspace)
    await connection.close()
    return Full([f"task_{row['id']}" for row in tasks], [f"status_{row['id']}" for row in statuses])


@asynccontextmanager
async def changes_for(ground: Ground, full: Full) -> AsyncIterator[Made]:
    """Others change tasks, so many a second, until the block ends."""
    made = Made()
    others = ground.team.people[1:]
    workers = [
        asyncio.create_task(_change_for_ever(ground.server.url, person, full, len(others), made)) for person in others
    ]
    try:
        yield made
        for worker in workers:
            if worker.done():
                worker.result()
    finally:
        for worker in workers:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker


async def _change_for_ever(url: str, person: Person, full: Full, workers: int, made: Made) -> None:
    http, chance = Http(url), random.Random(person.token)
    due = time.monotonic()
    try:
        for number in range(1, 1_000_000):
            due += workers / EVENTS_A_SECOND
            near = full.task_ids[1 : IN_SIGHT + 1]  # the first one is whose painting is timed
            if number % MOVE_EVERY == 0:
                task_id, status_id = chance.choice(near), chance.choice(full.status_ids)
                asked = {"id": task_id, "statusId": status_id, "position": {"edge": "FIRST"}}
                await do(http, person.token, "moveTask", asked, "task { id }")
            else:
                task_id = chance.choice(near if number % 2 else full.task_ids[1:])
                await rename_task(http, person, task_id, f"A task of ours, {number}")
            made.changes += 1
            await asyncio.sleep(max(0.0, due - time.monotonic()))
    finally:
        http.close()


async def smoothness(
    page: Page,
    work: Callable[[Page, float], Awaitable[None]],
    ground: Ground,
    begin: Callable[[Page], Awaitable[None]],
) -> Smoothness:
    """Do it for some seconds, after `begin`, which is not counted. -> how it felt, in the quietest round."""

    async def once() -> Smoothness:
        await begin(page)
        session = await page.context.new_cdp_session(page)
        await session.send("Performance.enable")
        before, began = await _task_seconds(session), time.monotonic()
        await page.evaluate(COUNT_FRAMES)
        await work(page, time.monotonic() + ground.plan.seconds(SECONDS))
        gaps, long = await page.evaluate(FRAMES)
        busy = (await _task_seconds(session) - before) / (time.monotonic() - began)
        await page.keyboard.press("Escape")
        await page.mouse.up()
        await session.detach()
        return Smoothness(len(gaps) / sum(gaps) * 1000, percentile(gaps, 0.99), busy, long)

    felt: Smoothness = await quietly(ground.plan, once)
    return felt


async def _task_seconds(session: CDPSession) -> float:
    found = await session.send("Performance.getMetrics")
    return next(float(one["value"]) for one in found["metrics"] if one["name"] == "TaskDuration")


def figures_of(name: str, felt: Smoothness, ground: Ground, bound: str = "") -> list[Figure]:
    """How it felt, as rows of the report."""
    ground.say(
        f"{name}: {felt.rate:.1f} frames/s, p99 {felt.gap_ms:.1f} ms, busy {felt.busy:.0%},"
        f" {len(felt.long_ms)} long tasks, the longest {max(felt.long_ms, default=0.0):.0f} ms"
    )
    return [
        Figure(name, felt.rate, "frames/s", bound),
        Figure(f"{name}: between two frames, p99", felt.gap_ms, "ms"),
        Figure(f"{name}: main thread busy", felt.busy * 100, "%"),
        Figure(f"{name}: long tasks", float(len(felt.long_ms)), "of 6 s"),
    ]


async def _rest(page: Page, until: float) -> None:
    await asyncio.sleep(until - time.monotonic())


async def nothing(page: Page) -> None:
    """For what needs no beginning."""


async def _open_new(page: Page) -> None:
    await _opened_new(page, is_kept=True)
    await page.evaluate(RESTED)


async def _opened_new(page: Page, is_kept: bool = False) -> float:
    """Open the dialog of a new task; close it again unless it is kept. -> milliseconds from the key to its painted field."""
    await page.evaluate(WATCH_OPENING)
    await page.keyboard.press("c")
    handle = await page.wait_for_function("() => globalThis.opened60")
    took = float(await handle.json_value())
    if not is_kept:
        await page.keyboard.press("Escape")
        await page.locator("dialog").wait_for(state="detached")
    return took


async def _type(page: Page, until: float) -> None:
    while time.monotonic() < until:
        await page.keyboard.type("n")
        await asyncio.sleep(0.1)


async def _filter(page: Page, until: float) -> None:
    # Not by its role: to look for that computes the name of everything on the page, in the time that is measured.
    field = page.locator("[aria-label=Filters] input[type=search]")
    await field.click()
    while time.monotonic() < until:
        for letter in "task 12":
            await page.keyboard.type(letter)
            await asyncio.sleep(0.2)
        await field.fill("")
    await field.blur()


async def _drag(page: Page, until: float) -> None:
    await page.locator("[data-task]").first.hover(position={"x": 30, "y": 20})  # waits for one that does not glide
    await page.mouse.down()
    step = 0
    while time.monotonic() < until:
        step += 1
        await page.mouse.move(200 + abs(step * 12 % 2000 - 1000), 250 + abs(step * 7 % 800 - 400))
        await asyncio.sleep(0.012)
    assert await page.locator("[data-board] > [aria-hidden]").count() == 1  # it is still being carried


async def _painted(page: Page, ground: Ground, full: Full) -> list[float]:
    """-> milliseconds from each commit to its painting."""
    http = Http(ground.server.url)
    task_id, numbers = full.task_ids[0], range(5 if ground.plan.is_quick else MARKED)
    top = {"id": task_id, "statusId": full.status_ids[0], "position": {"edge": "FIRST"}}
    at = {}
    for number in numbers:
        await do(http, ground.team.people[1].token, "moveTask", top, "task { id }")
        await rename_task(http, ground.team.people[1], task_id, f"change {number};")
        at[number] = await paint_of(page, number)
    http.close()
    committed = await commits(ground)
    return [at[number] - committed[number] for number in numbers]
