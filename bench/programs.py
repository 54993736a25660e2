"""Starts the programs that are measured, each pinned to its core, and ends them.

Invariant: whatever is started here is ended by the `ExitStack` it was entered into, also when a measurement fails.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import machine

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class ProgramFailed(Exception):
    """A program did not start, or ended too soon; the text has the end of what it said."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running PostgreSQL and Valkey."""

    database_url: str
    redis_url: str
    pids: tuple[int, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class Program:
    """A running server."""

    name: str
    url: str
    pid: int
    log: Path


def product_root() -> Path:
    """The tree of the product that is measured: this one, unless BENCH_PRODUCT names another."""
    return Path(os.environ.get("BENCH_PRODUCT", ROOT)).resolve()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


@contextmanager
def stack(core: int) -> Iterator[Stack]:
    """PostgreSQL and Valkey as the product embeds them, in a folder of their own, on the client's core."""
    # PostgreSQL's account must be able to enter the folder.
    outer = Path(tempfile.mkdtemp(prefix="tutti-bench-"))
    outer.chmod(0o711)
    log = outer / "stack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "bench/stack_process.py"), str(outer / "state")],
            cwd=product_root(),
            env={**os.environ, "PYTHONPATH": str(product_root())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise ProgramFailed(f"PostgreSQL and Valkey did not start:\n{_tail(log)}")
        said = json.loads(line)
        for pid in said["pids"]:
            for process_id in [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]:
                machine.pin(process_id, core)
        yield Stack(said["database_url"], said["redis_url"], tuple(said["pids"]), outer)
    finally:
        process.stdin.close()
        _wait(process)
        shutil.rmtree(outer, ignore_errors=True)


@contextmanager
def program(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    core: int,
    cwd: Path,
    ready: str = "/",
) -> Iterator[Program]:
    """A server that listens on the port in its PORT variable, once `ready` is answered."""
    port = free_port()
    log = folder / f"{name}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, "NODE_ENV": "production", **environment, "PORT": str(port), "TUTTI_PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509 (no threads are running yet)
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url + ready):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ProgramFailed(f"{name} did not start:\n{_tail(log)}")
            time.sleep(0.05)
        yield Program(name, url, process.pid, log)
        if process.poll() is not None:
            raise ProgramFailed(f"{name} ended by itself:\n{_tail(log)}")
    finally:
        process.terminate()
        _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError as error:
        # Any answer shows that it listens; only the product's own readiness is asked for by its status.
        return getattr(error, "code", None) is not None and not url.endswith("/readyz")


SECRET = secrets.token_urlsafe(48)


@contextmanager
def tutti(stack: Stack, core: int, *, has_history: bool = True) -> Iterator[Program]:
    """The product by `tutti serve`, one process, with limits lifted: many sockets may be one
    person's, who asks as often as they like, and webhooks may lead to this machine.

    `has_history`: without, it is one that remembers no changes, to be measured beside the other.
    """
    name = "tutti" if has_history else "forgetful"
    environment = {
        "DATABASE_URL": stack.database_url,
        "REDIS_URL": stack.redis_url,
        "TUTTI_JWT_SECRET": SECRET,
        "TUTTI_STATE_DIR": str(stack.folder / name),
        "TUTTI_MAX_SOCKETS_PER_PERSON": "5000",
        "TUTTI_POINTS_PER_MINUTE": "1000000000",
        "TUTTI_ANONYMOUS_POINTS_PER_MINUTE": "1000000000",
        "TUTTI_WEBHOOK_ALLOW_LOOPBACK": "on",
        "PYTHONPATH": str(product_root()),
    }
    command = [sys.executable, "-m", "server.cli", "serve"]
    if not has_history:
        command = [sys.executable, str(ROOT / "bench/forgetful_process.py")]
    with program(name, command, environment, stack.folder, core, product_root(), "/readyz") as running:
        yield running
