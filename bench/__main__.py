"""Our own figures as a program: `make bench`, or `python -m bench [--quick] [MEASURE...]`.

Writes docs/benchmarks.json and the page beside it. `--quick` shows only that all works, and names of measures run only
those; then nothing is written.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

import uvloop

from bench import joining, latency, machine, presence, report, sockets, starting, systems
from bench.measure import Ground, Section
from bench.people import make_team
from bench.programs import ROOT, stack, tutti
from bench.rounds import Plan

MEASURES: dict[str, ModuleType] = {
    "latency": latency,
    "joining": joining,
    "presence": presence,
    "sockets": sockets,
    "starting": starting,
}
PEOPLE = 5


def say(line: str) -> None:
    print(f"  {line}", flush=True)


async def measure(plan: Plan, names: list[str]) -> list[Section]:
    """Run these measures, each on a server of its own."""
    cores = machine.cores()
    machine.pin(os.getpid(), cores.client)
    sections = []
    for name in names:
        module = MEASURES[name]
        print(module.NAME, flush=True)
        with stack(cores.client) as servers, tutti(servers, cores.server) as server:
            team = await make_team(server.url, servers, PEOPLE)
            figures = await module.measure(Ground(server, servers, team, cores, plan, say))
        sections.append(Section(module.NAME, module.HOW, figures))
    return sections


def main() -> int:
    words = sys.argv[1:]
    plan = Plan(is_quick="--quick" in words)
    names = [word for word in words if not word.startswith("--")] or list(MEASURES)
    if unknown := set(names) - set(MEASURES):
        print(f"There is no measure {', '.join(unknown)}; there are {', '.join(MEASURES)}.")
        return 2
    sections = uvloop.run(measure(plan, names))
    noises = sorted(plan.noises, key=lambda one: one.share)
    middle = noises[len(noises) // 2] if noises else machine.Noise(0.0, 0.0)
    facts = {
        **machine.facts(systems.python_versions),
        "revision": systems.revision(),
        "foreign": middle.foreign,
        "steal": middle.steal,
    }
    if not plan.is_quick and names == list(MEASURES):
        report.write(facts, sections, ROOT / "docs")
    print(report.page(facts, sections).partition("\n## How")[0])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
