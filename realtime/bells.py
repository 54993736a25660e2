"""Says that something was committed in one of several workspaces, and not what: for whoever reads the log anyway.

A bell may ring in vain or not at all, as messages get lost, so whoever listens looks now and then by themselves.
Invariant: `count` rises with each ring, so a ring that came while something was read is not missed by its reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

from realtime.counters import Counters
from realtime.subscriber import Subscriber


class Bells:
    """One per process; `run` it. For one waiter. Raises ValueError for a bad URL."""

    def __init__(self, redis_url: str, counters: Counters) -> None:
        self.count = 0
        self._workspace_ids: set[UUID] = set()
        self._rung = asyncio.Event()
        self._subscriber = Subscriber(redis_url, lambda workspace_id, message: self.ring(), self.ring, counters)

    async def run(self) -> None:
        """Listen until cancelled."""
        await self._subscriber.run()

    def listen_to(self, workspace_ids: Collection[UUID]) -> None:
        """Hear these workspaces from now on, and no others."""
        wanted = set(workspace_ids)
        for one in wanted - self._workspace_ids:
            self._subscriber.subscribe(one)
        for one in self._workspace_ids - wanted:
            self._subscriber.unsubscribe(one)
        self._workspace_ids = wanted

    def ring(self) -> None:
        """Wake whoever waits, or will wait next."""
        self.count += 1
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Until it has rung since the last time, but no longer than this."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()
