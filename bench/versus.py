"""Side by side: every system gets the same events for the same time, in turns, so that whatever the machine does to one
round it does to all. A round in which others used the machine is repeated; what counts is the median of the rounds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from typing import Any

from bench import systems
from bench.feed import take_specimen
from bench.fleet import Burst, Faulty, median, pace, percentile, saturate
from bench.machine import Cores, cpu_seconds
from bench.people import make_team
from bench.programs import Stack, tutti
from bench.rounds import Plan, quietly
from bench.systems import CORKED, NODE_PEERS, PLAIN, PRODUCT, STOCK, System

NAMES = (PRODUCT, STOCK, *NODE_PEERS, PLAIN, CORKED)
SIZES = (10, 50, 200, 1_000)
PEOPLE = 20
SMALL, SMALL_RATE = 10, 100.0
ROOM, ROOM_RATE = 200, 20.0
FULL_SECONDS = 3.0


def sizes_of(plan: Plan) -> tuple[int, ...]:
    return (10, 20) if plan.is_quick else SIZES


async def compare(stack: Stack, cores: Cores, plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Run all systems at once, one under load at a time. -> the figures by system."""
    systems.install()
    figures: dict[str, Any] = {name: {"throughput": {}} for name in NAMES}
    with ExitStack() as running:
        async with AsyncExitStack() as closing:
            say("starting seven servers")
            product = running.enter_context(tutti(stack, cores.server))
            team = await make_team(product.url, stack, PEOPLE if not plan.is_quick else 3)
            specimen = await take_specimen(product.url, stack, team)
            everyone = [await systems.product_system(product, stack, team, specimen)]
            for name in NAMES[1:]:
                program = running.enter_context(systems.peer(name, stack, cores.server))
                everyone.append(await systems.peer_system(name, program, stack, team, specimen))
            for one in everyone:
                closing.push_async_callback(one.feed.close)
                closing.callback(one.fleet.close)
            await _small_room(everyone, plan, figures, say)
            for size in sizes_of(plan):
                if size >= ROOM and "latency_ms" not in figures[PRODUCT]:
                    await _grow(everyone, ROOM, say)
                    await _latency(everyone, plan, figures, say)
                await _throughput(everyone, size, plan, figures, say)
            if plan.is_quick:
                await _latency(everyone, plan, figures, say)
    return figures


async def _grow(everyone: list[System], size: int, say: Callable[[str], None]) -> None:
    say(f"connecting {size} subscribers to each")
    for one in everyone:
        try:
            await one.fleet.grow(size)
        except (Faulty, OSError, TimeoutError) as error:
            raise Faulty(f"{one.name}: {error!r}\n{one.program.log.read_text()[-2000:]}") from error


async def _small_room(everyone: list[System], plan: Plan, figures: dict[str, Any], say: Callable[[str], None]) -> None:
    """CPU per delivery with few subscribers, net of what the server uses with the same sockets and no events."""
    await _grow(everyone, SMALL, say)
    costs: dict[str, list[float]] = {one.name: [] for one in everyone}
    idles: dict[str, list[float]] = {one.name: [] for one in everyone}
    for turn in range(plan.rounds):
        say(f"CPU per delivery at {SMALL}, round {turn + 1} of {plan.rounds}")
        for one in everyone:

            async def measure(one: System = one) -> tuple[float, float]:
                return await _cost(one, plan)

            cost, idle = await quietly(plan, measure)
            costs[one.name].append(cost)
            idles[one.name].append(idle)
    for one in everyone:
        figures[one.name]["cpu_us_per_delivery"] = median(costs[one.name]) * 1e6
        figures[one.name]["idle_cpu_ms_per_second"] = median(idles[one.name]) * 1e3


async def _cost(one: System, plan: Plan) -> tuple[float, float]:
    seconds = plan.seconds(3)
    before = cpu_seconds(one.program.pid)
    await asyncio.sleep(seconds)
    idle = (cpu_seconds(one.program.pid) - before) / seconds
    latencies, used = await pace(one.fleet, one.program.pid, SMALL_RATE, seconds)
    return (used.server_cpu - idle * used.seconds) / len(latencies), idle


async def _latency(everyone: list[System], plan: Plan, figures: dict[str, Any], say: Callable[[str], None]) -> None:
    rounds: dict[str, list[list[float]]] = {one.name: [] for one in everyone}
    for turn in range(plan.rounds):
        say(f"latency at {ROOM} x {ROOM_RATE:g}/s, round {turn + 1} of {plan.rounds}")
        for one in everyone:

            async def measure(one: System = one) -> list[float]:
                return (await pace(one.fleet, one.program.pid, ROOM_RATE, plan.seconds(4)))[0]

            rounds[one.name].append(await quietly(plan, measure))
    for one in everyone:
        figures[one.name]["latency_ms"] = {
            f"p{share:.0%}".rstrip("%"): median([percentile(values, share) for values in rounds[one.name]]) * 1e3
            for share in (0.5, 0.95, 0.99)
        }


async def _throughput(
    everyone: list[System], size: int, plan: Plan, figures: dict[str, Any], say: Callable[[str], None]
) -> None:
    await _grow(everyone, size, say)
    bursts: dict[str, list[Burst]] = {one.name: [] for one in everyone}
    for turn in range(plan.rounds):
        say(f"deliveries/s at {size}, round {turn + 1} of {plan.rounds}")
        for one in everyone:

            async def measure(one: System = one) -> Burst:
                return await saturate(one.fleet, one.program.pid, plan.seconds(FULL_SECONDS))

            bursts[one.name].append(await quietly(plan, measure))
    for one in everyone:
        found = bursts[one.name]
        figures[one.name]["throughput"][str(size)] = {
            "deliveries_per_second": median([burst.per_second for burst in found]),
            "rounds": [burst.per_second for burst in found],
            "events_per_frame": median([burst.per_second / max(burst.frames_per_second, 1e-9) for burst in found]),
            "server_busy": median([burst.server_busy for burst in found]),
            "client_busy": median([burst.client_busy for burst in found]),
        }
