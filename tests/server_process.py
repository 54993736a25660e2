"""One real server process for tests: `python -m tests.server_process PORT_FILE`, settings from the environment.

Only two things differ from production: passwords cost little, and attempts are not limited unless a test asks for it
(TEST_ATTEMPTS=limited), since all tests come from one address. TEST_TOKEN_SECONDS says how long access tokens live,
TEST_LOGS lets it log what `tutti serve` logs, TEST_BUG names one of tests.faults.bugs to be served with, and after
SIGUSR1 the process ends as by kill -9 between its next commit and the publishing of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from argon2 import Parameters
from argon2.profiles import CHEAPEST

import server.app
import server.tokens
from db.models import Event
from db.session import Database
from domain.attempts import Limit, Limits
from domain.passwords import Passwords
from jobs.outbox import run_outbox
from realtime.process import Realtime
from server.background import post_office
from server.draining import Server
from server.logs import CONFIGURATION
from server.serve import speaking
from server.settings import Settings
from tests.faults.bugs import BUGS

COST: Parameters = CHEAPEST


def _unlimited() -> Limits:
    return Limits(**{one.name: Limit(one.name, 1_000_000, timedelta(minutes=1)) for one in fields(Limits)})


class Doomed(Realtime):
    """Ends its process instead of publishing, once it is told to."""

    is_doomed = False

    def announce(self, events: Sequence[Event]) -> None:
        if self.is_doomed:
            os._exit(137)
        super().announce(events)


async def _write_mails(settings: Settings) -> None:
    """What the jobs process does, in this one."""
    assert settings.database_url is not None
    await run_outbox(post_office(settings, Database(settings.database_url, pool_size=1)), pause_seconds=0.1)


def main(port_file: Path) -> None:
    for unlimited in ("TUTTI_POINTS_PER_MINUTE", "TUTTI_ANONYMOUS_POINTS_PER_MINUTE", "TUTTI_MAX_QUERY_COST"):
        os.environ.setdefault(unlimited, "1000000000")  # tests are faster than people, and ask for everything
    settings = Settings.from_environment()
    if name := os.environ.get("TEST_BUG"):
        bug = BUGS[name]
        setattr(bug.owner, bug.method, bug.broken())
    if seconds := os.environ.get("TEST_TOKEN_SECONDS"):
        server.tokens.ACCESS_TOKEN_LIFETIME = timedelta(seconds=float(seconds))
    signal.signal(signal.SIGUSR1, lambda *_: setattr(Doomed, "is_doomed", True))
    server.app.Realtime = Doomed  # type: ignore[misc]
    limits = Limits() if os.environ.get("TEST_ATTEMPTS") == "limited" else _unlimited()
    app = server.app.create_app(settings, attempt_limits=limits, passwords=Passwords(cost=COST))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(os.environ.get("TEST_PORT", "0"))))
    log_as: dict[str, Any] = {"log_level": "warning"}
    if "TEST_LOGS" in os.environ:
        log_as = {"log_level": "info", "log_config": CONFIGURATION}
    config = speaking(app, settings, **log_as, timeout_graceful_shutdown=5)

    class Announced(Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                port_file.write_text(str(listener.getsockname()[1]))
                if os.environ.get("TEST_OUTBOX") == "files":
                    self.outbox = asyncio.create_task(_write_mails(settings))

    Announced(config).run([listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
