"""Passages of a page are worked out without keeping the server from all else."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from schema.text_matches import Search

TASKS = 20


async def test_others_go_on_while_texts_are_looked_through_and_each_is_looked_through_once() -> None:
    async def nothing_said(*_: object) -> None:
        return None

    info: Any = SimpleNamespace(
        context=SimpleNamespace(loaders=SimpleNamespace(best_comments=SimpleNamespace(load=nothing_said)))
    )
    rows: list[Any] = [
        SimpleNamespace(id=uuid4(), title="A needle", description="needle " * 2_000) for _ in range(TASKS)
    ]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    going = asyncio.create_task(others())
    searches = [Search("needle") for _ in range(3)]
    found = await asyncio.gather(*(search.matches(info, row) for search in searches for row in rows for _ in range(6)))
    going.cancel()
    assert turns >= 3 * TASKS
    assert [len(one) for one in found] == [2] * len(searches) * TASKS * 6
    assert len({id(one) for one in found}) == len(searches) * TASKS
    assert sum(thread.name.startswith("passages") for thread in threading.enumerate()) == 1
