"""Programs that these tests run: Node with npm packages, and what a README shows."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "web"))

from build import generate, install  # noqa: E402 - web/ is no package: its scripts run before any environment exists
from node import Node, find_node  # noqa: E402

__all__ = ["HERE", "ROOT", "SHOWN_PATH", "Node", "alone", "find_node", "generate", "install", "run"]

WAIT_SECONDS = 180
SHOWN_PATH = {"PATH": f"{ROOT}/tests/site/bin:{os.environ['PATH']}"}
"""For what pages show: some programs that a page takes for granted are played there."""


def run(program: str | Path | Node, *arguments: str | Path, cwd: Path = HERE, **environment: str) -> str:
    """Runs a program and returns what it printed, which is the failure's message if it fails."""
    executable = program.executable if isinstance(program, Node) else program
    result = subprocess.run(
        [str(executable), *(str(argument) for argument in arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@contextmanager
def alone(package: Path) -> Iterator[None]:
    """One test process at a time builds a package; the others wait."""
    with (package / "README.md").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
