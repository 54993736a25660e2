"""What the processes of `tutti serve` log, and where: one line an event, to standard error.

Invariant: no access log. Addresses of requests may carry what nobody else should read, and the one log line an operator
acts on drowns among them.
"""

from __future__ import annotations

from typing import Any

CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {name: {"level": "INFO"} for name in ("tutti", "server", "jobs", "domain", "realtime", "db")},
}
