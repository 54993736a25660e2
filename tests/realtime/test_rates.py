"""What somebody spends is counted over all processes, and by each alone while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

from realtime.rates import MAX_HOLDERS, Rates
from tests.stack_fixture import TestStack

NOWHERE = "redis://127.0.0.1:1/0"


@asynccontextmanager
async def running(redis_url: str, clock: Callable[[], float]) -> AsyncIterator[Rates]:
    rates = Rates(redis_url, clock)
    task = asyncio.create_task(rates.run())
    try:
        yield rates
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_processes_count_together(stack: TestStack) -> None:
    somebody, at = f"person:{uuid4()}", 6_000.0
    async with running(stack.redis_url, lambda: at) as one, running(stack.redis_url, lambda: at) as other:
        assert one.spend(somebody, 60, 100).remaining == 40
        assert one.spend(somebody, 41, 100).is_refused
        spent, left = 1, other.spend(somebody, 1, 100).remaining
        while left > 40 - spent and spent < 40:  # who tells what they counted hears what the others told before
            await asyncio.sleep(0.3)
            spent, left = spent + 1, other.spend(somebody, 1, 100).remaining
        assert left <= 40 - spent
        assert other.spend(somebody, left + 1, 100).is_refused
        assert not other.spend(f"person:{uuid4()}", 100, 100).is_refused


async def test_without_redis_each_process_counts_for_itself_at_once() -> None:
    async with running(NOWHERE, lambda: 6_000.0) as rates:
        for _ in range(10):
            assert not rates.spend("token:x", 10, 100).is_refused
            await asyncio.sleep(0)
        assert rates.spend("token:x", 1, 100).is_refused


async def test_a_minute_begins_anew_and_says_when() -> None:
    at = [6_030.5]
    rates = Rates(NOWHERE, lambda: at[0])
    assert not rates.spend("address:x", 100, 100).is_refused
    refused = rates.spend("address:x", 1, 100)
    assert (refused.is_refused, refused.retry_after_seconds) == (True, 30)
    assert refused.reset_at.timestamp() == 6_060
    at[0] = 6_060.0
    assert rates.spend("address:x", 1, 100).remaining == 99


async def test_what_is_refused_is_not_spent() -> None:
    rates = Rates(NOWHERE, lambda: 6_000.0)
    rates.spend("person:x", 90, 100)
    assert rates.spend("person:x", 50, 100).is_refused
    assert rates.spend("person:x", 10, 100).remaining == 0


async def test_many_holders_are_remembered_in_bounded_memory() -> None:
    rates = Rates(NOWHERE, lambda: 6_000.0)
    for number in range(MAX_HOLDERS + 10):
        rates.spend(f"address:{number}", 1, 100)
    assert rates.spend(f"address:{MAX_HOLDERS + 9}", 0, 100).remaining == 99
    assert rates.spend("address:0", 0, 100).remaining == 100
