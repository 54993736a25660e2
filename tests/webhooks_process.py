"""The worker of webhooks as a process that tests kill -9: `python -m tests.webhooks_process`.

By DATABASE_URL and REDIS_URL. CLAIM_SECONDS: so long it claims a webhook; POST_SECONDS: so long an attempt may take;
AT_ONCE: so many webhooks it works on. With STOP_ONCE it stops itself as by SIGSTOP when it has read what it is about to
send. It says READY when it begins.
"""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import datetime, timedelta

from db.models import Webhook
from db.session import Database
from domain.webhook_targets import TargetRules
from jobs.webhook_payloads import Page, Payloads
from jobs.webhook_posting import SECONDS, Poster
from jobs.webhooks import CLAIM, Courier, Pace, run_webhooks
from realtime.bells import Bells
from realtime.counters import Counters


class Stopping(Payloads):
    """Stands still once, between reading and sending."""

    has_stopped = False

    async def next_page(self, webhook: Webhook, most: int, at: datetime) -> Page | None:
        page = await super().next_page(webhook, most, at)
        if page is not None and page.messages and not self.has_stopped:
            self.has_stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)
        return page


def _seconds(name: str, otherwise: float) -> float:
    return float(os.environ.get(name, otherwise))


async def work() -> None:
    database = Database(os.environ["DATABASE_URL"])
    payloads = (Stopping if "STOP_ONCE" in os.environ else Payloads)(database)
    pace = Pace(
        backoff=(timedelta(milliseconds=50),) * 100,
        look_seconds=0.05,
        claim=timedelta(seconds=_seconds("CLAIM_SECONDS", CLAIM.total_seconds())),
        webhooks_at_once=int(os.environ.get("AT_ONCE", "200")),
    )
    rules = TargetRules(is_http_allowed=True, is_loopback_allowed=True)
    poster = Poster(rules, seconds=_seconds("POST_SECONDS", SECONDS))
    bells = Bells(os.environ["REDIS_URL"], Counters())
    os.write(1, b"READY\n")
    await run_webhooks(Courier(database, poster, payloads, bells, pace))


if __name__ == "__main__":
    asyncio.run(work())
