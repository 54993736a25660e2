"""People, workspaces and processes for tests of the real-time core; every test makes its own.

A `Node` stands for one server process: its own connections, hub and links to
Redis. Changes are committed by the real unit of work.
"""

from __future__ import annotations

import asyncio
import pickle
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, update

from db import workspaces
from db.ids import new_id
from db.models import Actor, ActorKind, ActorRef, ChangeOp, EventKind, NewEvent, Role
from db.session import Database, Session
from db.tables import events as log_rows
from db.tables import users, workspace_heads
from db.unit_of_work import Outcome, UnitOfWork, Writer, now
from domain import events
from realtime.cursor import Cursor
from realtime.follow import follow
from realtime.process import Realtime
from realtime.reader import Batch, Matches, Resync, everything

PATIENCE_SECONDS = 30.0
MEMBERS = frozenset({"members"})


def change(
    workspace_id: UUID,
    seen: Iterable[str] = MEMBERS,
    *,
    before: Iterable[str] | None = None,
    project_id: UUID | None = None,
    title: str = "",
) -> NewEvent:
    """A task that changed, seen by the holders of these tags (`before`: by others before it)."""
    task_id = new_id()
    return NewEvent(
        workspace_id=workspace_id,
        kind=EventKind.TASK,
        op=ChangeOp.UPDATED,
        entity_id=task_id,
        seen_before=frozenset(seen if before is None else before),
        seen_after=frozenset(seen),
        task_id=task_id,
        project_ids=frozenset() if project_id is None else frozenset({project_id}),
        image={"id": str(task_id), "title": title},
    )


@dataclass
class World:
    """What is in the database. Its own changes are announced to nobody, as if their process had died."""

    database: Database
    system: Actor = field(default_factory=lambda: Actor(ActorRef(ActorKind.SYSTEM, new_id())))

    def __post_init__(self) -> None:
        self.writer = Writer(self.database, lambda _: None)

    async def _run(self, work: Callable[[UnitOfWork], Awaitable[object]], writer: Writer | None = None) -> int:
        """-> the seq of the last event that was written."""

        async def do(uow: UnitOfWork) -> Outcome:
            await work(uow)
            return Outcome()

        outcome = await (writer or self.writer).run(self.system, do)
        return outcome.cursor[1] if outcome.cursor else 0

    async def workspace(self) -> UUID:
        workspace_id = new_id()

        async def make(uow: UnitOfWork) -> None:
            row = {
                "id": workspace_id,
                "created_at": now(),
                "updated_at": now(),
                "kind": "TEAM",
                "name": "W",
                "slug": str(workspace_id),
                "key": "W",
            }
            await workspaces.insert_workspace(uow, row)

        await self._run(make)
        return workspace_id

    async def person(self) -> UUID:
        person_id = new_id()
        row = {
            "id": person_id,
            "created_at": now(),
            "updated_at": now(),
            "email": f"{person_id}@example.com",
            "name": "P",
            "handle": str(person_id),
            "time_zone": "UTC",
            "password_hash": "",
        }
        await self._run(lambda uow: uow.execute(insert(users), row))
        return person_id

    async def member(self, workspace_id: UUID, role: Role = Role.MEMBER) -> UUID:
        """A new person who has joined."""
        person_id = await self.person()
        await self.join(workspace_id, person_id, role)
        return person_id

    async def join(
        self, workspace_id: UUID, person_id: UUID, role: Role = Role.MEMBER, *, writer: Writer | None = None
    ) -> int:
        row = {
            "id": new_id(),
            "created_at": now(),
            "updated_at": now(),
            "workspace_id": workspace_id,
            "user_id": person_id,
            "role": role.value,
        }

        async def do(uow: UnitOfWork) -> None:
            events.membership_changed(uow, None, await workspaces.insert_membership(uow, row, ()))

        return await self._run(do, writer)

    async def remove(
        self,
        workspace_id: UUID,
        person_id: UUID,
        *,
        earlier: Iterable[NewEvent] = (),
        later: Iterable[NewEvent] = (),
        writer: Writer | None = None,
    ) -> int:
        """Take somebody out; `earlier` and `later` are events of the same commit."""

        async def do(uow: UnitOfWork) -> None:
            member = await self._membership(uow, workspace_id, person_id)
            for event in earlier:
                uow.record(event)
            events.membership_changed(uow, member, None)
            for event in later:
                uow.record(event)
            uow.change_rights(lambda: workspaces.delete_membership(uow, member.id))

        return await self._run(do, writer)

    async def set_role(
        self,
        workspace_id: UUID,
        person_id: UUID,
        role: Role,
        *,
        earlier: Iterable[NewEvent] = (),
        later: Iterable[NewEvent] = (),
        writer: Writer | None = None,
    ) -> int:
        async def do(uow: UnitOfWork) -> None:
            member = await self._membership(uow, workspace_id, person_id)
            for event in earlier:
                uow.record(event)
            events.membership_changed(uow, member, await workspaces.update_membership(uow, member.id, role, uow.now))
            for event in later:
                uow.record(event)

        return await self._run(do, writer)

    async def delete(self, workspace_id: UUID, *, writer: Writer | None = None) -> int:
        async def do(uow: UnitOfWork) -> None:
            found = await workspaces.workspace_by_id(uow, workspace_id)
            assert found is not None
            events.workspace_deleted(uow, found)
            uow.change_rights(lambda: workspaces.delete_memberships(uow, workspace_id))

        return await self._run(do, writer)

    async def prune(self, workspace_id: UUID, through: int) -> None:
        """What retention does: first the floor in a transaction of its own, then the rows."""
        async with self.database.transaction() as connection:
            await connection.execute(
                update(workspace_heads).where(workspace_heads.c.workspace_id == workspace_id).values(floor_seq=through)
            )
        async with self.database.transaction() as connection:
            await connection.execute(
                delete(log_rows).where(log_rows.c.workspace_id == workspace_id, log_rows.c.seq <= through)
            )

    async def _membership(self, uow: UnitOfWork, workspace_id: UUID, person_id: UUID) -> Any:
        grant = (await workspaces.grants_by_user_id(uow, person_id, workspace_id))[0]
        found = await workspaces.lock_memberships(uow, workspace_id, [grant.membership_id])
        return found[grant.membership_id]

    async def write(self, workspace_id: UUID, *new: NewEvent, writer: Writer | None = None) -> int:
        """One commit of these events, or of one that all members see. -> its last seq."""

        async def do(uow: UnitOfWork) -> None:
            for event in new or (change(workspace_id),):
                uow.record(event)

        return await self._run(do, writer)


def rights(workspace_id: UUID, person_id: UUID) -> Callable[[Session], Awaitable[frozenset[str] | None]]:
    """Reads what the person may see now."""

    async def read(session: Session) -> frozenset[str] | None:
        grants = await workspaces.grants_by_user_id(session, person_id, workspace_id)
        return grants[0].tags if grants else None

    return read


class Manner(StrEnum):
    """How a follower is served."""

    ALONE = "alone"
    SHARED_AT_ONCE = "shared, rendered at once"
    SHARED_LATER = "shared, rendered with waiting"


@dataclass(frozen=True, slots=True)
class BatchRenderer:
    """What is sent is the batch itself, so that a test sees what its followers were told."""

    manner: Manner

    def at_once(self, batch: Batch) -> bytes | None:
        return pickle.dumps(batch) if self.manner is Manner.SHARED_AT_ONCE else None

    async def later(self, batch: Batch) -> bytes:
        await asyncio.sleep(random.random() * 0.004)
        return pickle.dumps(batch)


@dataclass(frozen=True, slots=True)
class Shared:
    """The terms of a follower who shares."""

    outlet: Following
    manner: Manner
    key: Hashable

    def tags(self, tags: frozenset[str]) -> frozenset[str]:
        return frozenset(tag for tag in tags if not tag.startswith("person:"))

    def renderer(self, tags: frozenset[str]) -> BatchRenderer:
        return BatchRenderer(self.manner)


class Following:
    """Somebody's stream, read by a task of its own; `until` waits for something to be true of it."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.shared = 0
        self.payload = b""
        """The last one that came by a group."""
        self.error: Exception | None = None
        self._news = asyncio.Event()
        self._is_going = asyncio.Event()
        self._is_going.set()
        self._task: asyncio.Task[None] | None = None

    def begin(self, batches: Any) -> None:
        self._task = asyncio.create_task(self._read(batches))

    def deliver(self, payload: bytes, events: int) -> None:
        """What comes by a group."""
        batch: Batch = pickle.loads(payload)
        assert len(batch.events) == events
        self.batches.append(batch)
        self.payload = payload
        self.shared += 1
        self._news.set()

    async def _read(self, batches: Any) -> None:
        try:
            async with aclosing(batches):
                async for batch in batches:
                    self.batches.append(batch)
                    self._news.set()
                    await self._is_going.wait()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.error = error
            self._news.set()

    def stall(self) -> None:
        """Take nothing more, as a slow client does, after the next batch."""
        self._is_going.clear()

    def go_on(self) -> None:
        self._is_going.set()

    async def until(self, condition: Callable[[Following], object], seconds: float = PATIENCE_SECONDS) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            got = [(batch.resync, [seen.event.seq for seen in batch.events]) for batch in self.batches[-20:]]
            raise AssertionError(f"It did not come: {len(self.batches)} batches, {got}, {self.error!r}") from None

    async def until_seq(self, seq: int) -> None:
        await self.until(lambda one: one.at >= seq)

    async def until_error(self, kind: type[Exception]) -> None:
        await self.until(lambda one: one.error is not None)
        assert isinstance(self.error, kind), self.error

    @property
    def seqs(self) -> list[int]:
        return [seen.event.seq for batch in self.batches for seen in batch.events]

    @property
    def resyncs(self) -> list[Resync]:
        return [batch.resync for batch in self.batches if batch.resync is not None]

    @property
    def cursor(self) -> Cursor:
        return self.batches[-1].cursor

    @property
    def at(self) -> int:
        return self.batches[-1].cursor.seq if self.batches else -1

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None  # its traceback would keep all of the stream


class Node:
    """One server process, as far as the real-time core goes."""

    def __init__(self, database: Database, realtime: Realtime) -> None:
        self.database = database
        self.realtime = realtime
        self.world = World(database)
        self.writer = Writer(database, realtime.announce)
        self.manner = Manner.ALONE
        self._followings: list[Following] = []

    async def write(self, workspace_id: UUID, *new: NewEvent) -> int:
        return await self.world.write(workspace_id, *new, writer=self.writer)

    async def follow(
        self,
        workspace_id: UUID,
        person_id: UUID,
        *,
        after: Cursor | None = None,
        matches: Matches = everything,
        checkpoint_seconds: float = 15.0,
        manner: Manner | None = None,
    ) -> Following:
        """Begin a stream and wait for its first batch or its error."""
        following = Following()
        how = manner or self.manner
        stream = follow(
            self.realtime.hub,
            workspace_id,
            person_id,
            after=after,
            matches=matches,
            checkpoint_seconds=checkpoint_seconds,
            terms=None if how is Manner.ALONE else Shared(following, how, (how, matches, checkpoint_seconds)),
        )
        following.begin(stream)
        self._followings.append(following)
        await following.until(lambda one: one.batches or one.error)
        return following

    async def close(self) -> None:
        for following in self._followings:
            await following.stop()
        await self.realtime.close()
        await self.database.close()


@asynccontextmanager
async def running(database_url: str, redis_url: str) -> AsyncIterator[Node]:
    """A process that serves."""
    database = Database(database_url, pool_size=8)
    node = Node(database, Realtime(redis_url, database))
    node.realtime.run()
    try:
        await healthy(node)
        yield node
    finally:
        await node.close()


async def healthy(node: Node) -> None:
    await eventually(lambda: node.realtime.is_healthy)


async def eventually(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something inside the process that sends no message."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
