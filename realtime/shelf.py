"""Keeps texts by their hash in Redis, for all processes and for a while. What is lost is sent again by who has it."""

from __future__ import annotations

import asyncio
import time

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from realtime.link import BROKEN, closed_as_reset

PREFIX = "tutti:document:"
KEPT_SECONDS = 24 * 3600
DEADLINE_SECONDS = 0.1
PAUSE_SECONDS = 1.0
"""How long Redis is left alone after it did not answer in time."""


class Shelf:
    """One per process: execution.persisted.Shelf. Raises ValueError for a bad URL."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Redis = Redis.from_url(redis_url, decode_responses=True, retry=Retry(NoBackoff(), 0))
        self._not_before = 0.0

    async def get(self, key: str) -> str | None:
        """The text, kept for another while; None if it is not there, or Redis is away."""
        if time.monotonic() < self._not_before:
            return None
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                with closed_as_reset():
                    found = await self._redis.getex(PREFIX + key, ex=KEPT_SECONDS)
        except BROKEN:
            self._not_before = time.monotonic() + PAUSE_SECONDS
            return None
        return None if found is None else str(found)

    async def put(self, key: str, text: str) -> None:
        """Keep a text, if Redis is well."""
        if time.monotonic() < self._not_before:
            return
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                with closed_as_reset():
                    await self._redis.set(PREFIX + key, text, ex=KEPT_SECONDS)
        except BROKEN:
            self._not_before = time.monotonic() + PAUSE_SECONDS

    async def close(self) -> None:
        await self._redis.aclose()
