"""Our own figures as a page: a table for each measurement, and how it was made.

Invariant: each section says when, of which revision and on how quiet a machine its figures are, as measurements may be run
one by one: a new run replaces its own sections and keeps the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine
from bench.measure import Figure, Section

HEAD = """# Benchmarks

Written by `make bench`; `make bench ONLY=latency` measures one part anew. One server process on one core; PostgreSQL, Valkey and the
clients on the other. `make bench ONLY=peers` measures it beside other servers.
"""
NOISY = (
    "**Other programs used {foreign:.0%} of this machine meanwhile (median of the rounds; stolen: {steal:.1%}), so these figures\n"
    "say little. Run it on a machine that does nothing else.**"
)


def page(sections: Sequence[Section]) -> str:
    """The result as Markdown."""
    return "\n".join([HEAD, *[_section(one) for one in sections]])


def _section(section: Section) -> str:
    facts = section.facts
    lines = [f"## {section.name}", ""]
    if facts["foreign"] > machine.MAX_FOREIGN or facts["steal"] > machine.MAX_STEAL:
        lines += [NOISY.format(**facts), ""]
    lines += ["| measure | bound | measured |", "|---|---|---|"]
    lines += [f"| {one.what} | {one.bound} | {shown(one)} |" for one in section.figures]
    where = f"{facts['cores']} cores ({facts['cpu']}), {facts['memory_gib']} GiB, Linux {facts['kernel']}, Python {facts['python']}"
    lines += ["", section.how, "", f"Measured {facts['date']} at {facts['revision']}; {where}.", ""]
    return "\n".join(lines)


def shown(figure: Figure) -> str:
    digits = 2 if figure.unit == "s" else 1
    return f"{figure.value:,.{digits}f} {figure.unit}"


def merged(known: Sequence[Section], new: Sequence[Section], order: Sequence[str]) -> list[Section]:
    """The new sections and those that were not measured again, in this order of names."""
    by_name = {one.name: one for one in [*known, *new]}
    return [by_name[name] for name in order if name in by_name]


def read(folder: Path) -> list[Section]:
    """What was measured before."""
    try:
        found: list[dict[str, Any]] = json.loads((folder / "benchmarks.json").read_text())
    except FileNotFoundError:
        return []
    return [Section(**{**one, "figures": [Figure(**figure) for figure in one["figures"]]}) for one in found]


def write(sections: Sequence[Section], folder: Path) -> None:
    """The page, and the same for programs."""
    (folder / "benchmarks.json").write_text(json.dumps([asdict(one) for one in sections], indent=1) + "\n")
    (folder / "benchmarks.md").write_text(page(sections))
