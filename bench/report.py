"""Our own figures as a page: one table, then how each was measured."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine
from bench.measure import Figure, Section

NOISY = (
    "**Other programs used {foreign:.0%} of this machine during the run (median of the rounds; stolen: {steal:.1%}), so the\n"
    "figures below say little. Run `make bench` on a machine that does nothing else.**"
)


def page(facts: dict[str, Any], sections: list[Section]) -> str:
    """The result as Markdown."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {facts['date']}: {facts['cores']} cores ({facts['cpu']}), {facts['memory_gib']} GiB, Linux",
        f"{facts['kernel']}, Python {facts['python']}; Tutti {facts['revision']}. One server process on one core; PostgreSQL, Valkey and the",
        "clients on the other. Beside other servers: [benchmarks-peers.md](benchmarks-peers.md), by `make bench ONLY=peers`.",
        "",
    ]
    if facts["foreign"] > machine.MAX_FOREIGN or facts["steal"] > machine.MAX_STEAL:
        lines += [NOISY.format(**facts), ""]
    lines += ["| measure | bound | measured |", "|---|---|---|"]
    lines += [f"| {one.what} | {one.bound} | {shown(one)} |" for section in sections for one in section.figures]
    lines += ["", "## How it was measured", ""]
    for section in sections:
        lines += [f"**{section.name}.** {section.how}", ""]
    return "\n".join(lines).rstrip() + "\n"


def shown(figure: Figure) -> str:
    digits = 2 if figure.unit == "s" else 1
    return f"{figure.value:,.{digits}f} {figure.unit}"


def write(facts: dict[str, Any], sections: list[Section], folder: Path) -> None:
    """The page, and the same for programs."""
    result = {**facts, "sections": [asdict(one) for one in sections]}
    (folder / "benchmarks.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "benchmarks.md").write_text(page(facts, sections))
