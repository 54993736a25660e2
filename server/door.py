"""Those who have just come: let in, and served, a few in each turn of the loop.

When thousands come back at once, uvloop accepts all of them in one turn and reads what they ask in another, and all
others wait until the last of them is through. Here they wait in line instead, and what is under way goes on between.

Invariant: nobody is turned away, and nobody waits while there is no crowd.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ADMITTED_AT_ONCE = 2
SERVED_AT_ONCE = 2
EXHAUSTED_SECONDS = 0.1
"""How long to leave those who come waiting, when there are no more files to be had."""
# Linux drops a connection when sent data stays unacknowledged, or unread by a full receiver, for so long. Longer than
# it takes to say 1013 to a slow reader (wire.STALL_SECONDS and DROP_SECONDS), so that they learn why.
USER_TIMEOUT_MILLISECONDS = 15_000

log = logging.getLogger("tutti.server")


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


class HttpProtocol(HttpToolsProtocol):
    """What uvicorn speaks to a new connection, until that becomes a WebSocket."""

    _is_known = False

    def data_received(self, data: bytes) -> None:
        if self._is_known:
            super().data_received(data)
            return
        self._is_known = True
        self.transport.pause_reading()
        line.enter(lambda: self._begin(data))

    def _begin(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.transport.resume_reading()
        try:
            super().data_received(data)
        except Exception:
            log.exception("A connection could not be served")
            self.transport.abort()

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        # It and its parser refer to each other, so both would stay until somebody searches for garbage.
        self.parser = None  # type: ignore[assignment]


class Door:
    """Takes connections from a listening socket. It is to uvicorn what asyncio's Server is."""

    def __init__(self, listener: socket.socket, make_protocol: Callable[[], asyncio.Protocol], backlog: int) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[object]] = set()
        listener.setblocking(False)
        listener.listen(backlog)
        self._loop.add_reader(listener, self._admit)

    def _admit(self) -> None:
        for _ in range(ADMITTED_AT_ONCE):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another process was faster, or they have left again
            except OSError as error:
                log.warning("A connection could not be accepted: %s", error)
                self._loop.remove_reader(self._listener)
                self._loop.call_later(EXHAUSTED_SECONDS, self._open_again)
                return
            connection.setblocking(False)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MILLISECONDS)
            entering = self._loop.create_task(self._loop.connect_accepted_socket(self._make_protocol, connection))
            self._entering.add(entering)
            entering.add_done_callback(self._entering.discard)

    def _open_again(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._admit)

    def close(self) -> None:
        """Take no more; whoever waits is left to other processes."""
        self._loop.remove_reader(self._listener)
        self._listener.close()

    async def wait_closed(self) -> None:
        """Until those who were let in are with their protocols."""
        await asyncio.gather(*self._entering, return_exceptions=True)
