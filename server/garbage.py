"""When a process looks for garbage: objects that refer to each other, and so are not freed with their last user.

Python stops everything while it looks, and looks the longer the more objects there are. So it looks at the young ones
often, which takes 1 or 2 ms; at what grew old before it was left as soon as there may be much of that; and at what is
there to stay hardly ever. Decision 0100 has the figures.

Invariant: nobody waits for a search that thousands of objects, made since the last one, do not need.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from random import uniform

THRESHOLDS = 2_000, 1, 2**31 - 1
"""New objects until the young ones are looked through, and how often that, until the less young ones are.

The old ones Python never looks through by itself: it would do so just when thousands connect, who are many new objects.
"""
RUNS = 10
"""So many searches among the less young, of which each lets some thousand objects grow old, until one among the old."""
LOOK_SECONDS = 1.0
LONG_SECONDS = 0.01
"""A search that takes longer has met much that stays: that is left out until the next one of everything."""
WHOLE_SECONDS = 3600.0
CROWD = 100
"""Sockets that were opened between two looks: some ten thousand objects."""


def begin() -> None:
    """What is there from now on stays. Call it once, when all is set up."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(*THRESHOLDS)


async def watch(
    opened: Callable[[], int],
    *,
    look_seconds: float = LOOK_SECONDS,
    long_seconds: float = LONG_SECONDS,
    whole_seconds: float = WHOLE_SECONDS,
) -> None:
    """Look for what grew old before it was left, until cancelled. `opened`: how many sockets were, since the beginning.

    When a crowd has come that is left out without looking: open sockets stay, and leave nothing when they close.
    """
    whole_at, now = _next(whole_seconds), opened()
    while True:
        await asyncio.sleep(look_seconds)
        before, now = now, opened()
        if now - before >= CROWD:
            gc.freeze()
        elif time.monotonic() >= whole_at:
            whole_at = _next(whole_seconds)
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        elif gc.get_count()[2] >= RUNS:
            began = time.thread_time()
            gc.collect()
            if time.thread_time() - began > long_seconds:
                gc.freeze()


def _next(whole_seconds: float) -> float:
    # Processes that began together do not stand still together.
    return time.monotonic() + whole_seconds * uniform(0.75, 1.25)  # noqa: S311 (nothing depends on it)
