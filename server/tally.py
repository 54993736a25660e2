"""What a server process counts of its transports, as plain numbers, to be read when somebody asks for metrics.

Invariant: counting costs an addition or two, and the number of different keys does not depend on what clients send.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from strawberry.types import ExecutionResult

from execution.live import LiveCounters
from execution.operations import Operations, Prepared

BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: up to which a duration belongs into each bucket."""
LOOP_LOOK_SECONDS = 0.25


class Durations:
    """How often something took how long."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        """By BOUNDS; the last one: longer."""
        self.seconds = 0.0
        """All together."""

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


@dataclass(slots=True)
class Tally:
    """Totals of one process since it started."""

    sockets: int = 0
    """Sockets accepted."""
    closes: Counter[str] = field(default_factory=Counter)
    """Sockets closed, by our code, or `client` where the other end left."""
    slow: int = 0
    """Sockets closed because their peer did not keep up."""
    subscriptions: int = 0
    """Subscriptions begun."""
    sent_alone: int = 0
    """Batches rendered and sent to one subscriber."""
    refused: Counter[str] = field(default_factory=Counter)
    """Operations refused before execution, by transport."""
    operations: defaultdict[tuple[str, str, str], Durations] = field(default_factory=lambda: defaultdict(Durations))
    """Queries and mutations executed: (transport, kind, outcome)."""
    loop_lag: Durations = field(default_factory=Durations)
    """By how much the event loop was late."""
    live: LiveCounters = field(default_factory=LiveCounters)

    async def execute(
        self, transport: str, operations: Operations, prepared: Prepared, context: object
    ) -> ExecutionResult:
        """Execute a query or mutation, and count it."""
        began = time.perf_counter()
        result = await operations.execute(prepared, context)
        outcome = "errors" if result.errors else "ok"
        self.operations[transport, prepared.kind.value, outcome].add(time.perf_counter() - began)
        return result

    async def watch_loop(self) -> None:
        """Look for ever how late the event loop is."""
        now = asyncio.get_running_loop().time
        while True:
            due_at = now() + LOOP_LOOK_SECONDS
            await asyncio.sleep(LOOP_LOOK_SECONDS)
            self.loop_lag.add(max(0.0, now() - due_at))
