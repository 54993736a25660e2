"""The processes that answer on one port: started, started again when they die, and told when to stop.

Invariant: only the parent acts on signals, and tells its workers through a pipe. A terminal sends Ctrl-C and a service
manager sends SIGTERM to all processes at once; a worker that also heard of it directly would take the parent's word for
a second signal and cut off what is under way. The pipe's end is the parent's death.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from server.draining import Server
from server.team import Team

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 1.0
"""A worker that dies is followed by another; those that die again and again, not faster than this."""

log = logging.getLogger("tutti.server")


@dataclass(frozen=True, slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    number: int
    started_at: float


class Workers:
    """`config.workers` processes on one listening socket."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        self._config = config
        self._listener = listener
        self._workers: list[_Worker] = []
        self._signals: list[int] = []
        self._bell = multiprocessing.Pipe()
        self._has_failed = False
        self._folder: Path | None = None

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        """A signal for all of them. Only noted: it may interrupt anything."""
        self._signals.append(number)
        self._bell[0].send(number)

    def run(self) -> int:
        """Serve until a signal; return the exit code."""
        with tempfile.TemporaryDirectory(prefix="tutti-workers-") as folder:
            self._folder = Path(folder)
            return self._run()

    def _run(self) -> int:
        for number in range(self._config.workers):
            self._start(number)
        while not self._signals and not self._has_failed:
            self._wait()
            self._replace_dead()
        told = 0
        while any(worker.process.is_alive() for worker in self._workers):
            signals = self._signals or [signal.SIGINT]
            for number in signals[told:]:
                self._tell(number)
            told = len(signals)
            self._wait()
        return STARTUP_FAILURE if self._has_failed else 0

    def _wait(self) -> None:
        """Until a signal comes or a worker ends."""
        living = [worker.process.sentinel for worker in self._workers if worker.process.is_alive()]
        wait([self._bell[1], *living], LOOK_SECONDS)
        while self._bell[1].poll():
            self._bell[1].recv()

    def _start(self, number: int) -> None:
        # Spawned, so that it inherits no lock that a thread holds.
        ours, theirs = multiprocessing.Pipe()
        team = Team(number, self._config.workers, self._folder)
        process = multiprocessing.get_context("spawn").Process(
            target=answer, args=(self._config, self._listener, theirs, team), name="tutti-worker"
        )
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours, number, time.monotonic()))

    def _replace_dead(self) -> None:
        for worker in [worker for worker in self._workers if not worker.process.is_alive()]:
            if worker.process.exitcode == STARTUP_FAILURE:
                # It would fail the same way again.
                self._has_failed = True
                return
            log.warning(
                "Worker %d ended (%s); another one takes its place", worker.process.pid, worker.process.exitcode
            )
            if time.monotonic() - worker.started_at < PATIENCE_SECONDS:
                time.sleep(PATIENCE_SECONDS)
            worker.pipe.close()
            self._workers.remove(worker)
            self._start(worker.number)

    def _tell(self, number: int) -> None:
        for worker in self._workers:
            try:
                worker.pipe.send(number)
            except OSError:
                continue  # it is gone already


def answer(config: uvicorn.Config, listener: socket.socket, pipe: Connection, team: Team) -> None:
    """What a worker does: answer until it is told to stop, or its parent is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    config.configure_logging()
    team.tell()
    server = Server(config, is_told=True)

    def listen() -> None:
        try:
            while True:
                server.handle_exit(pipe.recv(), None)
        except (EOFError, OSError):  # the parent is gone: its embedded servers as well, and the port is wanted
            server.handle_exit(signal.SIGINT, None)
            server.handle_exit(signal.SIGINT, None)

    threading.Thread(target=listen, daemon=True).start()
    server.run([listener])
