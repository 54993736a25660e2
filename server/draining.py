"""How a server process takes leave: it says that it is not ready, answers what is under way, sends its sockets away.

At SIGTERM sockets are closed with 1012, spread over SPREAD_SECONDS so that clients do not all come back at once, while
requests are still answered; at SIGINT, as somebody waits at the keyboard, all at once. A second signal ends the process
without waiting for anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from types import FrameType

import uvicorn

from server.door import Door
from server.sockets import Sockets

SPREAD_SECONDS = 10.0
LOOK_SECONDS = 0.05
FORCED_SECONDS = 1.0
ASK_SECONDS = 1.0
"""How long those who came in last may take until they ask: they are answered, and not cut off without a word."""
SOCKETS = "sockets"
"""The name by which an application gives its `Sockets` to the server: in the state that its lifespan yields."""


class Server(uvicorn.Server):
    """A uvicorn server for an application that gives its `Sockets`. `is_told`: signals come by `handle_exit` alone."""

    def __init__(self, config: uvicorn.Config, *, is_told: bool = False) -> None:
        super().__init__(config)
        self._is_told = is_told
        self._spread_seconds = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: sets what is looked at later, and touches nothing else, as it interrupts anything."""
        is_second = self.should_exit
        super().handle_exit(sig, frame)
        if is_second:
            self.force_exit = True
            return
        self._spread_seconds = SPREAD_SECONDS if sig == signal.SIGTERM else 0.0
        if (sockets := self._sockets) is not None:
            sockets.is_draining = True

    @property
    def _sockets(self) -> Sockets | None:
        state = self.lifespan.state if hasattr(self, "lifespan") else {}
        found: Sockets | None = state.get(SOCKETS)
        return found

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with contextlib.nullcontext() if self._is_told else super().capture_signals():
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """With sockets they are opened by doors of ours, after everything else stands."""
        await super().startup(sockets and [])
        loop = asyncio.get_running_loop()

        def make_protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop
            )
            return made

        for listener in sockets or []:
            self.servers.append(Door(listener, make_protocol, self.config.backlog))  # type: ignore[arg-type]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if (ours := self._sockets) is not None:
            leaving = asyncio.create_task(ours.close_all(1012, self._spread_seconds))
            while not leaving.done() and not self.force_exit:
                await asyncio.wait([leaving], timeout=LOOK_SECONDS)
            leaving.cancel()
            await self._hear_the_last()
        await super().shutdown(sockets)
        if self.force_exit:  # then it was left out, but the application shall not be torn apart
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FORCED_SECONDS):
                    await self.lifespan.shutdown()

    async def _hear_the_last(self) -> None:
        """Let nobody in any more, and wait until those who were have asked."""
        for server in self.servers:
            server.close()
        until = time.monotonic() + ASK_SECONDS
        while time.monotonic() < until and not self.force_exit:
            if all(getattr(one, "has_asked", True) for one in self.server_state.connections):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _wait_tasks_to_complete(self) -> None:
        # It ends with a wait for the last connection, also when nobody is to be waited for any more.
        waiting = asyncio.create_task(super()._wait_tasks_to_complete())
        try:
            while not waiting.done() and not self.force_exit:
                await asyncio.wait([waiting], timeout=LOOK_SECONDS)
            if waiting.done():
                waiting.result()
        finally:
            waiting.cancel()
