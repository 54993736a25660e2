"""How much somebody may ask for in a minute, over all processes.

Each process counts what passes it and tells Redis soon, in the background, where the library `limits` adds up what all
processes counted. So asking never waits for Redis, and while it is away each process counts for itself.

Invariant: `spend` neither awaits nor raises. What passes beyond a limit is at most what all processes let through
between two tellings.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from limits.aio.storage import RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

WINDOW_SECONDS = 60
TELL_SECONDS = 0.1
RETRY_SECONDS = 1.0
REDIS_SECONDS = 0.5
TOLD_AT_ONCE = 8
MAX_HOLDERS = 50_000
"""Those who have not asked for longest are forgotten, and begin anew as far as this process knows."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Charge:
    """What an operation cost, and what is left until `reset_at`. `is_refused`: it is more than was left."""

    cost: int
    limit: int
    remaining: int
    reset_at: datetime
    retry_after_seconds: int
    is_refused: bool


@dataclass(slots=True)
class _Account:
    """What one holder has spent in a window: as all processes told, and what this one has not told yet."""

    window: int
    told: int = 0
    untold: int = 0


class Rates:
    """One per process. Raises ValueError for a bad URL."""

    def __init__(self, redis_url: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._untold: set[str] = set()
        self._wake = asyncio.Event()
        self._storage = RedisStorage(
            f"async+{redis_url}",
            implementation="redispy",
            key_prefix="tutti:rate",
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
        )
        self._redis = cast("Redis", cast("RedispyBridge", self._storage.bridge).get_connection())

    def spend(self, holder: str, cost: int, limit: int) -> Charge:
        """Let somebody spend so much, unless it is more than they have left; then nothing is spent."""
        at = self._clock()
        window = int(at // WINDOW_SECONDS)
        account = self._accounts.get(holder)
        if account is None or account.window != window:
            account = self._accounts[holder] = _Account(window)
            if len(self._accounts) > MAX_HOLDERS:
                self._untold.discard(self._accounts.popitem(last=False)[0])
        self._accounts.move_to_end(holder)
        left = limit - account.told - account.untold
        is_refused = cost > left
        if not is_refused:
            account.untold += cost
            left -= cost
            self._untold.add(holder)
            self._wake.set()
        reset_at = (window + 1) * WINDOW_SECONDS
        return Charge(
            cost=cost,
            limit=limit,
            remaining=max(0, left),
            reset_at=datetime.fromtimestamp(reset_at, UTC),
            retry_after_seconds=max(1, int(reset_at - at) + 1),
            is_refused=is_refused,
        )

    async def run(self) -> None:
        """Tell Redis what was counted, until cancelled."""
        try:
            await self._tell_for_ever()
        finally:
            await self._redis.aclose()

    async def _tell_for_ever(self) -> None:
        is_away = False
        while True:
            await self._wake.wait()
            await asyncio.sleep(RETRY_SECONDS if is_away else TELL_SECONDS)
            self._wake.clear()
            failed = await self._tell_all()
            if failed is not None and not is_away:
                logger.warning("Rates are counted by each process alone: %r", failed)
            is_away = failed is not None
            if self._untold:
                self._wake.set()

    async def _tell_all(self) -> Exception | None:
        """Tell of everybody, a few at once; -> what went wrong, if anything did."""
        waiting = list(self._untold)
        while waiting:
            some, waiting = waiting[:TOLD_AT_ONCE], waiting[TOLD_AT_ONCE:]
            results = await asyncio.gather(*[self._tell(one) for one in some], return_exceptions=True)
            for one in results:
                if isinstance(one, Exception):
                    return one
        return None

    async def _tell(self, holder: str) -> None:
        self._untold.discard(holder)
        account = self._accounts.get(holder)
        if account is None or not account.untold:
            return
        amount = account.untold
        try:
            total = await self._storage.incr(f"{holder}:{account.window}", 2 * WINDOW_SECONDS, amount)
        except Exception:
            self._untold.add(holder)
            raise
        account.told = total
        account.untold -= amount
