"""Server programs as children of this process: started, watched, stopped, and never left behind.

Invariant: a child does not outlive its parent for long. On Linux the kernel signals it when the parent dies (so
children must be started from the main thread, whose death is what counts); elsewhere, and for the moments in between,
its pid file lets the next start find and stop it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_SECONDS = 0.01
LOG_MAX_BYTES = 10 * 1024 * 1024
# Below the range that Linux and macOS hand to outgoing connections: a port from it could be taken, while our server is
# being restarted, by the very client that tries to reconnect (TCP even lets it connect to itself).
PORTS = range(20_000, 32_768)
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


class StackError(Exception):
    """The embedded servers cannot do what was asked; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account that a program runs as; None for the numbers means: as ourselves."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def unprivileged(cls, data: Path) -> Account:
        """Return whom PostgreSQL runs as: ourselves, or, as it refuses root, the owner of `data` or else `nobody`."""
        if os.geteuid() != 0:
            return cls()
        with suppress(FileNotFoundError):
            owner = data.stat()
            if owner.st_uid != 0:
                return cls(owner.st_uid, owner.st_gid)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    def can_enter(self, folder: Path) -> bool:
        """Tell whether the account may pass through `folder` and every folder above it."""
        return all(self.may_execute(path) for path in (folder, *folder.parents))

    def may_execute(self, path: Path) -> bool:
        """Tell whether the account may pass through that one folder."""
        if self.uid is None:
            return os.access(path, os.X_OK)
        status = path.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        if status.st_gid == self.gid:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)

    def own(self, path: Path) -> None:
        """Hand `path` over to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def run(self, command: list[str], *, stdin: str = "", timeout_seconds: float = 120) -> None:
        """Run `command` to its end as the account. Raises StackError with what it printed if it fails."""
        done = subprocess.run(  # noqa: S603 (a program of ours with arguments of ours)
            command,
            cwd="/",
            env=ENVIRONMENT,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            start_new_session=True,  # a Ctrl-C is for us; we end when this step is done
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            check=False,
        )
        if done.returncode != 0:
            raise StackError(
                f"{Path(command[0]).name} failed ({done.returncode}): {(done.stderr + done.stdout).strip()}"
            )


class ServerProcess(ABC):
    """A server program run as our child, on one port for as long as this object lives, through every restart."""

    name: str
    stop_signal: signal.Signals
    account: Account

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the program and its arguments."""

    @abstractmethod
    def is_ready(self, pid: int) -> bool:
        """Tell whether the program with that process id answers."""

    @property
    @abstractmethod
    def leftover(self) -> psutil.Process | None:
        """The process of an earlier run that is still alive, if any."""

    @property
    def pid(self) -> int:
        """The process id of the running program. Raises StackError if it is not running."""
        if self._process is None:
            raise StackError(f"{self.name} is not running")
        return self._process.pid

    def start(self, timeout_seconds: float = 60) -> None:
        """Start the program and return once it answers. Raises StackError with the end of its log if it does not."""
        deadline = time.monotonic() + timeout_seconds
        self._stop_leftover(timeout_seconds)
        rotate(self.log)
        begun = self.log.stat().st_size if self.log.exists() else 0
        while True:
            written = self.log.stat().st_size if self.log.exists() else 0
            self._process = process = self._spawn()
            while process.poll() is None and time.monotonic() < deadline:
                if self.is_ready(process.pid):
                    return
                time.sleep(POLL_SECONDS)
            is_late = process.poll() is None
            process.kill()
            process.wait()
            self._process = None
            said = self.log.read_bytes()[written:].decode(errors="replace").strip()
            if not is_late and self.is_passing_trouble(said) and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            reason = f"does not answer after {timeout_seconds:.0f} s" if is_late else "stopped at once"
            # Also what earlier attempts said: the last one may have been cut short by the time.
            said = self.log.read_bytes()[begun:].decode(errors="replace").strip()
            raise StackError(f"{self.name} {reason}. The end of {self.log}:\n{said[-2000:]}")

    def is_passing_trouble(self, said: str) -> bool:
        """Tell from what a failed start logged whether trying again soon may help."""
        return "Address already in use" in said

    def stop(self, timeout_seconds: float = 20) -> None:
        """Stop the program cleanly, by force if that takes too long. Does nothing if it is not running."""
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._signal_all(signal.SIGKILL)
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Kill the program and its own children at once (SIGKILL), as a crash would."""
        self._signal_all(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Stop the program and its own children in their tracks (SIGSTOP): connections stay open, nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen program go on (SIGCONT)."""
        self._signal_all(signal.SIGCONT)

    def restart(self) -> None:
        """Stop the program cleanly and start it again on the same port with the same data."""
        self.stop()
        self.start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (a program of ours with arguments of ours)
                self.command(),
                cwd="/",
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in a terminal goes to the whole process group; we stop the children ourselves, in order.
                start_new_session=True,
                user=self.account.uid,
                group=self.account.gid,
                extra_groups=None if self.account.uid is None else [],
                preexec_fn=die_with_parent(self.stop_signal, os.getpid()),  # noqa: PLW1509 (no threads run yet that could hold a lock)
            )

    def _signal_all(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self._process.pid)
            # The parent first: it would answer the death of a child by restarting the others.
            for process in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    def _stop_leftover(self, timeout_seconds: float) -> None:
        process = self.leftover
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)
            process.send_signal(self.stop_signal)
            try:
                process.wait(timeout_seconds)
            except psutil.TimeoutExpired as error:
                raise StackError(
                    f"an earlier {self.name} (process {process.pid}) does not stop; end it with: kill -9 {process.pid}"
                ) from error


def leftover(pid_file: Path, mark: str) -> psutil.Process | None:
    """Return the live process that `pid_file` names, if its command line holds `mark`.

    The number alone says little: it may be of a zombie, or by now of a stranger.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n")[0]))
        if process.status() != psutil.STATUS_ZOMBIE and mark in " ".join(process.cmdline()):
            return process
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        pass
    return None


def free_port(wanted: int | None = None) -> int:
    """Return a port of 127.0.0.1 that nobody listens on: `wanted` if it is free, else a random one."""
    candidates = [] if wanted is None else [wanted]
    candidates += random.sample(PORTS, 100)
    for port in candidates:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise StackError(f"no free port found on 127.0.0.1 between {PORTS.start} and {PORTS.stop - 1}")


def die_with_parent(number: signal.Signals, parent: int) -> Callable[[], None] | None:
    """Return what a child does first of all: ask Linux to send it `number` when its parent (a process id) dies."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        set_parent_death_signal = 1
        libc.prctl(set_parent_death_signal, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above took hold
            os._exit(1)

    return prepare


def rotate(log: Path) -> None:
    """Keep one old log of a program beside the current one, so that they do not grow for ever."""
    if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
        log.replace(log.with_suffix(".old.log"))
