"""Many listeners share one topic per workspace; messages may come in any order, and joining and leaving at any time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
import redis.asyncio

from db.models import Event
from db.unit_of_work import Writer
from realtime import messages
from realtime.hub import Broker, Hub
from tests.realtime.world import Node, World, change, eventually
from tests.stack_fixture import TestStack


@pytest.fixture
async def client(stack: TestStack) -> AsyncIterator[redis.asyncio.Redis]:
    one = redis.asyncio.Redis.from_url(stack.redis_url)
    yield one
    await one.aclose()


async def listeners_in_redis(client: redis.asyncio.Redis, workspace: UUID) -> int:
    ((_, count),) = await client.pubsub_numsub(messages.channel(workspace).decode())
    return int(count)


async def is_left(client: redis.asyncio.Redis, workspace: UUID) -> None:
    """Wait until Redis sends the workspace's messages to nobody."""
    async with asyncio.timeout(30):
        while await listeners_in_redis(client, workspace):  # noqa: ASYNC110 - Redis does not tell
            await asyncio.sleep(0.01)


async def captured(world: World, workspace: UUID, sizes: Sequence[int]) -> list[bytes]:
    """Commits that nobody announced, as the messages that would have told of them."""
    told: list[bytes] = []

    def keep(events: Sequence[Event]) -> None:
        told.append(messages.encode(events))

    writer = Writer(world.database, keep)
    for size in sizes:
        await world.write(workspace, *[change(workspace) for _ in range(size)], writer=writer)
    return told


# ---- messages


async def test_messages_that_overtake_each_other_are_put_in_order_without_a_query(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace))
    for _ in range(10):
        start, refills = stream.at, node.realtime.counters.refills
        one, two, three = await captured(world, workspace, [1, 2, 1])
        for message in (three, two, one):
            node.realtime.hub.receive(workspace, message)
        await stream.until_seq(start + 4)
        if node.realtime.counters.refills == refills:  # the poll may have looked just before the messages came
            break
    assert node.realtime.counters.refills == refills
    assert stream.seqs[-4:] == [start + 1, start + 2, start + 3, start + 4]


async def test_a_doubled_message_is_dropped(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace))
    start = stream.at
    (message,) = await captured(world, workspace, [2])
    for _ in range(3):
        node.realtime.hub.receive(workspace, message)
    await stream.until_seq(start + 2)
    assert stream.seqs == [start + 1, start + 2]
    assert node.realtime.counters.stale_hints >= 2  # the poll may have been quicker than the first


async def test_a_hole_is_filled_from_the_log(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace))
    start = stream.at
    told = await captured(world, workspace, [1, 1, 1])
    node.realtime.hub.receive(workspace, told[2])
    await stream.until_seq(start + 3)
    assert stream.seqs == [start + 1, start + 2, start + 3]
    assert node.realtime.counters.refills >= 1  # the poll may have found some before the message came


async def test_a_commit_too_big_for_a_message_is_read_from_the_log(node: Node, other: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace))
    start = stream.at
    last = await other.write(workspace, *[change(workspace, title="x" * 100_000) for _ in range(3)])
    await stream.until_seq(last)
    assert stream.seqs == list(range(start + 1, last + 1))
    await eventually(lambda: node.realtime.counters.received == 1)  # the poll may have been quicker


RUBBISH = (
    b"",
    b"\n",
    b"x",
    b"1",
    b"2 1\n",
    b"0 0\n",
    b"1 2 3\n",
    b"-5 9\n[]",
    b"9000 9000\n{}",
    b"9000 9000\n[1]",
    b"\xff\n",
)


async def test_rubbish_on_the_channel_is_counted_and_harms_nobody(
    node: Node, world: World, client: redis.asyncio.Redis
) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace))
    for message in RUBBISH:
        await client.publish(messages.channel(workspace).decode(), message)
    last = await node.write(workspace)
    await stream.until_seq(last)
    await eventually(lambda: node.realtime.counters.malformed == len(RUBBISH))  # the poll may have been quicker
    assert stream.seqs == [last]


async def test_a_message_about_events_that_are_not_there_costs_one_query(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace))
    node.realtime.hub.receive(workspace, b"1000000 1000000\n")
    await eventually(lambda: node.realtime.counters.refills)
    last = await node.write(workspace)
    await stream.until_seq(last)
    assert node.realtime.counters.refills <= 2  # the poll may have been quicker than the last change's message


# ---- joining and leaving


async def test_a_workspace_is_subscribed_once_and_left_with_its_last_listener(
    node: Node, world: World, client: redis.asyncio.Redis
) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    streams = await asyncio.gather(*[node.follow(workspace, person) for _ in range(5)])
    assert await listeners_in_redis(client, workspace) == 1
    for stream in streams:
        await stream.stop()
    await is_left(client, workspace)
    assert node.realtime.hub._topics == {}


class Gate:
    """A broker whose acknowledgement waits until the gate is opened."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.is_reached = asyncio.Event()
        self.open = asyncio.Event()

    @property
    def is_healthy(self) -> bool:
        return self._broker.is_healthy

    def subscribe(self, workspace_id: UUID) -> None:
        self._broker.subscribe(workspace_id)

    def unsubscribe(self, workspace_id: UUID) -> None:
        self._broker.unsubscribe(workspace_id)

    async def acknowledged(self, workspace_id: UUID) -> None:
        self.is_reached.set()
        await self.open.wait()


async def _join(hub: Hub, workspace: UUID, joined: asyncio.Queue[int]) -> None:
    async with hub.join(workspace) as topic:
        joined.put_nowait(topic.last)
        await asyncio.Event().wait()


async def test_a_joiner_that_is_cancelled_harms_nobody_who_waits_beside_it(node: Node, world: World) -> None:
    workspace = await world.workspace()
    last = await world.write(workspace)
    gate = Gate(node.realtime)
    node.realtime.hub.attach(gate)
    joined: asyncio.Queue[int] = asyncio.Queue()
    tasks = [asyncio.create_task(_join(node.realtime.hub, workspace, joined)) for _ in range(3)]
    await gate.is_reached.wait()
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)
    gate.open.set()
    async with asyncio.timeout(30):
        assert [await joined.get() for _ in range(2)] == [last, last]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert node.realtime.hub._topics == {}


async def test_all_joiners_cancelled_while_opening_leave_nothing_behind(
    node: Node, world: World, client: redis.asyncio.Redis
) -> None:
    workspace = await world.workspace()
    gate = Gate(node.realtime)
    node.realtime.hub.attach(gate)
    tasks = [asyncio.create_task(_join(node.realtime.hub, workspace, asyncio.Queue())) for _ in range(2)]
    await gate.is_reached.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert node.realtime.hub._topics == {}
    await is_left(client, workspace)
    node.realtime.hub.attach(node.realtime)
    stream = await node.follow(workspace, await world.member(workspace))
    last = await node.write(workspace)
    await stream.until_seq(last)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_crowd_that_comes_and_goes_misses_nothing(
    node: Node, world: World, client: redis.asyncio.Redis, seed: int
) -> None:
    print("seed", seed)  # noqa: T201
    chance = random.Random(seed)
    workspace = await world.workspace()
    person = await world.member(workspace)
    is_over = False

    async def write() -> None:
        while not is_over:
            await node.write(workspace)

    async def visit() -> None:
        for _ in range(20):
            stream = await node.follow(workspace, person)
            first = stream.batches[0].cursor.seq
            wanted = chance.choice([0, 0, 1, 3])
            await stream.until(lambda one, wanted=wanted: len(one.seqs) >= wanted)  # type: ignore[misc]
            await stream.stop()
            assert stream.seqs == list(range(first + 1, first + 1 + len(stream.seqs)))

    writing = asyncio.create_task(write())
    try:
        await asyncio.gather(*[visit() for _ in range(4)])
    finally:
        is_over = True
        await writing
    await is_left(client, workspace)
    assert node.realtime.hub._topics == {}
