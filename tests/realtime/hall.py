"""People in a workspace whose presence is kept and told by two processes; each test makes its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from db.ids import new_id
from db.session import Database
from domain.presence import read_attendees
from realtime.presence import Presences
from realtime.presence_state import Presence, PresenceBatch, Status
from realtime.presence_store import Doing
from realtime.process import Realtime
from tests.realtime.world import PATIENCE_SECONDS, Node, eventually, healthy


@asynccontextmanager
async def attending(database_url: str, redis_url: str) -> AsyncIterator[Node]:
    """A process that serves, presence too."""
    database = Database(database_url, pool_size=8)
    node = Node(database, Realtime(redis_url, database, read_attendees))
    node.realtime.run()
    try:
        await healthy(node)
        await eventually(lambda: node.realtime.presences.is_healthy)
        yield node
    finally:
        await node.close()


@dataclass(eq=False)
class View:
    """What one viewer knows by what they were told; `told` is all of it."""

    told: list[PresenceBatch] = field(default_factory=list)
    people: dict[UUID, Presence] = field(default_factory=dict)
    error: Exception | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, batches: Any) -> None:
        try:
            async with aclosing(batches):
                async for batch in batches:
                    self._take(batch)
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.error = error
            self._news.set()

    def _take(self, batch: PresenceBatch) -> None:
        if batch.is_snapshot:
            self.people = {}
        else:
            assert batch.rev == self.told[-1].rev + 1, "a hole"
        for one in batch.presences:
            if one.status is Status.OFFLINE:
                assert not batch.is_snapshot
                assert one.person_id in self.people, "gone twice"
                del self.people[one.person_id]
            else:
                self.people[one.person_id] = one
        self.told.append(batch)
        self._news.set()

    def said_of(self, person_id: UUID) -> list[Presence]:
        """What was told of somebody since the first snapshot, snapshots left out."""
        return [
            one for batch in self.told if not batch.is_snapshot for one in batch.presences if one.person_id == person_id
        ]

    def departures(self, person_id: UUID) -> int:
        return sum(one.status is Status.OFFLINE for one in self.said_of(person_id))

    def status(self, person_id: UUID) -> Status | None:
        return self.people[person_id].status if person_id in self.people else None

    def doing(self, person_id: UUID) -> list[tuple[UUID, str | None, str]]:
        found = self.people[person_id].activities if person_id in self.people else ()
        return [(one.thing_id, one.field, one.mode.value) for one in found]

    async def until(self, condition: Callable[[View], object], seconds: float = PATIENCE_SECONDS) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"It did not come: {self.told[-5:]}, {self.error!r}") from None


@dataclass
class Hall:
    """A workspace; `close` it. Tabs are held until they are closed by their id."""

    workspace_id: UUID
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _tabs: dict[UUID, Any] = field(default_factory=dict)

    async def open(self, node: Node, person_id: UUID) -> UUID:
        """A tab of somebody. -> its id."""
        tab = new_id()
        held = node.realtime.presences.present(self.workspace_id, person_id, tab)
        await held.__aenter__()
        self._tabs[tab] = held
        return tab

    async def shut(self, tab: UUID) -> None:
        await self._tabs.pop(tab).__aexit__(None, None, None)

    async def say(
        self, node: Node, person_id: UUID, tab: UUID, status: Status = Status.ONLINE, doing: Doing | bool | None = False
    ) -> Presence | None:
        presences: Presences = node.realtime.presences
        found = await node.database.alone(lambda session: read_attendees(session, self.workspace_id, [person_id]))
        return await presences.update(self.workspace_id, person_id, tab, found[person_id], status, doing)

    async def view(self, node: Node, person_id: UUID, thing_id: UUID | None = None, **more: Any) -> View:
        """What somebody is told from now on; its first snapshot is there."""
        view = View()
        batches = node.realtime.presences.watch(self.workspace_id, person_id, thing_id, **more)
        task = asyncio.create_task(view.read(batches))
        self._stack.push_async_callback(_ended, task)
        await view.until(lambda one: one.told or one.error)
        return view

    async def close(self) -> None:
        for tab in list(self._tabs):
            await self.shut(tab)
        await self._stack.aclose()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
