"""Many subscribers of one server as one: connected together, driven by one feed, judged together.

Invariant: a measurement ends when every subscriber has every event, or fails and says how many were missing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.feed import Feed
from bench.machine import Usage, cpu_seconds, usage
from bench.wire import Subscriber, connect

CONNECTING_AT_ONCE = 32
PROBE_SECONDS = 0.2
DRAIN_SECONDS = 60.0

# Saturation by one rule for every system: the window of events under way grows until the server's core is full, and
# shrinks when an event waits too long. Products may close a reader who is 1,000 events behind, so it ends well below.
WINDOW_EVENTS = (4, 300)
SATURATED = 0.95
MAX_WAIT_SECONDS = 0.3
LOOK_SECONDS = 0.05
WARM_SECONDS = 1.0
CHUNK_EVENTS = 64


class Faulty(Exception):
    """What arrived was not what was sent."""


@dataclass(slots=True)
class Fleet:
    """Subscribers of one server, and the feed they listen to."""

    url: str
    feed: Feed
    make: Callable[[int], Subscriber]
    subscribers: list[Subscriber] = field(default_factory=list)
    times: list[float] | None = None
    """Where latencies go while they are measured."""

    async def grow(self, size: int) -> None:
        """Connect until there are `size`, and wait until each has had an event."""
        turns = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def one(index: int) -> Subscriber:
            async with turns:
                subscriber = self.make(index)
                subscriber.on_event = None
                await connect(self.url, subscriber)
                return subscriber

        new = await asyncio.gather(*(one(index) for index in range(len(self.subscribers), size)))
        self.subscribers.extend(new)
        # Peers do not tell when a subscription stands, so events are sent until everybody gets them.
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(one.last < 0 for one in self.subscribers):
            if time.monotonic() > deadline:
                raise Faulty(
                    f"{sum(one.last < 0 for one in self.subscribers)} subscriptions stay silent. {self.faults()}"
                )
            await self.feed.publish(1)
            await asyncio.sleep(PROBE_SECONDS)
        await self.drain()

    def shrink(self, size: int) -> None:
        for subscriber in self.subscribers[size:]:
            subscriber.cut()
        del self.subscribers[size:]

    async def drain(self) -> None:
        """Wait until everybody has the newest event. Raises Faulty."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(one.last != self.feed.newest for one in self.subscribers):
            if time.monotonic() > deadline or not all(one.is_connected for one in self.subscribers):
                break
            await asyncio.sleep(0.005)
        self.check()

    def check(self) -> None:
        missing = sum(self.feed.newest - one.last for one in self.subscribers)
        if missing or self.faults():
            raise Faulty(f"{missing} deliveries are missing. {self.faults()}")

    def faults(self) -> list[str]:
        return [fault for one in self.subscribers for fault in one.faults][:5]

    def deliveries(self) -> int:
        return sum(one.events for one in self.subscribers)

    def frames(self) -> int:
        return sum(one.frames for one in self.subscribers)

    def close(self) -> None:
        self.shrink(0)


@dataclass(frozen=True, slots=True)
class Burst:
    """What a server did at full load."""

    per_second: float
    frames_per_second: float
    server_busy: float
    """Share of one core."""
    client_busy: float


async def saturate(fleet: Fleet, server_pid: int, seconds: float) -> Burst:
    """Give the server as much as it takes for a while, then let it finish; everything must have arrived."""
    is_running = True

    async def feed() -> None:
        window = float(WINDOW_EVENTS[0])
        looked, cpu = time.monotonic(), cpu_seconds(server_pid)
        while is_running:
            slowest = min(one.last for one in fleet.subscribers)
            wanted = slowest + int(window) - fleet.feed.newest
            if wanted > window / 4:
                await fleet.feed.publish(min(wanted, CHUNK_EVENTS))
            else:
                await asyncio.sleep(0.001)
            now = time.monotonic()
            if now - looked > LOOK_SECONDS:
                busy = (cpu_seconds(server_pid) - cpu) / (now - looked)
                looked, cpu = now, cpu_seconds(server_pid)
                oldest = fleet.feed.sent.get(slowest + 1, now)
                if now - oldest > MAX_WAIT_SECONDS:
                    window = max(window * 0.7, WINDOW_EVENTS[0])
                elif busy < SATURATED:
                    window = min(window * 1.5, WINDOW_EVENTS[1])

    fleet.feed.sent.clear()
    feeding = asyncio.create_task(feed())
    try:
        await asyncio.sleep(WARM_SECONDS)  # until the window has found its size
        deliveries, frames = fleet.deliveries(), fleet.frames()
        with usage(server_pid) as used:
            await asyncio.sleep(seconds)
        deliveries, frames = fleet.deliveries() - deliveries, fleet.frames() - frames
    finally:
        is_running = False
        await feeding
    await fleet.drain()
    return Burst(
        deliveries / used.seconds,
        frames / used.seconds,
        used.server_cpu / used.seconds,
        used.client_cpu / used.seconds,
    )


async def pace(fleet: Fleet, server_pid: int, per_second: float, seconds: float) -> tuple[list[float], Usage]:
    """Publish at a steady rate. -> the latencies of all deliveries in seconds, publish to client, and what it cost."""
    latencies: list[float] = []
    sent = fleet.feed.sent
    sent.clear()

    def took(number: int, now: float) -> None:
        latencies.append(now - sent[number])

    for one in fleet.subscribers:
        one.on_event = took
    try:
        with usage(server_pid) as used:
            began = time.monotonic()
            for turn in range(int(per_second * seconds)):
                await asyncio.sleep(max(0.0, began + turn / per_second - time.monotonic()))
                await fleet.feed.publish(1)
            await asyncio.sleep(1 / per_second)
            await fleet.drain()
    finally:
        for one in fleet.subscribers:
            one.on_event = None
    return latencies, used


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(share * len(ordered) + 0.5) - 1))]


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)
