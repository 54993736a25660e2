"""The WebSocket protocol class uvicorn is started with: uvicorn's own, made safe against what hostile peers send.

`uvicorn.Config(ws=SocketProtocol, ws_ping_interval=None, ws_per_message_deflate=False, ws_max_size=max_frame_bytes)`.
It also offers its transport in the ASGI scope, so that a peer that reads nothing can be dropped: ASGI alone cannot do
that, because sending the close frame waits for the peer as well.
"""

from __future__ import annotations

import socket
from asyncio import BaseTransport
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

TRANSPORT = "tutti.transport"
# Linux drops the connection when sent data stays unacknowledged, or unread by a full receiver, for so long.
USER_TIMEOUT_MILLISECONDS = 10_000
# Nobody splits 64 KiB so finely; empty fragments would pile up without counting towards the frame's size.
MAX_FRAGMENTS = 1_000


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MILLISECONDS)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # absent when the handshake was no WebSocket's
            cast("dict[str, object]", self.scope["extensions"])[TRANSPORT] = self.transport

    def handle_ping(self) -> None:
        # Pongs are written at once; to a peer that pings and never reads they would be buffered without end.
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.transport.abort()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        else:
            self.transport.abort()

    def send_receive_event_to_app(self) -> None:
        data = b"".join(self.frames)
        self.frames = [data]
        if self.curr_msg_data_type == "text":
            try:
                data.decode()
            except UnicodeDecodeError:  # uvicorn would log a traceback; as a binary frame the application refuses it
                self.curr_msg_data_type = "bytes"
        super().send_receive_event_to_app()
