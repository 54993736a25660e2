"""Redis down, frozen or strange: mutations never wait for it, and streams go on by the poll."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from db.ids import new_id
from db.log import numbered
from db.models import ActorKind, ActorRef, Event
from db.session import Database
from db.unit_of_work import now
from realtime import messages
from realtime.counters import Counters
from realtime.process import Realtime
from realtime.publisher import MAX_WAITING, Publisher
from realtime.subscriber import Subscriber
from tests.faults.conftest import Fragile
from tests.realtime.world import Node, change, eventually, healthy, running

NOWHERE = "redis://127.0.0.1:1/0"


def commits(workspace: UUID, count: int) -> list[list[Event]]:
    actor = ActorRef(ActorKind.SYSTEM, new_id())
    return [
        numbered([change(workspace)], last_seq=seq, occurred_at=now(), actor=actor, client_mutation_id=None)
        for seq in range(1, count + 1)
    ]


@asynccontextmanager
async def publishing(redis_url: str) -> AsyncIterator[tuple[Publisher, Counters]]:
    counters = Counters()
    publisher = Publisher(redis_url, counters)
    task = asyncio.create_task(publisher.run())
    try:
        yield publisher, counters
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def subscribed(redis_url: str, workspace: UUID) -> AsyncIterator[list[int]]:
    """The last seqs of the messages about a workspace, as they come."""
    heard: list[int] = []

    def hear(_: UUID, message: bytes) -> None:
        heard.append(messages.decode_range(message)[1])

    subscriber = Subscriber(redis_url, hear, lambda: None, Counters())
    subscriber.subscribe(workspace)
    task = asyncio.create_task(subscriber.run())
    await eventually(lambda: subscriber.is_healthy)
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_messages_of_a_workspace_keep_their_order(fragile: Fragile) -> None:
    workspace = new_id()
    async with (
        subscribed(fragile.redis_url, workspace) as heard,
        publishing(fragile.redis_url) as (publisher, counters),
    ):
        for commit in commits(workspace, 500):
            publisher.announce(commit)
        await eventually(lambda: len(heard) == 500)
    assert heard == list(range(1, 501))
    assert counters.published == 500


async def test_one_commit_in_two_workspaces_is_told_to_both(fragile: Fragile) -> None:
    one, two = new_id(), new_id()
    both = commits(one, 1)[0] + commits(two, 1)[0]
    async with (
        subscribed(fragile.redis_url, one) as of_one,
        subscribed(fragile.redis_url, two) as of_two,
        publishing(fragile.redis_url) as (publisher, _),
    ):
        publisher.announce(both)
        await eventually(lambda: of_one == [1] and of_two == [1])


async def test_more_than_may_wait_is_not_kept(fragile: Fragile) -> None:
    async with publishing(fragile.redis_url) as (publisher, counters):
        for commit in commits(new_id(), MAX_WAITING + 7):
            publisher.announce(commit)
        await eventually(lambda: counters.published == MAX_WAITING)
        assert counters.publish_skipped == 7


async def test_an_event_that_cannot_be_encoded_does_not_end_publishing(fragile: Fragile) -> None:
    workspace = new_id()
    (first,), (second,) = commits(workspace, 2)
    async with publishing(fragile.redis_url) as (publisher, counters):
        strange: dict[Any, Any] = {1: "a key that is no string"}
        publisher.announce([replace(first, image=strange)])
        await eventually(lambda: counters.publish_failures == 1)
        publisher.announce([second])
        await eventually(lambda: counters.published == 1)


async def _announce_each(publisher: Publisher, batch: Sequence[Sequence[Event]]) -> int:
    """-> how many of them gave up the core of their own accord: to wait for something. (The clock would also tell of
    a machine that is busy with something else.)"""
    waited = 0
    for commit in batch:
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        publisher.announce(commit)
        waited += resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw > before
        await asyncio.sleep(0)
    return waited


async def _announce_until_found_out(publisher: Publisher, batch: Sequence[Sequence[Event]]) -> None:
    """Announce until the publisher knows that Redis is away. None waits; a page of memory that must be fetched
    is no wait for Redis, and does not come again."""
    waited = rounds = 0
    while publisher.is_healthy:
        waited += await _announce_each(publisher, batch)
        rounds += 1
    assert waited <= max(1, rounds * len(batch) // 100)


async def test_a_dead_redis_opens_the_breaker_and_delays_nobody() -> None:
    async with publishing(NOWHERE) as (publisher, counters):
        batch = commits(new_id(), 100)
        await _announce_until_found_out(publisher, batch)
        failures = counters.publish_failures
        await _announce_each(publisher, batch)
        assert counters.publish_failures == failures
        assert counters.publish_skipped >= len(batch)
        assert counters.published == 0


async def test_a_frozen_redis_is_found_out_and_used_again_when_it_answers(fragile: Fragile) -> None:
    workspace = new_id()
    batch = commits(workspace, 1)
    async with publishing(fragile.redis_url) as (publisher, counters):
        publisher.announce(batch[0])
        await eventually(lambda: counters.published == 1)
        fragile.stack.valkey.freeze()
        try:
            async with asyncio.timeout(5):
                await _announce_until_found_out(publisher, batch)
        finally:
            fragile.stack.valkey.thaw()
        await eventually(lambda: publisher.is_healthy)
        async with subscribed(fragile.redis_url, workspace) as heard:
            publisher.announce(batch[0])
            await eventually(lambda: heard)


async def test_a_frozen_redis_is_noticed_by_listeners_within_three_seconds(fragile: Fragile) -> None:
    async with running(fragile.database_url, fragile.redis_url) as node:
        fragile.stack.valkey.freeze()
        try:
            await eventually(lambda: not node.realtime.is_healthy, 3)
        finally:
            fragile.stack.valkey.thaw()
        await healthy(node)


async def test_streams_live_by_the_poll_while_redis_was_never_there(fragile: Fragile) -> None:
    database = Database(fragile.database_url, pool_size=4)
    node = Node(database, Realtime(NOWHERE, database))
    node.realtime.run()
    try:
        workspace = await node.world.workspace()
        stream = await node.follow(workspace, await node.world.member(workspace))
        for _ in range(3):
            last = await node.write(workspace)
            started = time.monotonic()
            await stream.until_seq(last)
            assert time.monotonic() - started < 1.0
        assert node.realtime.counters.received == 0
    finally:
        await node.close()


async def test_an_address_that_makes_no_sense_is_refused_at_once() -> None:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(ValueError, match="URL"):
        Realtime("http://somewhere", database)
    await database.close()
