"""Whose own things have changed: a number per person that rises with every change of them.

Messages say how far somebody has come, and the poll finds what they did not; what has changed is read by whoever waits,
from PostgreSQL and with the rights of that moment. Invariant: a message may be lost, doubled or late, as nothing but
`last` comes of it, and a watcher who has read up to a number waits until `last` is past it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from uuid import UUID

from db.log import read_epoch
from db.session import Database, Session
from realtime.counters import Counters
from realtime.messages import PERSONAL
from realtime.poll import Poll
from realtime.subscriber import Subscriber

ReadHeads = Callable[[Session, Collection[UUID]], Awaitable[dict[UUID, int]]]
"""(session, person ids) -> how far each has come."""

logger = logging.getLogger(__name__)


class Head:
    """How far the things of one person are known to have come. `epoch` changes with the database, and counts anew."""

    def __init__(self, person_id: UUID) -> None:
        self.person_id = person_id
        self.last = 0
        self.epoch = 0
        self.users = 0
        self._news = asyncio.Event()

    def expect(self, seq: int) -> None:
        if seq > self.last:
            self.last = seq
            self._tell()

    def start_anew(self, seq: int) -> None:
        """The database is another one, in which nothing need be as it was."""
        self.last = seq
        self.epoch += 1
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def beyond(self, seq: int, epoch: int) -> None:
        """Wait until there is something after `seq`, or the epoch is another one."""
        while self.last <= seq and self.epoch == epoch:
            await self._news.wait()


class Heads:
    """Everybody whose own things somebody in this process follows. `run` it."""

    def __init__(self, redis_url: str, database: Database, read_heads: ReadHeads, counters: Counters) -> None:
        self._database = database
        self._read_heads = read_heads
        self._counters = counters
        self._heads: dict[UUID, Head] = {}
        self._epoch: str | None = None
        self._subscriber = Subscriber(redis_url, self._hear, self._alarm, counters, PERSONAL)
        self._poll = Poll(self._look, lambda: self._subscriber.is_healthy, counters)

    async def run(self) -> None:
        """Listen and poll until cancelled."""
        tasks = [asyncio.create_task(one) for one in (self._subscriber.run(), self._poll.run())]
        try:
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def is_healthy(self) -> bool:
        """Whether Redis brings messages, as far as is known."""
        return self._subscriber.is_healthy

    @asynccontextmanager
    async def watch(self, person_id: UUID) -> AsyncIterator[Head]:
        """Hear of somebody's own things: of all that is committed from now on."""
        head = self._heads.setdefault(person_id, Head(person_id))
        head.users += 1
        try:
            if head.users == 1:
                self._subscriber.subscribe(person_id)
            await self._subscriber.acknowledged(person_id)
            yield head
        finally:
            head.users -= 1
            if head.users == 0:
                del self._heads[person_id]
                self._subscriber.unsubscribe(person_id)

    def _alarm(self) -> None:
        self._poll.alarm()

    def _hear(self, person_id: UUID, message: bytes) -> None:
        head = self._heads.get(person_id)
        if head is None:
            return
        try:
            head.expect(int(message))
        except ValueError:
            self._counters.malformed += 1
            logger.warning("A malformed message for person %s", person_id)

    async def _look(self) -> None:
        heads = list(self._heads.values())
        if not heads:
            return

        async def read(session: Session) -> tuple[str, dict[UUID, int]]:
            return await read_epoch(session), await self._read_heads(session, [one.person_id for one in heads])

        epoch, found = await self._database.alone(read)
        is_another = self._epoch not in (None, epoch)
        self._epoch = epoch
        for head in heads:
            seq = found.get(head.person_id, 0)
            if is_another:
                head.start_anew(seq)
            else:
                head.expect(seq)
