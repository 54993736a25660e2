"""A real Chromium for the measurements of the web client, signed in without a form.

Invariant: it runs on all cores, as a person's browser has a machine of its own and this one has not.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from bench.measure import Ground
from bench.people import Person, ask, database
from bench.programs import ProgramFailed
from bench.wire import Http

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WATCH_PAINTS = """() => {
    globalThis.paintedAt = {};
    const look = () => {
        for (const card of document.querySelectorAll("[data-task]")) {
            for (const [mark] of card.textContent.matchAll(/change \\d+;/g)) {
                if (mark in paintedAt) continue;
                paintedAt[mark] = 0;
                // What runs after the next frame's callbacks runs when that frame has been handed on.
                requestAnimationFrame(() => setTimeout(() => paintedAt[mark] = performance.timeOrigin + performance.now()));
            }
        }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
"""Notes in `paintedAt` when a card with "change 7;" was painted, in milliseconds since 1970."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Raises ProgramFailed if this machine has none."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        async with async_playwright() as playwright:
            found = shutil.which("chromium") or playwright.chromium.executable_path
            if not await asyncio.to_thread(Path(found).is_file):
                raise ProgramFailed("There is no Chromium. Install one, or run: playwright install chromium")
            browser = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
            os.sched_setaffinity(0, own)
            yield browser
            await browser.close()
    finally:
        os.sched_setaffinity(0, own)


async def opened(browser: Browser, ground: Ground, person: Person, init: str = "") -> Page:
    """A fresh browser profile of that person, on no page yet; `init` runs before each page's own scripts."""
    http = Http(ground.server.url)
    viewer = (await ask(http, person.token, "{ viewer { user { id name } } }"))["viewer"]["user"]
    http.close()
    account: dict[str, Any] = {
        **viewer,
        "email": "bench@example.com",
        "accessToken": person.token,
        "accessTokenExpiresAt": None,
        "refreshToken": None,
    }
    context = await browser.new_context(base_url=ground.server.url, viewport={"width": 1440, "height": 900})
    await context.add_init_script(
        f"localStorage.setItem('tutti.accounts', {json.dumps(json.dumps([account]))}); {init}"
    )
    return await context.new_page()


async def board_of(ground: Ground, http: Http, person: Person) -> str:
    """The path of the board of the measurement's workspace."""
    query = "query ($id: ID!) { workspace(by: {id: $id}) { slug } }"
    slug = (await ask(http, person.token, query, id=ground.team.workspace_id))["workspace"]["slug"]
    return f"/w/{slug}/board"


async def paint_of(page: Page, number: int) -> float:
    """When the card with "change {number};" was painted, in milliseconds since 1970; needs WATCH_PAINTS."""
    handle = await page.wait_for_function(
        "mark => globalThis.paintedAt[mark]", arg=f"change {number};", polling=20, timeout=15_000
    )
    return float(await handle.json_value())


async def commits(ground: Ground) -> dict[int, float]:
    """Number of a change -> when it was committed, in milliseconds since 1970, by PostgreSQL's `track_commit_timestamp`."""
    connection = await database(ground.stack)
    rows = await connection.fetch(
        "SELECT substring(image->>'title' FROM '^change ([0-9]+);$')::int AS number,"
        " extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 * 1000 AS at"
        " FROM events WHERE image->>'title' ~ '^change [0-9]+;$' ORDER BY at DESC"
    )
    await connection.close()
    return {row["number"]: row["at"] for row in rows}


async def is_live(page: Page) -> None:
    await page.wait_for_function("""() => document.querySelector("[aria-label=Connection]")?.textContent === "Live" """)
