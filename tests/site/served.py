"""The product as `make serve` serves it, for what pages, examples and clients show; and blocks that run in bash."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.mailbox import Mailbox
from tests.people import Api
from tests.processes import ROOT
from tests.site.pages import block
from tests.stack_fixture import temporary_state_dir

BIN = Path(sys.prefix) / "bin"
WAIT_SECONDS = 180


class Shell:
    """A block that runs in bash; it and all that it started are ended at the end."""

    def __init__(self, text: str, cwd: Path, environment: dict[str, str]) -> None:
        path = [Path(__file__).parent / "bin", BIN, os.environ["PATH"]]
        tools = {"PATH": ":".join(map(str, path)), "PYTHON": sys.executable}
        self.said = ""
        self._process = subprocess.Popen(
            ["bash", "-e", "-c", text],
            cwd=cwd,
            env={**os.environ, **tools, **environment},
            stdin=subprocess.PIPE,  # open, as a terminal is
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until(self, wanted: str) -> re.Match[str]:
        """Read what it says up to a line in which this is found. Raises AssertionError if it ends before."""
        assert self._process.stdout is not None
        timer = threading.Timer(WAIT_SECONDS, self.kill)
        timer.start()
        try:
            for line in self._process.stdout:
                self.said += line
                if found := re.search(wanted, line):
                    return found
        finally:
            timer.cancel()
        raise AssertionError(f"{wanted} was not said, but: {self.said}")

    def end(self) -> None:
        """Wait until it has ended well."""
        said, _ = self._process.communicate(timeout=WAIT_SECONDS)
        self.said += said
        assert self._process.returncode == 0, self.said

    def wait(self) -> None:
        self._process.communicate()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ctrl-C, as what serves wants to be ended."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=60)


@contextmanager
def shell(text: str, cwd: Path = ROOT, **environment: str) -> Iterator[Shell]:
    started = Shell(text, cwd, environment)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def ran(text: str, cwd: Path = ROOT, **environment: str) -> str:
    """What a block said that ended well."""
    with shell(text, cwd, **environment) as started:
        started.end()
        return started.said


@dataclass(frozen=True, slots=True)
class Served:
    """The product as the README's first command serves it."""

    url: str
    password: str
    mail: Path

    def here(self, text: str) -> str:
        """A block, with this server's address and the password that it printed."""
        return text.replace("http://127.0.0.1:8000", self.url).replace("the one that was printed", self.password)


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """`make serve`, with a state folder and a port of its own, and in the environment in which the tests run."""
    with temporary_state_dir() as state_dir:
        given = {
            "TUTTI_STATE_DIR": str(state_dir),
            "TUTTI_PORT": "0",
            "TUTTI_WEBHOOK_ALLOW_LOOPBACK": "on",
            "MAKEFLAGS": f"--no-print-directory VENV={sys.prefix}",
        }
        with shell(block("README.md", "sh", 0), **given) as started:
            url = started.until(r"Web client +(http://\S+)/")[1]
            password = started.until(r"Password +(\S+)")[1]
            started.until("Ctrl-C stops everything")
            yield Served(url, password, state_dir / "mail")
            started.stop()


@pytest.fixture(scope="session")
def served_api(served: Served, http: httpx.AsyncClient) -> Api:
    """The API of the product as it is served."""
    return Api(served.url, http, Mailbox(served.mail))
