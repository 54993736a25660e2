"""How long `tutti serve` takes until it is ready: the first time, again, and after a kill -9, with its embedded servers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.fleet import median
from bench.measure import Figure, Ground
from bench.programs import STOP_SECONDS, ProgramFailed, free_port, product_root

NAME = "Starting"
LIMIT_SECONDS = 60.0
HOW = """From starting the program `tutti serve` to the first good answer of `/readyz`, on all cores, with embedded PostgreSQL and Valkey. The
first start makes the database and the demo workspace. Warm starts follow a Ctrl-C, the others a kill -9 of the server; the median of
three."""


async def measure(ground: Ground) -> list[Figure]:
    """-> seconds until it is ready."""
    return await asyncio.to_thread(_measure, ground)


def _measure(ground: Ground) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="tutti-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        port = free_port()
        first = _start(folder, port, signal.SIGINT)
        warm = [_start(folder, port, signal.SIGINT) for _ in range(ground.plan.rounds)]
        crashed = [_start(folder, port, signal.SIGKILL) for _ in range(ground.plan.rounds + 1)][1:]
        _start(folder, port, signal.SIGINT)
    ground.say(f"first {first:.2f} s, warm {median(warm):.2f} s, after kill -9 {median(crashed):.2f} s")
    return [
        Figure("the first start", first, "s"),
        Figure("a warm start", median(warm), "s", "< 3 s"),
        Figure("a start after kill -9", median(crashed), "s"),
    ]


def _start(folder: str, port: int, ending: signal.Signals) -> float:
    """Start it, wait until it is ready, end it that way. -> seconds until it was ready."""
    environment = {**os.environ, "TUTTI_STATE_DIR": f"{folder}/state", "TUTTI_PORT": str(port)}
    for name in ("DATABASE_URL", "REDIS_URL", "TUTTI_ENV"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "server.cli", "serve"]
    began = time.monotonic()
    # Not by `subprocess`: its handling of a preexec function would count, and this one undoes the pinning of our core.
    pid = os.posix_spawn(
        sys.executable,
        command,
        {**environment, "PYTHONPATH": str(product_root())},
        file_actions=[(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)],
    )
    os.sched_setaffinity(pid, range(os.cpu_count() or 1))
    try:
        while not _is_ready(port):
            if time.monotonic() - began > LIMIT_SECONDS:
                raise ProgramFailed("tutti serve was not ready in time")
            time.sleep(0.01)
        return time.monotonic() - began
    finally:
        os.kill(pid, ending)
        deadline = time.monotonic() + STOP_SECONDS
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
