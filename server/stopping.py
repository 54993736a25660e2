"""How SIGINT and SIGTERM end a server while it starts: noted at once, acted on between two steps.

Invariant: no exception is raised from a signal handler. Python would raise it in the middle of any line, also of one
that just took a lock of the import system or of logging, and the next thread that needs that lock would wait for ever.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType


class Stopped(Exception):
    """A signal asked the server to stop before it served."""


class StopSignals:
    """Notes SIGINT and SIGTERM from its creation on."""

    def __init__(self) -> None:
        self._is_asked = False
        self._act: Callable[[int, FrameType | None], None] = lambda number, frame: None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def check(self) -> None:
        """Raise Stopped if a signal came; for the moments at which everything can be undone."""
        if self._is_asked:
            raise Stopped

    def pass_on(self, act: Callable[[int, FrameType | None], None]) -> None:
        """From now on call `act` at a signal; also for one that came before."""
        self._act = act
        if self._is_asked:
            act(signal.SIGINT, None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._is_asked = True
        self._act(number, frame)
