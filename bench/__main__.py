"""Our own figures as a program: `make bench`, or `python -m bench [--quick] [MEASURE...]`.

Writes docs/benchmarks.json and the page beside it; names of measures run only those and keep the others' figures. `--quick`
shows only that all works, and writes nothing.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

import uvloop

from bench import (
    board,
    editing,
    heap,
    joining,
    large,
    latency,
    log,
    machine,
    million,
    notifications,
    outages,
    presence,
    report,
    sockets,
    starting,
    systems,
    token_checks,
    transfer,
    web,
    webhooks,
)
from bench.measure import Ground, Section
from bench.people import make_team
from bench.programs import ROOT, stack, tutti
from bench.rounds import Plan

MEASURES: dict[str, ModuleType] = {
    "latency": latency,
    "joining": joining,
    "log": log,
    "editing": editing,
    "notifications": notifications,
    "presence": presence,
    "outages": outages,
    "sockets": sockets,
    "starting": starting,
    "web": web,
    "board": board,
    "large": large,
    "heap": heap,
    "tokens": token_checks,
    "webhooks": webhooks,
    "transfer": transfer,
    "million": million,
}
ONLY_BY_NAME = {"million"}
"""These take so long that they are measured only when they are named."""
PEOPLE = 5
DOCS = ROOT / "docs"


def say(line: str) -> None:
    print(f"  {line}", flush=True)


async def measure(name: str, plan: Plan, cores: machine.Cores) -> Section:
    """Run one measure on a server of its own."""
    module = MEASURES[name]
    print(module.NAME, flush=True)
    with stack(cores.client) as servers, tutti(servers, cores.server) as server:
        team = await make_team(server.url, servers, PEOPLE)
        figures = await module.measure(Ground(server, servers, team, cores, plan, say))
    noises = sorted(plan.noises, key=lambda one: one.share)
    noise = noises[len(noises) // 2] if noises else machine.Noise(0.0, 0.0)
    facts = {
        **machine.facts(systems.python_versions),
        "revision": systems.revision(),
        "foreign": noise.foreign,
        "steal": noise.steal,
    }
    return Section(module.NAME, module.HOW, figures, facts)


def main() -> int:
    words = sys.argv[1:]
    is_quick = "--quick" in words
    names = [word for word in words if not word.startswith("--")] or [
        name for name in MEASURES if name not in ONLY_BY_NAME
    ]
    if unknown := {word for word in words if word != "--quick"} - set(MEASURES):
        print(f"There is no measure {', '.join(unknown)}; there are {', '.join(MEASURES)}, and --quick.")
        return 2
    cores = machine.cores()
    machine.pin(os.getpid(), cores.client)
    known = [] if is_quick else report.read(DOCS)
    order = [module.NAME for module in MEASURES.values()]
    new: list[Section] = []
    for name in names:
        new.append(uvloop.run(measure(name, Plan(is_quick), cores)))
        if not is_quick:
            report.write(report.merged(known, new, order), DOCS)
    print(report.page(new))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
