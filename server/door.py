"""New connections, a few in each turn of the loop.

When thousands come back at once, the system hands over all of them in one turn, and everybody else would wait until the
last of them is through its handshake. Here they wait in line instead, and what is under way goes on between them.

Invariant: nobody is turned away, and nobody waits while there is no crowd.
"""

from __future__ import annotations

from asyncio import BaseTransport, Transport
from collections import deque
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ADMITTED_AT_ONCE = 2

_waiting: deque[Transport] = deque()
"""A process has one loop."""


class HttpProtocol(HttpToolsProtocol):
    """What uvicorn speaks to a new connection, until that becomes a WebSocket."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast("Transport", transport))
        if not _waiting:
            self.loop.call_soon(self._admit)
        self.transport.pause_reading()
        _waiting.append(self.transport)

    def _admit(self) -> None:
        for _ in range(min(ADMITTED_AT_ONCE, len(_waiting))):
            transport = _waiting.popleft()
            if not transport.is_closing():
                transport.resume_reading()
        if _waiting:
            self.loop.call_soon(self._admit)
