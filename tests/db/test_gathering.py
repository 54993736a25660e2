"""Who asks at once shares a read, and nobody gets an answer from before their question."""

from __future__ import annotations

import asyncio

import pytest

from db.gathering import MAX_KEYS, Gathering


class Reads:
    """A read that answers a key by how often it was read, once it may."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_away = False
        self.gathering = Gathering(self.read)

    async def read(self, keys: list[int]) -> dict[int, str]:
        self.asked.append(keys)
        number = len(self.asked)
        await self.may_answer.wait()
        if self.is_away:
            raise ConnectionError
        return {key: f"{key} by read {number}" for key in keys if key >= 0}

    def asking(self, *keys: int) -> list[asyncio.Task[str | None]]:
        return [asyncio.create_task(self.gathering.ask(key)) for key in keys]


async def test_all_who_ask_in_one_turn_share_a_read() -> None:
    reads = Reads()
    assert await asyncio.gather(*reads.asking(1, 2, 1, -1)) == ["1 by read 1", "2 by read 1", "1 by read 1", None]
    assert reads.asked == [[1, 2, -1]]


async def test_who_asks_while_a_read_is_under_way_gets_the_answer_of_the_next() -> None:
    reads = Reads()
    reads.may_answer.clear()
    early = reads.asking(1)
    await asyncio.sleep(0.01)
    late = reads.asking(1, 2)
    await asyncio.sleep(0.01)
    reads.may_answer.set()
    assert await asyncio.gather(*early, *late) == ["1 by read 1", "1 by read 2", "2 by read 2"]


async def test_a_crowd_waits_for_each_other_and_nobody_waits_alone() -> None:
    reads = Reads()
    reads.gathering = Gathering(reads.read, pause_seconds=3600)
    async with asyncio.timeout(30):
        assert await reads.gathering.ask(1) == "1 by read 1"
        assert await reads.gathering.ask(1) == "1 by read 2"
    reads.gathering = Gathering(reads.read, pause_seconds=0.7)
    reads.may_answer.clear()
    waiting = reads.asking(1)
    await asyncio.sleep(0.01)
    waiting += reads.asking(2)
    await asyncio.sleep(0.01)
    reads.may_answer.set()
    await waiting[0]
    for key in range(3, 8):  # one in each turn of the loop, as they come in
        waiting += reads.asking(key)
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert reads.asked[-2:] == [[1], [2, 3, 4, 5, 6, 7]]


async def test_a_failure_reaches_those_of_that_read_and_no_other() -> None:
    reads = Reads()
    reads.is_away = True
    results = await asyncio.gather(*reads.asking(1, 2), return_exceptions=True)
    assert [type(one) for one in results] == [ConnectionError] * 2
    reads.is_away = False
    assert await reads.gathering.ask(1) == "1 by read 2"


async def test_whoever_gives_up_takes_nobody_else_s_answer_away() -> None:
    reads = Reads()
    reads.may_answer.clear()
    hasty, patient = reads.asking(1, 1)
    await asyncio.sleep(0.01)
    hasty.cancel()
    reads.may_answer.set()
    assert await patient == "1 by read 1"
    with pytest.raises(asyncio.CancelledError):
        await hasty


async def test_one_statement_never_asks_for_more_than_it_may() -> None:
    reads = Reads()
    answers = await asyncio.gather(*reads.asking(*range(MAX_KEYS + 1)))
    assert answers[-1] == f"{MAX_KEYS} by read 2"
    assert [len(keys) for keys in reads.asked] == [MAX_KEYS, 1]
