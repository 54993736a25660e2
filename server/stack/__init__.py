"""The embedded servers of one state folder: PostgreSQL and Valkey with their ports, passwords and lock.

Invariant: one owner at a time. Whoever holds the lock of the state folder may start, stop and create servers in it; a
second start is refused, never queued and never a second server on the same data.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from server.stack.postgres import EmbeddedPostgres
from server.stack.processes import StackError, free_port
from server.stack.valkey import EmbeddedValkey

__all__ = ["EmbeddedPostgres", "EmbeddedStack", "EmbeddedValkey", "StackError", "is_running", "recorded_addresses"]

# An owner that was just killed holds its lock for a moment longer.
LOCK_PATIENCE_SECONDS = 1.0


class EmbeddedStack:
    """The embedded servers, started by `with` and stopped at its end.

    Give `has_postgres=False` or `has_valkey=False` where a server of one's own is used. Ports are chosen when the stack
    is first started, kept in the state folder, and used again unless somebody else took them. Enter it from the main
    thread.
    """

    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey

    def __init__(
        self,
        state_dir: Path,
        *,
        has_postgres: bool = True,
        has_valkey: bool = True,
        postgres_settings: Mapping[str, str] | None = None,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self._has_postgres = has_postgres
        self._has_valkey = has_valkey
        self._postgres_settings = postgres_settings or {}
        self._report = report
        self._lock: int | None = None

    @property
    def database_url(self) -> str:
        """The address of the embedded database, in the form of DATABASE_URL."""
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        """The address of the embedded Valkey, in the form of REDIS_URL."""
        return self.valkey.url

    @property
    def jwt_secret(self) -> str:
        """The secret that signs access tokens, made on first use and kept in the state folder."""
        return secret(self.state_dir / "jwt.secret")

    def __enter__(self) -> Self:
        """Take the state folder and start the servers.

        Raises StackError if another process has the folder, or a server cannot be started.
        """
        self._take()
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the servers cleanly and give the state folder back."""
        for server in (getattr(self, "valkey", None), getattr(self, "postgres", None)):
            if server is not None:
                server.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self) -> None:
        try:
            self.state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
            descriptor = os.open(self.state_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StackError(
                f"the state folder {self.state_dir} cannot be written ({error.strerror}); set TUTTI_STATE_DIR to a "
                f"folder of your own"
            ) from error
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        while not has_locked(descriptor):
            if time.monotonic() > deadline:
                owner = os.read(descriptor, 32).decode() or "unknown"
                os.close(descriptor)
                raise StackError(
                    f"Tutti is already running with the state folder {self.state_dir} (process {owner}). Stop it "
                    f"first, or start this one with another folder: TUTTI_STATE_DIR=/some/folder TUTTI_PORT=8001"
                )
            time.sleep(0.05)
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._lock = descriptor

    def _start(self) -> None:
        remembered = recorded_ports(self.state_dir)
        if self._has_valkey:
            valkey_password = secret(self.state_dir / "valkey.password")
            self.valkey = EmbeddedValkey(self.state_dir, free_port(remembered.get("valkey")), valkey_password)
            self._timed("Valkey started", self.valkey.start)
        if self._has_postgres:
            password_file = self.state_dir / "postgres.password"
            if not password_file.exists() and (self.state_dir / "postgres").exists():
                raise StackError(
                    f"{password_file} is gone, so the database beside it cannot be opened. Put the file back, or "
                    f"remove {self.state_dir} to start anew without its data"
                )
            port = free_port(remembered.get("postgres"))
            self.postgres = EmbeddedPostgres(self.state_dir, port, secret(password_file), self._postgres_settings)
            if self.postgres.is_new:
                self._timed("PostgreSQL: database created", self.postgres.create)
            self._timed("PostgreSQL started", self.postgres.start)
        ports = remembered | {s: getattr(self, s).port for s in ("postgres", "valkey") if hasattr(self, s)}
        replace(self.state_dir / "ports.json", json.dumps(ports))

    def _timed(self, what: str, action: Callable[[], None]) -> None:
        started = time.monotonic()
        action()
        self._report(f"{what} ({time.monotonic() - started:.1f} s)")


def is_running(state_dir: Path) -> bool:
    """Tell whether some process has the embedded servers of that folder, without disturbing it."""
    try:
        descriptor = os.open(state_dir / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        return not has_locked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def recorded_addresses(state_dir: Path) -> tuple[str | None, str | None]:
    """Return (DATABASE_URL, REDIS_URL) of the folder's running servers; None for one that never ran from it.

    Raises StackError if they are another account's.
    """
    ports = recorded_ports(state_dir)
    try:
        postgres = valkey = None
        if "postgres" in ports:
            password = (state_dir / "postgres.password").read_text()
            postgres = EmbeddedPostgres(state_dir, ports["postgres"], password, {}).url
        if "valkey" in ports:
            valkey = EmbeddedValkey(state_dir, ports["valkey"], (state_dir / "valkey.password").read_text()).url
    except OSError as error:
        raise StackError(
            f"{error.filename} cannot be read ({error.strerror}); run as the account that serves"
        ) from error
    return postgres, valkey


def recorded_ports(state_dir: Path) -> dict[str, int]:
    """Return the ports of the last start, by the names `postgres` and `valkey`."""
    with suppress(FileNotFoundError, ValueError):
        found = json.loads((state_dir / "ports.json").read_text())
        return {name: port for name, port in found.items() if isinstance(port, int)}
    return {}


def has_locked(descriptor: int, how: int = fcntl.LOCK_EX) -> bool:
    """Take the lock of an open file if it can be had at once."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def secret(path: Path) -> str:
    """Return the secret in that file, which only we may read; make one of 256 bits the first time."""
    if not path.exists():
        replace(path, secrets.token_urlsafe(32))
    return path.read_text()


def replace(path: Path, text: str) -> None:
    """Write a file of mode 0600 whole or not at all, whatever happens meanwhile."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)
