"""The comparison with peers as a program: `make bench ONLY=peers`, or `python -m bench.side_by_side [--quick | --brief]`.

Writes docs/benchmarks-peers.json, and from it the page and the plot beside it. `--brief` measures everything once and for
a shorter time (3 minutes instead of 12); `--quick` shows only that all works and writes nothing.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import uvloop

from bench import machine, systems, versus
from bench.programs import ROOT, stack
from bench.rounds import Plan
from bench.systems import LABELS, NODE_PEERS, PLAIN, PRODUCT, STOCK
from bench.versus import FULL_SECONDS, SMALL, SMALL_RATE

DOCS = ROOT / "docs"
NOISY = (
    "**Other programs used {foreign:.0%} of this machine during the run (median of the rounds; stolen: {steal:.1%}), so the "
    "figures below say little. Run `make bench ONLY=peers` on a machine that does nothing else.**"
)


BOUNDS = {
    "50": (25.0, 5.0, None),
    "200": (40.0, 6.0, 0.8),
    "1000": (40.0, 6.0, 0.8),
}
"""Deliveries/s at so many subscribers: at least so many times stock Strawberry, the best Node peer, ready frames."""
CPU_BOUND, LATENCY_BOUND = 1.5, 0.5
"""At most so many times ready frames, and the best Node peer."""


def say(line: str) -> None:
    print(f"  {line}", flush=True)


async def measure(plan: Plan) -> dict[str, Any]:
    """Run it all. -> what the report is made from."""
    cores = machine.cores()
    machine.pin(os.getpid(), cores.client)
    with stack(cores.client) as servers:
        figures = await versus.compare(servers, cores, plan, say)
    return {
        **machine.facts(systems.versions),
        "revision": systems.revision(),
        "foreign": sorted(noise.foreign for noise in plan.noises)[len(plan.noises) // 2],
        "steal": sorted(noise.steal for noise in plan.noises)[len(plan.noises) // 2],
        "rounds": plan.rounds,
        "seconds": plan.seconds(FULL_SECONDS),
        "systems": figures,
    }


def rate(figures: dict[str, Any], name: str, size: str) -> float:
    found: float = figures[name]["throughput"][size]["deliveries_per_second"]
    return found


def loaded_cpu(figures: dict[str, Any]) -> float:
    """Microseconds of the server for one delivery to few subscribers, when it has as much to do as it can."""
    found = next(iter(figures["throughput"].values()))
    busy, deliveries = found["server_busy"], found["deliveries_per_second"]
    return float(busy / max(deliveries, 1e-9) * 1e6)


def _slow_cpu(figures: dict[str, Any]) -> float:
    return float(figures["cpu_us_per_delivery"])


def _latency(figures: dict[str, Any]) -> float:
    return float(figures["latency_ms"]["p95"])


def at_least(ratio: float, bound: float | None) -> str:
    return _told(ratio, bound, ">=", bound is None or ratio >= bound)


def at_most(ratio: float, bound: float | None) -> str:
    return _told(ratio, bound, "<=", bound is None or ratio <= bound)


def _told(ratio: float, bound: float | None, sign: str, is_met: bool) -> str:
    said = f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.1f}x"
    if bound is None:
        return said
    return f"{said} ({sign} {bound:g})" if is_met else f"**{said}, missed: {sign} {bound:g}**"


def page(result: dict[str, Any]) -> str:
    """The result as Markdown, ratios first."""
    figures = result["systems"]
    sizes = list(figures[PRODUCT]["throughput"])
    lines = [
        "# Side by side",
        "",
        f"Written by `make bench ONLY=peers` on {result['date']}: {result['cores']} cores ({result['cpu']}), "
        f"{result['memory_gib']} GiB, Linux {result['kernel']}, Python {result['python']}; Tutti {result['revision']}.",
        "",
    ]
    if result["foreign"] > machine.MAX_FOREIGN or result["steal"] > machine.MAX_STEAL:
        lines += [NOISY.format(**result), ""]
    lines += [
        "## Tutti by the others",
        "",
        "In brackets what must be reached.",
        "",
        "| measure | stock Strawberry | best Node peer | ready frames |",
        "|---|---|---|---|",
    ]
    for size in sizes:
        best = max(rate(figures, name, size) for name in NODE_PEERS)
        ours = rate(figures, PRODUCT, size)
        stock, limit = rate(figures, STOCK, size), rate(figures, PLAIN, size)
        bounds = BOUNDS.get(size, (None, None, None))
        ratios = [at_least(*one) for one in zip((ours / stock, ours / best, ours / limit), bounds, strict=True)]
        lines.append(f"| deliveries/s at {size} subscribers | {' | '.join(ratios)} |")
    for label, value, peer_bound, limit_bound in (
        (f"CPU per delivery at {SMALL} subscribers, at full load", loaded_cpu, None, CPU_BOUND),
        (f"CPU per delivery at {SMALL} subscribers, {SMALL_RATE:g} events/s", _slow_cpu, None, None),
        ("latency p95, 200 subscribers x 20 events/s", _latency, LATENCY_BOUND, None),
    ):
        ours, best = value(figures[PRODUCT]), min(value(figures[name]) for name in NODE_PEERS)
        stock, limit = value(figures[STOCK]), value(figures[PLAIN])
        ratios = [f"{ours / stock:.3f}x", at_most(ours / best, peer_bound), at_most(ours / limit, limit_bound)]
        lines.append(f"| {label} | {' | '.join(ratios)} |")
    heads = "".join(f" deliveries/s at {size} | events a frame |" for size in sizes)
    lines += [
        "",
        "## Figures",
        "",
        f"|  |{heads} CPU per delivery at 10, loaded | at 100 events/s | p50, p95, p99 at 200 x 20/s |",
        "|---" * (2 * len(sizes) + 4) + "|",
    ]
    for name, one in figures.items():
        cells = "".join(
            f" {found['deliveries_per_second']:,.0f} | {found['events_per_frame']:.1f} |"
            for found in one["throughput"].values()
        )
        latency = ", ".join(f"{value:.1f}" for value in one["latency_ms"].values())
        cpu = f"{loaded_cpu(one):.1f} us | {one['cpu_us_per_delivery']:.1f} us"
        lines.append(f"| {LABELS[name]} |{cells} {cpu} | {latency} ms |")
    lines += ["", "![deliveries per second](benchmarks-peers.svg)", "", "How full the cores were, server / client:", ""]
    for name, one in figures.items():
        busy = "; ".join(
            f"{size}: {found['server_busy']:.0%} / {found['client_busy']:.0%}"
            for size, found in one["throughput"].items()
        )
        lines.append(f"- {LABELS[name]}: {busy}")
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    how = HOW.format(
        rounds="one round" if result["rounds"] == 1 else f"{result['rounds']} rounds, of which the median counts",
        seconds=result["seconds"],
    )
    lines += ["", how, "", f"Versions: {versions}."]
    return "\n".join(lines) + "\n"


HOW = """## How it was measured

All servers run at once on one core, one of them under load at a time, in turns; PostgreSQL, Valkey and the client have the
other core. Measured in {rounds}; with several, one during which other programs used over 5 % of the machine, or the host took over 1 %, is
repeated.

A delivery is one task event at one subscriber, which has an operation id of its own. Each event is a copy of one real change;
a frame with one event has 640 bytes of compact JSON. All systems answer the same document. A subscriber looks into every frame:
its id, and the event's number, which must follow the last one; a lost, doubled or misplaced event ends the benchmark without a
figure.

- **Tutti** gets its events as from another server process: rows and head committed to the log, then announced through Valkey.
  Its frame may hold several events when they come faster than it sends; the peers' frames hold one. Rights are checked, as always.
- **Peers** get the message alone through the same Valkey, in the form of their own Redis library. They check no rights.
- **Ready frames**: uvicorn writes the frame's head with the id and the finished event, once per event; *corked* joins what one
  socket gets in one turn of the event loop.
- **Deliveries/s**: the number of events under way grows until there is no more to win, and shrinks when an event waits for
  over 0.3 s; what arrives in {seconds:g} s after a second of warming up. Where the server's core is not full (see above) it is the other
  core that is, with the client, PostgreSQL and Valkey, or the wait for the next commit: the server could do more.
- **CPU per delivery**: *at full load*, the share of its core that the server used by what it delivered; with *100 events/s*, its
  CPU time less that with the same sockets and no events. Between events 10 ms apart the processor sleeps and other programs
  empty its caches, so the same code takes several times as long: what has more of it has more to fetch.
- **Latency**: from the moment before the message is written to Valkey to the moment the client reads it."""


def plot(result: dict[str, Any]) -> str:
    """Deliveries per second by system and number of subscribers, as SVG with a logarithmic scale."""
    figures = result["systems"]
    sizes = list(figures[PRODUCT]["throughput"])
    left, width, bar, gap = 210, 480, 16, 14
    low, high = 2.0, 6.0
    rows, y = [], 40
    colors = ("#c7d2fe", "#a5b4fc", "#6366f1", "#312e81")

    def length(value: float) -> float:
        return max(2.0, (math.log10(max(value, 1)) - low) / (high - low) * width)

    for name in figures:
        middle = y + bar * len(sizes) / 2 + 4
        rows.append(f'<text x="{left - 10}" y="{middle:.0f}" text-anchor="end">{LABELS[name]}</text>')
        for index, size in enumerate(sizes):
            value = rate(figures, name, size)
            rows.append(
                f'<rect x="{left}" y="{y}" width="{length(value):.1f}" height="{bar - 2}" fill="{colors[index % 4]}"/>'
            )
            rows.append(f'<text x="{left + length(value) + 6:.1f}" y="{y + bar - 5}" class="v">{value:,.0f}</text>')
            y += bar
        y += gap
    legend = " ".join(
        f'<rect x="{left + 130 * index}" y="12" width="12" height="12" fill="{colors[index % 4]}"/>'
        f'<text x="{left + 130 * index + 18}" y="23">{size} subscribers</text>'
        for index, size in enumerate(sizes)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="{y}" font-family="sans-serif" font-size="13">\n'
        f"<title>Deliveries per second on one core, logarithmic</title>\n<style>.v {{ font-size: 11px }}</style>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n{legend}\n' + "\n".join(rows) + "\n</svg>\n"
    )


def report(result: dict[str, Any], folder: Path) -> None:
    (folder / "benchmarks-peers.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "benchmarks-peers.md").write_text(page(result))
    (folder / "benchmarks-peers.svg").write_text(plot(result))


def main() -> int:
    is_quick = "--quick" in sys.argv
    result = uvloop.run(measure(Plan(is_quick, is_brief="--brief" in sys.argv)))
    if is_quick:
        print(page(result))
    else:
        report(result, DOCS)
        print(page(result).partition("## How")[0])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
