"""How connections come in: one in each turn of the loop, and what they ask first when it is their turn in the line.

When thousands come back at once, uvloop accepts all of them in one turn and reads what they ask in another, and all
others wait until the last of them is through.

Invariant: nobody is turned away, and nobody waits while there is no crowd.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.handshake import ordinary
from server.line import line
from server.wire import SocketProtocol

EXHAUSTED_SECONDS = 0.1
"""How long to leave those who come waiting, when there are no more files to be had."""
# Linux drops a connection when sent data stays unacknowledged, or unread by a full receiver, for so long. Longer than
# it takes to say 1013 to a slow reader (wire.STALL_SECONDS and DROP_SECONDS), so that they learn why.
USER_TIMEOUT_MILLISECONDS = 15_000

log = logging.getLogger("tutti.server")


class HttpProtocol(HttpToolsProtocol):
    """What uvicorn speaks to a new connection, until that becomes a WebSocket."""

    has_asked = False
    """Whether what they asked first is read."""
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
        self.has_asked = True

    def handle_websocket_upgrade(self) -> None:
        kind = self.ws_protocol_class
        handshake = ordinary(self.scope["method"], self.scope["http_version"], self.url, self.headers)
        if handshake is None or kind is None or not issubclass(kind, SocketProtocol):
            super().handle_websocket_upgrade()
        else:
            self.connections.discard(self)
            protocol = kind(config=self.config, server_state=self.server_state, app_state=self.app_state)
            protocol.connection_made(self.transport)
            protocol.begin(handshake, self.url, self.headers)
            self.transport.set_protocol(protocol)
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
        """Let one in; if more wait the next turn tells so, and to look in vain costs as much as to let somebody in."""
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
        """Take no more; whoever waits is left to other processes. It may be closed again."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()

    async def wait_closed(self) -> None:
        """Until those who were let in are with their protocols."""
        await asyncio.gather(*self._entering, return_exceptions=True)
