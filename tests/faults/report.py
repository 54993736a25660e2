"""`make faults`: every test of this folder at full size, with all seeds; then docs/faults.md says what was seen.

`make faults ONLY=soak` runs one module of them, and replaces its section of the page alone.

Invariant: the page is written only from what the tests recorded, a test that failed is on it as failed, and each part
says when and where it was made.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "faults.md"

INTRODUCTION = """# Faults

What was done to real servers, and that nobody missed, doubled or reordered anything. `make faults` does it all again
and writes this page; `make test` does each with one seed, but for those of *Bounds* that take minutes. **The oracle**
([tests/faults/oracle.py](../tests/faults/oracle.py)) compares what every follower was told, over all of their
connections, with the rows of the log that they may see: each once, in order, up to the end; and every mutation that
was acknowledged is in the log just once, where its answer said. It is itself tested by serving with bugs made on
purpose ([bugs.py](../tests/faults/bugs.py)), which it has to find.
"""
QUIET = 0.05
"""What others may use of a machine without a word about it."""


@dataclass(slots=True)
class Row:
    """One test over all of its seeds."""

    runs: int = 0
    failed: int = 0
    seconds: float = 0.0
    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def rows_of(results: Path) -> dict[str, dict[str, Row]]:
    """module -> test -> what became of it."""
    found: dict[str, dict[str, Row]] = defaultdict(lambda: defaultdict(Row))
    for case in ElementTree.parse(results).iter("testcase"):
        row = found[case.get("classname", "").rsplit(".", 1)[-1]][_title(case.get("name", ""))]
        row.runs += 1
        row.failed += case.find("failure") is not None or case.find("error") is not None
        row.seconds += float(case.get("time", "0"))
        for one in case.iter("property"):
            row.figures[one.get("name", "")].append(float(one.get("value", "0")))
    return found


def _title(name: str) -> str:
    """`test_the_oracle_holds_when[redis_freezes-3]` -> `the oracle holds when redis freezes`."""
    plain, _, parameters = name.removeprefix("test_").partition("[")
    words = [word for word in parameters.rstrip("]").split("-") if not word.isdigit()]
    return " ".join(" ".join([plain, *words]).replace("_", " ").split())


def sections(found: dict[str, dict[str, Row]], made: str) -> dict[str, str]:
    """Module -> its part of the page. `made`: when and where."""
    written = {}
    for module, rows in found.items():
        runs, failed = (sum(getattr(row, name) for row in rows.values()) for name in ("runs", "failed"))
        minutes = sum(row.seconds for row in rows.values()) / 60
        lines = [
            f"## {_heading(module)}",
            "",
            f"{runs} runs in {minutes:.1f} minutes, **{failed} failed**; {made}.",
            "",
        ]
        lines += ["| what | runs | failed | seen, all runs together |", "|---|---|---|---|"]
        lines += [f"| {title} | {row.runs} | {row.failed or ''} | {_seen(row)} |" for title, row in rows.items()]
        written[module] = "\n".join(lines) + "\n"
    return written


def _heading(module: str) -> str:
    return module.removeprefix("test_").replace("_", " ").capitalize()


def merged(before: str, new: dict[str, str]) -> str:
    """A page with these sections instead of its own of the same names; in the order of the names.

    A section that does not say itself when it was made is not kept.
    """
    old = [text.rstrip("\n") + "\n" for text in re.split(r"^(?=## )", before, flags=re.MULTILINE)[1:]]
    kept = {text.partition("\n")[0]: text for text in old if " failed**; " in text}
    kept |= {text.partition("\n")[0]: text for text in new.values()}
    return "\n".join([INTRODUCTION, *(text for _, text in sorted(kept.items()))])


def _seen(row: Row) -> str:
    parts = []
    for name, values in row.figures.items():
        is_total = all(value == int(value) for value in values)
        parts.append(f"{name}: {sum(values):,.0f}" if is_total else f"{name}: at most {max(values):g}")
    return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, and processor time of the whole machine and of the programs that were run from here and have ended."""

    at: float
    busy: float
    ours: float

    @staticmethod
    def now() -> Clock:
        times, ours = psutil.cpu_times(), resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = times.user + times.nice + times.system + times.irq + times.softirq
        return Clock(time.monotonic(), busy, ours.ru_utime + ours.ru_stime)

    def others(self) -> float:
        """The share of the machine that others have used since."""
        now = Clock.now()
        capacity = (now.at - self.at) * (os.cpu_count() or 1)
        return max(0.0, (now.busy - self.busy) - (now.ours - self.ours)) / capacity


def _made(others: float) -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    revision = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC at {revision}; {machine}, Python {platform.python_version()}"
    return f"{made}; others used {others:.0%} of the machine meanwhile" if others > QUIET else made


def main(modules: list[str]) -> int:
    began = Clock.now()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                *([f"tests/faults/test_{module}.py" for module in modules] or ["tests/faults"]),
                "-p",
                "no:cacheprovider",
                "-o",
                "junit_family=xunit1",
                f"--junitxml={results}",
            ],
            cwd=ROOT,
            env={**os.environ, "FAULTS": "full"},
            check=False,
        )
        if results.exists():
            new = sections(rows_of(results), _made(began.others()))
            PAGE.write_text(merged(PAGE.read_text() if modules and PAGE.exists() else "", new))
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
