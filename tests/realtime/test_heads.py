"""Whose own things have changed: heard by message, found by the poll, and told to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import pytest

from db.notifications import heads_by_user_ids, raise_heads
from realtime.counters import Counters
from realtime.heads import Heads
from realtime.publisher import Publisher
from tests.realtime.world import World, eventually
from tests.stack_fixture import TestStack

NOWHERE = "redis://127.0.0.1:1/0"


@asynccontextmanager
async def running(world: World, redis_url: str) -> AsyncIterator[Heads]:
    heads = Heads(redis_url, world.database, heads_by_user_ids, Counters())
    task = asyncio.create_task(heads.run())
    try:
        yield heads
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def raised(world: World, *people: UUID) -> dict[UUID, int]:
    """Something of these people's own changes; nobody is told."""
    async with world.database.transaction() as connection:
        return await raise_heads(connection, people)


@pytest.mark.parametrize("has_redis", [True, False])
async def test_what_no_message_tells_is_found_by_the_poll(world: World, stack: TestStack, has_redis: bool) -> None:
    person = await world.person()
    async with running(world, stack.redis_url if has_redis else NOWHERE) as heads, heads.watch(person) as head:
        for _ in range(3):
            seq = (await raised(world, person))[person]
            async with asyncio.timeout(30):
                await head.beyond(seq - 1, head.epoch)
            assert head.last == seq
        assert heads.is_healthy == has_redis


async def test_a_message_comes_before_the_poll(world: World, stack: TestStack) -> None:
    person = await world.person()
    publisher = Publisher(stack.redis_url, Counters())
    publishing = asyncio.create_task(publisher.run())
    try:
        async with running(world, stack.redis_url) as heads, heads.watch(person) as head:
            await eventually(lambda: heads.is_healthy)
            # Nothing of it is in the database, so the poll cannot know.
            publisher.announce_heads({person: 7})
            async with asyncio.timeout(30):
                await head.beyond(6, head.epoch)
            assert head.last == 7
    finally:
        publishing.cancel()


async def test_another_database_is_told_as_a_new_epoch(world: World) -> None:
    person = await world.person()
    async with running(world, NOWHERE) as heads, heads.watch(person) as head:
        seq = (await raised(world, person))[person]
        async with asyncio.timeout(30):
            await head.beyond(seq - 1, head.epoch)
        heads._epoch = "the one before"
        async with asyncio.timeout(30):
            await head.beyond(seq, 0)
        assert (head.last, head.epoch) == (seq, 1)


async def test_who_is_watched_by_nobody_is_forgotten(world: World) -> None:
    person = await world.person()
    async with running(world, NOWHERE) as heads:
        async with heads.watch(person) as first, heads.watch(person) as second:
            assert first is second
        async with heads.watch(person) as later:
            assert later is not first
