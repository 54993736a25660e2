"""The worker of webhooks as a process that tests kill -9: `python -m tests.webhooks_process`.

By DATABASE_URL and REDIS_URL. Its claims are short, so that the next one need not wait for long.
"""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

from db.session import Database
from domain.webhook_targets import TargetRules
from jobs.webhook_payloads import Payloads
from jobs.webhook_posting import Poster
from jobs.webhooks import Courier, Pace, run_webhooks
from realtime.bells import Bells
from realtime.counters import Counters


async def work() -> None:
    database = Database(os.environ["DATABASE_URL"])
    pace = Pace(backoff=(timedelta(milliseconds=50),) * 100, look_seconds=0.05, claim=timedelta(seconds=1))
    poster = Poster(TargetRules(is_http_allowed=True, is_loopback_allowed=True))
    await run_webhooks(Courier(database, poster, Payloads(database), Bells(os.environ["REDIS_URL"], Counters()), pace))


if __name__ == "__main__":
    asyncio.run(work())
