"""Writers and followers on two processes, while something breaks; then the oracle judges.

Writers commit small changes, some for nobody, and now and then fail at the
commit. Followers leave and resume from their cursor on the other process. In
the last scene each follower has just resumed when the last change is made.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from sqlalchemy import text

from db.errors import Duplicate, Unavailable
from db.models import NewEvent
from db.session import Database
from db.unit_of_work import Outcome, UnitOfWork
from realtime.process import Realtime
from realtime.subscriber import OnMessage, Subscriber
from tests.faults.oracle import Witness, missing, read_log, told, violations
from tests.realtime.world import Following, Node, change, healthy, rights

Wire = Callable[[OnMessage], OnMessage]
"""What a lossy broker makes of the messages on their way to a hub."""

AUDIENCES = (("members",), ("members",), ("permission:MEMBER_INVITE",), ("project:none",))


DOOM = (
    "CREATE TEMPORARY TABLE doomed (one int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP",
    "INSERT INTO doomed VALUES (1), (1)",
)
"""Makes a transaction fail at its very commit."""


class BadWire(Realtime):
    """A process whose messages pass a lossy broker."""

    def __init__(self, redis_url: str, database: Database, wire: Wire) -> None:
        super().__init__(redis_url, database)
        self._subscriber = Subscriber(redis_url, wire(self.hub.receive), self.hub.alarm, self.counters)


@asynccontextmanager
async def two_processes(
    database_url: str, redis_url: str, wire: Wire = lambda receive: receive
) -> AsyncIterator[list[Node]]:
    nodes: list[Node] = []
    try:
        for _ in range(2):
            database = Database(database_url, pool_size=8)
            nodes.append(Node(database, BadWire(redis_url, database, wire)))
            nodes[-1].realtime.run()
        for node in nodes:
            await healthy(node)
        yield nodes
    finally:
        for node in nodes:
            await node.close()


@dataclass
class Follower:
    """Somebody who follows a workspace, over several connections."""

    name: str
    workspace_id: UUID
    person_id: UUID
    stories: list[Following] = field(default_factory=list)

    @property
    def now(self) -> Following:
        return self.stories[-1]

    async def connect(self, node: Node) -> None:
        after = next((one.cursor for one in reversed(self.stories) if one.batches), None)
        while True:
            following = await node.follow(self.workspace_id, self.person_id, after=after)
            self.stories.append(following)
            if following.error is None:
                return
            assert isinstance(following.error, Unavailable), following.error  # PostgreSQL is away: ask again
            await asyncio.sleep(0.05)

    async def move(self, node: Node) -> None:
        await self.now.stop()
        await self.connect(node)

    async def witness(self, database: Database) -> Witness:
        session = database.reading()
        try:
            tags = await rights(self.workspace_id, self.person_id)(session)
        finally:
            await session.close()
        batches = [batch for story in self.stories for batch in story.batches]
        return Witness(
            self.name, self.workspace_id, tags or frozenset(), batches[0].cursor.seq, [told(batch) for batch in batches]
        )


@dataclass
class Play:
    """A seeded run. `slowest`: the longest that an acknowledged write took, in seconds."""

    nodes: Sequence[Node]
    seed: int
    workspaces: list[UUID] = field(default_factory=list)
    followers: list[Follower] = field(default_factory=list)
    acknowledged: list[tuple[UUID, int]] = field(default_factory=list)
    slowest: float = 0.0
    is_over: bool = False

    def __post_init__(self) -> None:
        print("seed", self.seed)  # noqa: T201 - so that a failure can be run again
        self.chance = random.Random(self.seed)

    async def perform(self, fault: Callable[[], Awaitable[None]], seconds: float = 1.0) -> None:
        """`seconds` before the fault, the fault, `seconds` after it, and the last scene."""
        for index in range(2):
            world = self.nodes[0].world
            workspace_id = await world.workspace()
            self.workspaces.append(workspace_id)
            for place in range(3):
                person_id = await world.member(workspace_id)
                self.followers.append(Follower(f"follower {index}.{place}", workspace_id, person_id))
        await asyncio.gather(*[follower.connect(self._node()) for follower in self.followers])
        tasks = [asyncio.create_task(self._write_on()) for _ in range(3)]
        tasks += [asyncio.create_task(self._wander(follower)) for follower in self.followers[::2]]
        try:
            await asyncio.sleep(seconds)
            await fault()
            await asyncio.sleep(seconds)
        finally:
            self.is_over = True
            await asyncio.gather(*tasks)
        await asyncio.gather(*[follower.move(self._node()) for follower in self.followers])
        for workspace_id in self.workspaces:
            await self._commit(workspace_id, [change(workspace_id)])

    async def judge(self, seconds: float = 10.0) -> list[str]:
        """Wait for all to arrive, at most `seconds`; -> what the oracle has against it."""
        database = self.nodes[0].database
        logs = {workspace_id: await read_log(database, workspace_id) for workspace_id in self.workspaces}
        with suppress(AssertionError):  # the oracle says who has not arrived
            for follower in self.followers:
                await follower.now.until(partial(_has_arrived, len(logs[follower.workspace_id])), seconds)
        found = missing(self.acknowledged, logs)
        for follower in self.followers:
            found += violations(await follower.witness(database), logs[follower.workspace_id])
            found += [f"{follower.name}: {follower.now.error!r}" for _ in [0] if follower.now.error is not None]
        assert len(self.acknowledged) > 20, "hardly anything was written"
        return found

    def _node(self) -> Node:
        return self.chance.choice(list(self.nodes))

    async def _write_on(self) -> None:
        while not self.is_over:
            await self._write(self.chance.choice(self.workspaces))
            await asyncio.sleep(self.chance.random() * 0.02)

    async def _write(self, workspace_id: UUID) -> None:
        new = [change(workspace_id, self.chance.choice(AUDIENCES)) for _ in range(self.chance.choice([1, 1, 1, 2, 5]))]
        with suppress(Duplicate, Unavailable):
            await self._commit(workspace_id, new, fails=self.chance.random() < 0.1)

    async def _commit(self, workspace_id: UUID, new: Sequence[NewEvent], *, fails: bool = False) -> None:
        node = self._node()

        async def work(uow: UnitOfWork) -> Outcome:
            for event in new:
                uow.record(event)
            for statement in DOOM if fails else ():
                await uow.execute(text(statement))
            return Outcome()

        started = time.monotonic()
        outcome = await node.writer.run(node.world.system, work)
        assert outcome.cursor is not None
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.acknowledged.append(outcome.cursor)

    async def _wander(self, follower: Follower) -> None:
        while not self.is_over:
            await asyncio.sleep(0.1 + self.chance.random() * 0.5)
            await follower.move(self._node())


def _has_arrived(end: int, following: Following) -> bool:
    return following.at >= end or following.error is not None


def unreliable(seed: int, *, lost: float = 0.0, doubled: float = 0.0, late: float = 0.0) -> Wire:
    """A broker that loses, doubles and holds back this share of its messages."""
    chance = random.Random(seed)

    def wire(receive: OnMessage) -> OnMessage:
        def deliver(workspace_id: UUID, message: bytes) -> None:
            if chance.random() < lost:
                return
            for _ in range(2 if chance.random() < doubled else 1):
                if chance.random() < late:
                    asyncio.get_running_loop().call_later(chance.random() * 0.1, receive, workspace_id, message)
                else:
                    receive(workspace_id, message)

        return deliver

    return wire
