"""Rings the bell: tells Redis what was committed, without ever making a mutation wait.

Invariant: `announce` neither awaits nor raises. The log already holds the
events, so a publish that fails is a number in the counters and nothing more;
readers find out by their poll.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
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

Message = Callable[[], list[tuple[bytes, ...]]]
"""What one commit has to say, as commands that are made when it is their turn."""

logger = logging.getLogger(__name__)


def _of_events(events: Sequence[Event]) -> list[tuple[bytes, ...]]:
    return [(b"PUBLISH", messages.channel(events[0].workspace_id), messages.encode(events))]


def _of_heads(heads: Mapping[UUID, int]) -> list[tuple[bytes, ...]]:
    return [(b"PUBLISH", messages.channel(one, messages.PERSONAL), b"%d" % seq) for one, seq in heads.items()]


class Publisher:
    """One link and one task that publishes what waits, in order, many messages to a round trip."""

    def __init__(self, redis_url: str, counters: Counters) -> None:
        self._redis_url = redis_url
        self._counters = counters
        self._waiting: deque[Message] = deque()
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
            self._say(partial(_of_events, tuple(of_workspace)))

    def announce_heads(self, heads: Mapping[UUID, int]) -> None:
        """Publish how far the personal things of people have come, in the same manner."""
        self._say(partial(_of_heads, dict(heads)))

    def _say(self, message: Message) -> None:
        if self._is_open or len(self._waiting) >= MAX_WAITING:
            self._counters.publish_skipped += 1
        else:
            self._waiting.append(message)
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
        said = [self._waiting.popleft() for _ in range(min(MAX_AT_ONCE, len(self._waiting)))]
        try:
            commands = [command for message in said for command in message()]
        except Exception:  # a bug in an event must not end all publishing
            logger.exception("An event could not be encoded.")
            self._counters.publish_failures += len(said)
            return
        if await self._try(commands):
            self._counters.published += len(said)
        else:
            self._counters.publish_failures += len(said)

    async def _try(self, commands: Sequence[tuple[bytes, ...]]) -> bool:
        """Send commands within the deadline (connecting, if need be, has its own). Counts for the breaker."""
        try:
            if self._link is None:
                self._link = Link(self._redis_url)
                await self._link.connect()
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._link.ask(*commands)
        except Exception as error:
            if not isinstance(error, BROKEN):  # a bug must not end all publishing
                logger.exception("Redis could not be told.")
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
