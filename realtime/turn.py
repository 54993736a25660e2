"""What is put off until all that came in one go is known: rendering, and after it writing.

Whoever reads from Redis ends the turn when they have passed on all they read, so that an event is read, rendered and
written in one go; else it ends with the event loop's own turn. In a crowd each turn of the loop is long, and an event
would wait for one before it is rendered, and for another before it is written.

Invariant: what is put off is done once, in order, whoever ends the turn; what is put off meanwhile waits for the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Do = Callable[[], None]


class Turn:
    """One per process, which has one event loop."""

    def __init__(self) -> None:
        self._renderings: list[Do] = []
        self._writings: list[Do] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def render(self, do: Do) -> None:
        """Do this at the end of the turn. It must not raise."""
        self._renderings.append(do)
        self._see_to_its_end()

    def write(self, do: Do) -> None:
        """Do this after all that is rendered at the end of the turn. It must not raise."""
        self._writings.append(do)
        self._see_to_its_end()

    def end(self) -> None:
        """Do what was put off."""
        renderings, self._renderings = self._renderings, []
        for do in renderings:
            do()
        writings, self._writings = self._writings, []
        for do in writings:
            do()

    def _see_to_its_end(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # a loop that is gone ends nothing any more: tests have several
            self._loop = loop
            loop.call_soon(self._end)

    def _end(self) -> None:
        self._loop = None
        self.end()


turn = Turn()
