"""Those who have just come, or gone: served a few in each turn of the loop, while what is under way goes on between.

Invariant: nobody is turned away, and nobody waits while there is no crowd.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

SERVED_AT_ONCE = 2


class Line:
    """Steps of those who have just come, or gone: a handshake, an initialisation, a subscription, a loss.

    First come, first served.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._served = 0  # in this turn of the loop
        self._is_moving = False

    def enter(self, serve: Callable[[], None]) -> None:
        """Have this called when it is its turn: now, if nobody else is waiting. It must not raise."""
        if not self._is_moving:
            self._is_moving = True
            asyncio.get_running_loop().call_soon(self._move)
        if self._served < SERVED_AT_ONCE:
            self._served += 1
            serve()
        else:
            self._waiting.append(serve)

    async def turn(self) -> None:
        """Wait until it is one's turn."""
        if not self._is_moving:
            self.enter(_nothing)
            return
        now: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.enter(lambda: None if now.done() else now.set_result(None))
        await now

    def _move(self) -> None:
        self._is_moving = bool(self._served or self._waiting)
        self._served = min(SERVED_AT_ONCE, len(self._waiting))
        if self._is_moving:
            asyncio.get_running_loop().call_soon(self._move)
        for _ in range(self._served):
            self._waiting.popleft()()


line = Line()
"""A process has one loop."""


def _nothing() -> None:
    """What is served to those who go on by themselves."""
