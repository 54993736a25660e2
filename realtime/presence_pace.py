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
        self._full_at: dict[UUID, float] = {}

    def allows(self, person_id: UUID) -> bool:
        """Count one; whether it is not one too many."""
        now = self._clock()
        if len(self._full_at) >= MAX_PEOPLE:
            self._full_at = {one: at for one, at in self._full_at.items() if at > now}
        # When the bucket will be as good as new: each use pushes that away by its share of a second.
        full_at = max(now, self._full_at.get(person_id, now)) + 1 / PER_SECOND
        if full_at - now > BURST / PER_SECOND:
            return False
        self._full_at[person_id] = full_at
        return True
