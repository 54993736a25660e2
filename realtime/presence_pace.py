"""How fast one person may go on about themselves, so that a storm of theirs costs nobody else anything.

A bucket for each person, in this process alone: it drains at a steady rate and holds a burst.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

PER_SECOND = 5.0
BURST = 30.0
"""Twenty tabs of one person that come back at once, and what each of them does next."""
MAX_PEOPLE = 10_000


class Pace:
    """`allows` counts. Whoever has been quiet for long is forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._levels: dict[UUID, tuple[float, float]] = {}

    def allows(self, person_id: UUID) -> bool:
        """Count one; whether it is not one too many."""
        now = self._clock()
        if len(self._levels) >= MAX_PEOPLE:
            self._levels = {one: kept for one, kept in self._levels.items() if self._left(kept, now) > 0}
        level = self._left(self._levels.get(person_id, (0.0, now)), now) + 1
        if level > BURST:
            return False
        self._levels[person_id] = (level, now)
        return True

    @staticmethod
    def _left(kept: tuple[float, float], now: float) -> float:
        level, at = kept
        return max(0.0, level - (now - at) * PER_SECOND)
