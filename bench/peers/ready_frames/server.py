"""The limit: uvicorn with uvloop that writes finished frames. No GraphQL, no log, no rights, nothing but the writing.

It speaks as much of graphql-transport-ws as its client does. An event comes from Redis as JSON text; for each socket the
frame's head with its id, made once, is put before it. CORKED=1 joins what one socket gets in one turn of the event loop
into a single write.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import hiredis
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

CHANNEL = os.environ["CHANNEL"]
IS_CORKED = os.environ.get("CORKED") == "1"


class OpenProtocol(WebSocketsSansIOProtocol):
    """uvicorn's own, but the application may write to the transport."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        self.scope["extensions"]["transport"] = self.transport


class Reader:
    """One subscribed socket."""

    def __init__(self, transport: asyncio.Transport, name: str) -> None:
        self.write = transport.write
        self.prefix = b'{"id":"' + name.encode() + b'","type":"next","payload":{"data":'
        self.heads: dict[int, bytes] = {}
        self.waiting: list[bytes] = []

    def head(self, size: int) -> bytes:
        """The frame's head and the message up to the event, for an event of `size` bytes with what ends the message."""
        if size not in self.heads:
            length = len(self.prefix) + size
            assert 126 <= length < 65_536
            self.heads[size] = b"\x81\x7e" + length.to_bytes(2, "big") + self.prefix
        return self.heads[size]


readers: dict[Any, Reader] = {}
dirty: list[Reader] = []


def deliver(text: bytes) -> None:
    body = text + b"}}"
    size = len(body)
    if not IS_CORKED:
        for reader in readers.values():
            reader.write(reader.head(size) + body)
        return
    if not dirty:
        asyncio.get_running_loop().call_soon(flush)
        dirty.extend(readers.values())
    for reader in readers.values():
        reader.waiting.append(reader.head(size) + body)


def flush() -> None:
    for reader in dirty:
        reader.write(b"".join(reader.waiting))
        reader.waiting.clear()
    dirty.clear()


class Listener(asyncio.Protocol):
    """Reads Redis' messages straight from the socket."""

    def __init__(self, password: str | None) -> None:
        self.parser = hiredis.Reader()
        self.password = password

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        commands = [["AUTH", self.password]] if self.password else []
        commands.append(["SUBSCRIBE", CHANNEL])
        for command in commands:
            cast("asyncio.Transport", transport).write(hiredis.pack_command(tuple(command)))

    def data_received(self, data: bytes) -> None:
        self.parser.feed(data)
        while (reply := self.parser.gets()) is not False:
            if isinstance(reply, list) and reply[0] == b"message":
                deliver(reply[2])


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        redis = urlsplit(os.environ["REDIS_URL"])
        password = unquote(redis.password) if redis.password else None
        await asyncio.get_running_loop().create_connection(lambda: Listener(password), redis.hostname, redis.port)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
    else:
        await serve_socket(scope, receive, send)


async def serve_socket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    key = object()
    try:
        while (event := await receive())["type"] != "websocket.disconnect":
            if event["type"] == "websocket.connect":
                await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
                continue
            message = json.loads(event["text"])
            if message["type"] == "connection_init":
                await send({"type": "websocket.send", "text": '{"type":"connection_ack"}'})
            elif message["type"] == "subscribe":
                readers[key] = Reader(scope["extensions"]["transport"], message["id"])
    finally:
        readers.pop(key, None)


if __name__ == "__main__":
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        ws=OpenProtocol,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_level="warning",
    )
