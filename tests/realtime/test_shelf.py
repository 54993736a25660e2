"""Texts by their hash are there for all processes, and merely missing while Redis is away."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from realtime.shelf import Shelf
from tests.stack_fixture import TestStack


async def test_what_one_process_puts_another_gets(stack: TestStack) -> None:
    one, other, key = Shelf(stack.redis_url), Shelf(stack.redis_url), uuid4().hex
    assert await other.get(key) is None
    await one.put(key, "{ viewer { timeZone } } # \u00e9")
    assert await other.get(key) == "{ viewer { timeZone } } # \u00e9"
    await one.close()
    await other.close()


async def test_without_redis_nothing_is_there_and_nobody_waits_for_it() -> None:
    shelf = Shelf("redis://127.0.0.1:1/0")
    async with asyncio.timeout(20):  # a hundred who wait for Redis need longer
        await shelf.put("a", "b")
        for _ in range(100):
            assert await shelf.get("a") is None
    await shelf.close()
