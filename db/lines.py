"""Waiting in line for one thing: who changes what others are just changing waits here, not in PostgreSQL.

There each would hold a connection while it waits for the row, and a few dozen people on one task would leave none for
anybody else, nor for reading what to answer. Only an order of asking, no lock: other processes have lines of their own,
and what is right is decided by the rows' locks alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from db.errors import Unavailable

AT_ONCE = 3
"""One changes it, and two have got as far as to its lock when it is let go."""
WAIT_SECONDS = 5.0


@dataclass(slots=True)
class _Line:
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    people: int = 0


class Lines:
    """The lines of one process, each as long as somebody is in it."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}

    @asynccontextmanager
    async def turn(self, thing: Hashable | None) -> AsyncIterator[None]:
        """Wait until few others change the same thing; None: nothing that others would. Raises Unavailable."""
        if thing is None:
            yield
            return
        line = self._lines.setdefault(thing, _Line())
        line.people += 1
        try:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await line.turns.acquire()
            except TimeoutError as error:
                raise Unavailable("Too many change the same thing.") from error
            try:
                yield
            finally:
                line.turns.release()
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[thing]
