"""The poll that makes up for a silent Redis: a look at what PostgreSQL says, again and again.

Invariant: it goes on whatever happens. Where messages are lost it is the only
thing that brings news.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from db.errors import Unavailable
from realtime.counters import Counters

POLL_SECONDS = 1.0
ALARMED_POLL_SECONDS = 0.25
"""The pace of the poll while Redis is not to be relied on."""

logger = logging.getLogger(__name__)


class Poll:
    """Calls `look` each second, more often while `is_healthy` says no, and at once after an alarm."""

    def __init__(self, look: Callable[[], Awaitable[None]], is_healthy: Callable[[], bool], counters: Counters) -> None:
        self._look = look
        self._is_healthy = is_healthy
        self._counters = counters
        self._look_now = asyncio.Event()

    def alarm(self) -> None:
        """Messages may be missing: look at once."""
        self._look_now.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS if self._is_healthy() else ALARMED_POLL_SECONDS):
                    await self._look_now.wait()
            except TimeoutError:
                pass
            self._look_now.clear()
            try:
                await self._look()
            except Unavailable:
                self._counters.poll_failures += 1
                await asyncio.sleep(ALARMED_POLL_SECONDS)
            except Exception:
                self._counters.poll_failures += 1
                logger.exception("The poll failed; it goes on.")
                await asyncio.sleep(ALARMED_POLL_SECONDS)
