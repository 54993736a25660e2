"""`make faults`: every test of this folder at full size, with all seeds; then docs/faults.md says what was seen.

The page is written only from what the tests recorded; a test that failed is on it as failed.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "faults.md"

INTRODUCTION = """# Faults

What was done to real servers, and that nobody missed, doubled or reordered anything. `make faults` does it all again
and writes this page; `make test` does each with one seed. **The oracle**
([tests/faults/oracle.py](../tests/faults/oracle.py)) compares what every follower was told, over all of their
connections, with the rows of the log that they may see: each once, in order, up to the end; and every mutation that
was acknowledged is in the log just once, where its answer said. It is itself tested by serving with bugs made on
purpose ([bugs.py](../tests/faults/bugs.py)), which it has to find.
"""


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


def page(found: dict[str, dict[str, Row]], took_seconds: float) -> str:
    """The results as Markdown."""
    cases = [row for rows in found.values() for row in rows.values()]
    asked = ["git", "rev-parse", "--short", "HEAD"]
    revision = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [
        INTRODUCTION,
        f"Run on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC at {revision.stdout.strip()}: {os.cpu_count()} cores, "
        f"{platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}. "
        f"{sum(row.runs for row in cases)} runs in {took_seconds / 60:.0f} minutes, "
        f"**{sum(row.failed for row in cases)} failed**.",
    ]
    for module, rows in found.items():
        lines += ["", f"## {module.removeprefix('test_').replace('_', ' ').capitalize()}", ""]
        lines += ["| what | runs | failed | seen, all runs together |", "|---|---|---|---|"]
        for title, row in rows.items():
            lines.append(f"| {title} | {row.runs} | {row.failed or ''} | {_seen(row)} |")
    return "\n".join(lines) + "\n"


def _seen(row: Row) -> str:
    parts = []
    for name, values in row.figures.items():
        is_total = all(value == int(value) for value in values)
        parts.append(f"{name}: {sum(values):,.0f}" if is_total else f"{name}: at most {max(values):g}")
    return "; ".join(parts)


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "tests/faults",
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
            PAGE.write_text(page(rows_of(results), time.monotonic() - began))
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
