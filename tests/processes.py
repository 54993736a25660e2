"""Server processes that tests start, watch and kill. What one of them logs is in its `log` file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET = "a-secret-for-tests-of-more-than-32-characters"
START_SECONDS = 90


def assert_untroubled(logged: str) -> None:
    """No server has logged a traceback; else the first one is shown."""
    at = logged.find("Traceback")
    assert at < 0, logged[max(at - 500, 0) : at + 6000]


@dataclass(slots=True)
class ServerProcess:
    """One `tests.server_process`, restartable on the port that it got first."""

    folder: Path
    environment: dict[str, str]
    name: str = "server"
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens."""
        port_file = self.folder / f"{self.name}.port"
        port_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.server_process", str(port_file)],
                cwd=ROOT,
                env={**os.environ, **self.environment, "TEST_PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists() or not port_file.read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The server did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)
        self.port = int(port_file.read_text())

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, timeout: float = 60) -> int:
        assert self._process is not None
        return self._process.wait(timeout)

    def stop(self) -> None:
        """SIGTERM, so that its coverage is written; killed if it does not end."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def server_processes(
    folder: Path, database_url: str, redis_url: str, names: tuple[str, ...] = ("one", "two"), **environment: str
) -> Iterator[list[ServerProcess]]:
    """Server processes on one database and one Redis; stopped at the end."""
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "TUTTI_JWT_SECRET": SECRET,
        "TUTTI_STATE_DIR": str(folder),
        **environment,
    }
    servers = [ServerProcess(folder, settings, name) for name in names]
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in servers:
            server.stop()
