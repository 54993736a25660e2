"""Rings the bell: tells Redis what was committed, without ever making a mutation wait.

Invariant: `announce` neither awaits nor raises. The log already holds the
events, so a publish that fails is a number in the counters and nothing more;
readers find out by their poll.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Sequence
from uuid import UUID

from db.models import Event
from realtime import messages
from realtime.counters import Counters
from realtime.link import BROKEN, Link

DEADLINE_SECONDS = 0.1
MAX_WAITING = 1_000
"""Messages that may wait for Redis; more would be old news by the time they went."""
MAX_AT_ONCE = 64
FAILURES_TO_OPEN = 3
PROBE_SECONDS = 1.0
IDLE_PROBE_SECONDS = 5.0
"""A link that rests is asked this often, so that a dead one is found before an event needs it."""

logger = logging.getLogger(__name__)


class Publisher:
    """One link and one task that publishes what waits, in order, many messages to a round trip."""

    def __init__(self, redis_url: str, counters: Counters) -> None:
        self._redis_url = redis_url
        self._counters = counters
        self._waiting: deque[tuple[Event, ...]] = deque()
        self._wake = asyncio.Event()
        self._link: Link | None = None
        self._failures = 0
        self._is_open = False

    @property
    def is_healthy(self) -> bool:
        """False while the breaker is open and nothing is published."""
        return not self._is_open

    def announce(self, events: Sequence[Event]) -> None:
        """Publish one commit's events soon, if Redis is well. At most once; in order per workspace."""
        by_workspace: dict[UUID, list[Event]] = defaultdict(list)
        for event in events:
            by_workspace[event.workspace_id].append(event)
        for of_workspace in by_workspace.values():
            if self._is_open or len(self._waiting) >= MAX_WAITING:
                self._counters.publish_skipped += 1
            else:
                self._waiting.append(tuple(of_workspace))
                self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        try:
            await self._try([(b"PING",)])
            while True:
                await self._rest()
                while self._waiting:
                    await self._publish_some()
                if self._is_open:
                    await self._recover()
        finally:
            await self._hang_up()

    async def _rest(self) -> None:
        """Wait for something to publish, asking an idle link now and then whether it lives."""
        self._wake.clear()
        if self._waiting:
            return
        try:
            async with asyncio.timeout(IDLE_PROBE_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            await self._try([(b"PING",)])

    async def _publish_some(self) -> None:
        commits = [self._waiting.popleft() for _ in range(min(MAX_AT_ONCE, len(self._waiting)))]
        try:
            commands = [
                (b"PUBLISH", messages.channel(commit[0].workspace_id), messages.encode(commit)) for commit in commits
            ]
        except Exception:  # a bug in an event must not end all publishing
            logger.exception("An event could not be encoded.")
            self._counters.publish_failures += len(commits)
            return
        if await self._try(commands):
            self._counters.published += len(commits)
        else:
            self._counters.publish_failures += len(commits)

    async def _try(self, commands: Sequence[tuple[bytes, ...]]) -> bool:
        """Send commands within the deadline (connecting, if need be, has its own). Counts for the breaker."""
        try:
            if self._link is None:
                self._link = Link(self._redis_url)
                await self._link.connect()
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._link.ask(*commands)
        except BROKEN as error:
            await self._hang_up()
            self._failures += 1
            if self._failures >= FAILURES_TO_OPEN and not self._is_open:
                self._is_open = True
                self._counters.publish_skipped += len(self._waiting)
                self._waiting.clear()
                logger.warning("Redis does not take messages, publishing pauses: %r", error)
            return False
        self._failures = 0
        return True

    async def _recover(self) -> None:
        """Half open: ask Redis now and then, and close the breaker once it answers."""
        while self._is_open:
            await asyncio.sleep(PROBE_SECONDS)
            if await self._try([(b"PING",)]):
                self._is_open = False
                logger.info("Redis takes messages again.")

    async def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()
