"""The worker of webhooks beside a test: quick, and with receivers on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from db.session import Database
from db.unit_of_work import now
from domain.webhook_targets import TargetRules
from jobs.webhook_payloads import Payloads
from jobs.webhook_posting import SECONDS, Poster
from jobs.webhooks import Courier, Pace, run_webhooks
from realtime.bells import Bells
from realtime.counters import Counters

HERE = TargetRules(is_http_allowed=True, is_loopback_allowed=True)
QUICK = Pace(
    backoff=(timedelta(milliseconds=20),) * 3,
    probe_every=timedelta(milliseconds=50),
    look_seconds=0.02,
    rest_seconds=0.0,
    claim=timedelta(seconds=30),
)


@asynccontextmanager
async def working(
    database: Database,
    redis_url: str,
    pace: Pace = QUICK,
    seconds: float = SECONDS,
    clock: Callable[[], datetime] = now,
) -> AsyncIterator[Courier]:
    """A worker at work."""
    poster = Poster(HERE, seconds=seconds)
    courier = Courier(database, poster, Payloads(database), Bells(redis_url, Counters()), pace, clock)
    run = asyncio.create_task(run_webhooks(courier))
    try:
        yield courier
    finally:
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run
        await poster.close()
