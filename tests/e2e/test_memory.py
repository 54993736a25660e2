"""A board that is left open while others work: what it no longer needs, it lets go.

Invariant: each change, comment and task that comes and goes carries a long text of its own, so that keeping a few
hundred of them would be seen at once.
Ten minutes of it: WEB_MEMORY_SECONDS=600; with 5,000 tasks on the board: `make bench ONLY=heap`.
"""

import asyncio
import os
import time
from typing import Any

import httpx
import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.documents import CHANGE, COMMENT, CREATE, DELETE
from tests.e2e.test_client import card, create, two_on_a_board

pytestmark = pytest.mark.serial

SECONDS = float(os.environ.get("WEB_MEMORY_SECONDS", "60"))
WARM_SECONDS = 8.0
CHANGES_A_SECOND = 8
TEXT_CHARACTERS = 20_000
MAX_GROWTH_BYTES = 2_000_000
"""A tenth of what the texts of a minute weigh; what Chromium learns of running code is some hundred kilobytes."""
MAX_NEW_NODES = 200


async def test_a_board_that_is_left_open_does_not_grow(open_page: OpenPage, server_url: str) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(bob, "One", "Two")
    await expect(card(ann, "Two")).to_be_visible()
    ids = [str(await card(bob, title).get_attribute("data-task")) for title in ("One", "Two")]
    workspace = str(await bob.evaluate("() => localStorage.getItem('tutti.workspace')"))
    token = await bob.evaluate("() => JSON.parse(localStorage.getItem('tutti.accounts'))[0].accessToken")
    await bob.context.close()
    session = await ann.context.new_cdp_session(ann)
    async with httpx.AsyncClient(base_url=server_url, headers={"authorization": f"Bearer {token}"}) as http:
        done = await change_for(http, workspace, ids, WARM_SECONDS, 0)
        before = await memory(session, ann, done)
        done = await change_for(http, workspace, ids, SECONDS, done)
        after = await memory(session, ann, done)
    assert after[0] - before[0] < MAX_GROWTH_BYTES
    assert after[1] - before[1] < MAX_NEW_NODES
    assert after[2] <= before[2] + 5


async def change_for(http: httpx.AsyncClient, workspace: str, ids: list[str], seconds: float, done: int) -> int:
    """Change the tasks in turns, so many times a second, and beside that say things, and let tasks come and go.

    -> how many changes there were in all.
    """
    began, first = time.monotonic(), done
    while time.monotonic() < began + seconds:
        done += 1
        text = f"{done} " * (TEXT_CHARACTERS // len(f"{done} "))
        task = ids[done % len(ids)]
        await ask(http, CHANGE, {"id": task, "title": f"Change {done}.", "description": text})
        if done % 2 == 0:
            await ask(http, COMMENT, {"taskId": task, "body": text})
        if done % 4 == 0:
            made = await ask(http, CREATE, {"workspaceId": workspace, "title": f"Short {done}", "description": text})
            await ask(http, DELETE, {"id": made["task"]["id"]})
        await asyncio.sleep(max(0.0, began + (done - first) / CHANGES_A_SECOND - time.monotonic()))
    return done


async def ask(http: httpx.AsyncClient, query: str, asked: dict[str, str]) -> dict[str, Any]:
    """Ask for a mutation that must not be refused. -> its payload."""
    answer = await http.post("/graphql", json={"query": query, "variables": {"input": asked}})
    [payload] = answer.json()["data"].values()
    assert not payload.get("userErrors")
    return dict(payload)


async def memory(session: CDPSession, page: Page, done: int) -> tuple[int, int, int]:
    """-> bytes of the page's heap, its nodes, and its listeners, once the last change is shown and garbage is gone."""
    await expect(card(page, f"Change {done}.")).to_be_visible()
    for _ in range(3):
        await session.send("HeapProfiler.collectGarbage")
    heap = await session.send("Runtime.getHeapUsage")
    counters = await session.send("Memory.getDOMCounters")
    return int(heap["usedSize"]), int(counters["nodes"]), int(counters["jsEventListeners"])
