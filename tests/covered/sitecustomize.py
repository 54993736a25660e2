"""Note which lines of the product run, in every Python process that has this folder on PYTHONPATH.

`make test` puts it there, so that pytest's workers and the server processes they start are counted alike. SlipCover
puts probes into the byte code and takes each out once it has been hit; coverage.py, which traces every line, makes
CPython 3.11 2.7 times as slow. What was seen is left in files of coverage.py, which joins and reports them.
"""

from __future__ import annotations

import atexit
import marshal
import os
import signal
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType

from coverage import Coverage, CoverageData
from slipcover import Slipcover, __version__
from slipcover.importer import FileMatcher, SlipcoverMetaPathFinder

if sys.version_info < (3, 12):
    from slipcover import probe

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".pytest_cache" / "probed"
PACKAGES: list[str] = Coverage(config_file=str(ROOT / "pyproject.toml")).get_option("run:source")  # type: ignore[assignment]


class OwnPackages(SlipcoverMetaPathFinder):
    """Leaves all other modules alone, before anything is looked for."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return super().find_spec(fullname, path, target) if fullname.partition(".")[0] in PACKAGES else None


class Keeping(Slipcover):
    """Keeps code with its probes in files, as Python keeps compiled code: to put them in takes each of some hundred
    processes more than a second. From Python 3.12 on there is nothing to put in."""

    def instrument(self, co: CodeType, parent: CodeType | None = None) -> CodeType:
        if parent is not None:
            return super().instrument(co, parent)
        source = Path(co.co_filename).stat()
        name = os.path.relpath(co.co_filename, ROOT).replace(os.sep, ".")
        file = KEPT / f"{name}.{source.st_mtime_ns}.{source.st_size}.{sys.implementation.cache_tag}.{__version__}"
        try:
            code = self._unpacked(marshal.loads(file.read_bytes()))
        except FileNotFoundError:
            code = super().instrument(co)
            KEPT.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_name(f"{file.name}.{os.getpid()}")
            unfinished.write_bytes(marshal.dumps(self._packed(code)))
            unfinished.replace(file)
        else:
            self.instrumented[co.co_filename].add(code)
        return code

    def _packed(self, code: CodeType) -> CodeType:
        """A probe cannot be written down, but where one belongs: in place of the probes, which are the last constants
        of all but a mark, after what they call."""
        places = tuple(self.code2index[code])
        own = code.co_consts[: -len(places) - 2]
        packed = [self._packed(one) if isinstance(one, CodeType) else one for one in own]
        return code.replace(co_consts=(*packed, places))

    def _unpacked(self, code: CodeType) -> CodeType:
        *own, places = code.co_consts
        unpacked = [self._unpacked(one) if isinstance(one, CodeType) else one for one in own]
        new = [probe.new(self, code.co_filename, line, self.d_miss_threshold) for _, line in places]
        whole = code.replace(co_consts=(*unpacked, probe.signal, *new, "__slipcover__"))
        self.code2index[whole] = list(places)
        return whole


probes = Keeping() if sys.version_info < (3, 12) else Slipcover()


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
