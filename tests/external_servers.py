"""Runs a command against PostgreSQL and Redis as this machine has them installed, not the embedded ones.

    python -m tests.external_servers pytest tests/api

Both are started in a folder of their own on free ports, as an account without privileges, and stopped when the command
ends. It finds them by DATABASE_URL and REDIS_URL.

Invariant: servers that the machine already runs are not touched; only their programs are used.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil

from server.stack.processes import Account, ServerProcess, StackError, free_port
from tests.stack_fixture import temporary_state_dir


class InstalledPostgres(ServerProcess):
    """The newest PostgreSQL under /usr/lib/postgresql."""

    name = "installed PostgreSQL"
    stop_signal = signal.SIGINT
    leftover: psutil.Process | None = None

    def __init__(self, folder: Path) -> None:
        super().__init__(free_port(), folder / "postgres.log")
        found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
        if not found:
            raise StackError("PostgreSQL is not installed; on Debian: apt-get install postgresql")
        self._programs = max(found, key=lambda path: float(path.parent.name))
        self._data = folder / "postgres"
        self._password = secrets.token_urlsafe(16)
        self.account = Account.unprivileged(self._data)

    @property
    def url(self) -> str:
        return f"postgresql://tester:{self._password}@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        self._data.mkdir(mode=0o700)
        password_file = self._data.with_name("password")
        password_file.write_text(self._password)
        self.account.own(self._data)
        self.account.own(password_file)
        initdb = [str(self._programs / "initdb"), "-D", str(self._data), "-U", "tester", f"--pwfile={password_file}"]
        self.account.run([*initdb, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"])

    def command(self) -> list[str]:
        options = ["-c", "max_connections=200", "-c", "fsync=off"]
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        return [str(self._programs / "postgres"), "-D", str(self._data), *address, *options]

    def is_ready(self, pid: int) -> bool:
        pid_file = self._data / "postmaster.pid"
        return pid_file.exists() and pid_file.read_text().rstrip().endswith("ready")


class InstalledRedis(ServerProcess):
    """The machine's redis-server."""

    name = "installed Redis"
    stop_signal = signal.SIGTERM
    leftover: psutil.Process | None = None

    def __init__(self, folder: Path) -> None:
        super().__init__(free_port(), folder / "redis.log")
        found = shutil.which("redis-server")
        if found is None:
            raise StackError("Redis is not installed; on Debian: apt-get install redis-server")
        self._program = found
        self.account = Account.unprivileged(folder / "redis")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return [self._program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", "/tmp"]

    def is_ready(self, pid: int) -> bool:
        return re.search("Ready to accept connections", self.log.read_text()) is not None


def main(command: list[str]) -> int:
    """Run the command with both addresses in its environment; return its exit code."""
    with ExitStack() as servers:
        folder = servers.enter_context(temporary_state_dir())
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)
        postgres, redis = InstalledPostgres(folder), InstalledRedis(folder)
        postgres.create()
        for server in (postgres, redis):
            server.start()
            servers.callback(server.stop)
            print(f"{server.name} runs: {server.command()[0]}", flush=True)
        addresses = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        return subprocess.run(command, env={**os.environ, **addresses}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
