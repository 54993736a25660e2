"""Note which lines of the product run, in every Python process that has this folder on PYTHONPATH.

`make test` puts it there, so that pytest's workers and the server processes they start are counted alike. SlipCover
puts probes into the byte code and takes each out once it has been hit; coverage.py, which traces every line, makes
CPython 3.11 2.7 times as slow. What was seen is left in files of coverage.py, which joins and reports them.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType

from coverage import Coverage, CoverageData
from slipcover import Slipcover
from slipcover.importer import FileMatcher, SlipcoverMetaPathFinder

ROOT = Path(__file__).resolve().parents[2]
PACKAGES: list[str] = Coverage(config_file=str(ROOT / "pyproject.toml")).get_option("run:source")  # type: ignore[assignment]


class OwnPackages(SlipcoverMetaPathFinder):
    """Leaves all other modules alone, before anything is looked for."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return super().find_spec(fullname, path, target) if fullname.partition(".")[0] in PACKAGES else None


probes = Slipcover()


@atexit.register
def write() -> None:
    """Leave a file of this process. One that is killed leaves none."""
    for file, lines in probes.newly_seen.items():
        probes.all_seen[file].update(lines)
    if not probes.all_seen:
        return
    data = CoverageData(basename=str(ROOT / ".coverage"), suffix=True)
    data.add_lines(probes.all_seen)
    data.touch_files(str(file) for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def write_and_end(number: int, _: FrameType | None) -> None:
    """Uvicorn's servers, too, end by this signal: after the shutdown they send it to themselves again."""
    write()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


signal.signal(signal.SIGTERM, write_and_end)
sys.meta_path.insert(0, OwnPackages(probes, FileMatcher(sources=[ROOT / package for package in PACKAGES])))
