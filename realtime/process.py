"""All of the real-time core that one server process runs: hub, poll, and both ways of Redis.

Invariant: nothing here fails because Redis does. Without it the poll alone
brings every event, a quarter of a second later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from db.models import Event
from db.presence import Attendee
from db.session import Database, Session
from realtime.counters import Counters
from realtime.heads import Heads, ReadHeads
from realtime.hub import Hub
from realtime.link import Link
from realtime.log import Log
from realtime.presence import Presences, ReadAttendees
from realtime.publisher import Publisher
from realtime.rates import Rates
from realtime.shelf import Shelf
from realtime.subscriber import Subscriber


async def read_nobody(session: Session, workspace_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, Attendee]:
    """Where nobody's presence is shown."""
    return {}


async def read_no_heads(session: Session, person_ids: Collection[UUID]) -> dict[UUID, int]:
    """Where people have nothing of their own."""
    return {}


class Realtime:
    """One per process; `announce` is what the unit of work calls after each commit. Raises ValueError for a bad URL."""

    def __init__(
        self,
        redis_url: str,
        database: Database,
        read_attendees: ReadAttendees = read_nobody,
        read_personal_heads: ReadHeads = read_no_heads,
    ) -> None:
        Link(redis_url)  # so that an address that makes no sense is refused here
        self.counters = Counters()
        self.hub = Hub(Log(database), self.counters)
        self._publisher = Publisher(redis_url, self.counters)
        self._subscriber = Subscriber(redis_url, self.hub.receive, self.hub.alarm, self.counters)
        self.hub.attach(self)
        self.presences = Presences(redis_url, database, self.hub, read_attendees, self.counters)
        self.heads = Heads(redis_url, database, read_personal_heads, self.counters)
        self.rates = Rates(redis_url)
        self.shelf = Shelf(redis_url)
        self._tasks: list[asyncio.Task[None]] = []

    def run(self) -> None:
        """Begin to listen, to poll and to publish. Neither server need be up yet."""
        runs = (
            self._subscriber.run(),
            self._publisher.run(),
            self.hub.run(),
            self.presences.run(),
            self.heads.run(),
            self.rates.run(),
        )
        self._tasks = [asyncio.create_task(one) for one in runs]

    async def close(self) -> None:
        """Stop. Streams that are still open hear nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.shelf.close()

    def announce(self, events: Sequence[Event]) -> None:
        """Tell all processes what was committed. Never waits, never raises."""
        self._publisher.announce(events)

    def announce_heads(self, heads: Mapping[UUID, int]) -> None:
        """Tell all processes whose own things have changed. Never waits, never raises."""
        self._publisher.announce_heads(heads)

    @property
    def is_healthy(self) -> bool:
        """Whether Redis takes and brings messages, as far as is known."""
        return self._subscriber.is_healthy and self._publisher.is_healthy

    def subscribe(self, workspace_id: UUID) -> None:
        self._subscriber.subscribe(workspace_id)

    def unsubscribe(self, workspace_id: UUID) -> None:
        self._subscriber.unsubscribe(workspace_id)

    async def acknowledged(self, workspace_id: UUID) -> None:
        await self._subscriber.acknowledged(workspace_id)
