"""A graphql-transport-ws client as lean as Python allows: thousands of them in one process must not be the bottleneck.

Invariant: every frame is looked at. A subscriber knows the number of the event it expects next; one that is missing,
comes twice or carries another subscriber's id is counted as a fault, and a figure with faults is no figure.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

MARK = b'"#'
"""Stands before the eight digits by which an event is known, see bench.feed."""
DIGITS = 8
FULL_CHECK_EVERY = 997
"""So many events apart a frame is parsed whole; all others are searched for their id and numbers."""
MAX_FAULTS = 20

OnEvent = Callable[[int, float], None]


class Subscriber(asyncio.Protocol):
    """One socket with at most one subscription.

    `ready` is done when the server has acknowledged and, where `has_first_result`, answered the subscription; without a
    `payload` it only connects. `last` is the number of the newest event, -1 before the first.
    """

    def __init__(
        self,
        name: str,
        path: str,
        init: dict[str, Any],
        payload: dict[str, Any] | None,
        *,
        has_first_result: bool,
        on_event: OnEvent | None = None,
    ) -> None:
        self.name = name
        self.last = -1
        self.events = 0
        self.frames = 0
        self.bytes = 0
        self.cursor: str | None = None
        self.faults: list[str] = []
        self.closed_with: int | None = None
        self.on_event = on_event
        self.on_frame: Callable[[bytes], None] | None = None
        self.on_caught_up: Callable[[], None] | None = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._id = b'"' + name.encode() + b'"'
        self._path = path
        self._init = init
        self._payload = payload
        self._has_first_result = has_first_result
        self._rest = b""
        self._is_open = False
        self._transport: asyncio.Transport | None = None

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"{self.name} was closed: {self.closed_with} {self.faults}"))

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    def send(self, message: dict[str, Any]) -> None:
        self._write(0x1, orjson.dumps(message))

    def _write(self, opcode: int, body: bytes) -> None:
        # The protocol demands a mask of clients; one of zeros leaves the bytes as they are.
        size = len(body)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 65_536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        if self._transport is not None:
            self._transport.write(head + b"\0\0\0\0" + body)

    def cut(self) -> None:
        """Drop the connection without a word, as a lost network does."""
        if self._transport is not None:
            self._transport.abort()

    # What arrives

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if self._rest:
            data = self._rest + data
        position = 0
        if not self._is_open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self._fault(f"the handshake was answered {data[:60]!r}")
                self.cut()
                return
            self._is_open = True
            self.send({"type": "connection_init", "payload": self._init})
            position = end + 4
        size = len(data)
        while size - position >= 2:
            length = data[position + 1]
            start = position + 2
            if length == 126:
                if size - position < 4:
                    break
                length = (data[position + 2] << 8) | data[position + 3]
                start = position + 4
            elif length == 127:
                if size - position < 10:
                    break
                length = int.from_bytes(data[position + 2 : position + 10], "big")
                start = position + 10
            end = start + length
            if end > size:
                break
            if data[position] == 0x81:
                self._text(data, start, end, now)
            else:
                self._control_frame(data[position], data[start:end])
            position = end
        self._rest = data[position:] if position < size else b""

    def _text(self, data: bytes, start: int, end: int, now: float) -> None:
        at = data.find(MARK, start, end)
        if at < 0:
            self._message(orjson.loads(data[start:end]))
            return
        if data.find(self._id, start, end) < 0:
            self._fault(f"a frame of another subscriber: {data[start : start + 80]!r}")
        if self.on_frame is not None:
            self.on_frame(data[start:end])
        self.frames += 1
        self.bytes += end - start
        while at >= 0:
            at += len(MARK)
            number = int(data[at : at + DIGITS])
            if number != self.last + 1 and self.last >= 0:
                self._fault(f"event {number} came after {self.last}")
            self.last = number
            self.events += 1
            if self.on_event is not None:
                self.on_event(number, now)
            if number % FULL_CHECK_EVERY == 0:
                self._check_whole(data[start:end])
            at = data.find(MARK, at, end)
        if not self.ready.done():  # a subscription that resumes begins with events
            self.ready.set_result(None)
        if self.on_caught_up is not None:
            self._resumed(orjson.loads(data[start:end]))

    def _check_whole(self, text: bytes) -> None:
        message = orjson.loads(text)
        payload = message.get("payload") or {}
        batch = (payload.get("data") or {}).get("workspaceEvents")
        if message.get("id") != self.name or message.get("type") != "next" or payload.get("errors") or not batch:
            self._fault(f"not the frame it should be: {text[:300]!r}")

    def _message(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "connection_ack":
            if self._payload is not None:
                self.send({"id": self.name, "type": "subscribe", "payload": self._payload})
            if not self.ready.done() and not (self._has_first_result and self._payload is not None):
                self.ready.set_result(None)
        elif kind == "ping":
            self.send({"type": "pong"})
        elif kind == "next" and "errors" not in message["payload"]:
            self._resumed(message)
            if not self.ready.done():
                self.ready.set_result(None)
        elif kind != "pong":
            self._fault(f"{orjson.dumps(message)[:300]!r}")
            self.cut()

    def _resumed(self, message: dict[str, Any]) -> None:
        """A batch without events, or any while catching up: it tells how far the log has been read."""
        batch = message["payload"]["data"]["workspaceEvents"]
        self.cursor = batch["cursor"]
        if batch.get("resync"):
            self._fault(f"resync {batch['resync']}")
        if batch.get("caughtUp") and self.on_caught_up is not None:
            tell, self.on_caught_up = self.on_caught_up, None
            tell()

    def _control_frame(self, first: int, body: bytes) -> None:
        opcode = first & 0xF
        if opcode == 0x9:
            self._write(0xA, body)
        elif opcode == 0x8:
            self.closed_with = int.from_bytes(body[:2], "big") if len(body) >= 2 else 1005
            self._fault(f"closed {self.closed_with} {body[2:]!r}")
            self.cut()
        elif opcode != 0xA:
            self._fault(f"a frame of kind {first:#x}")

    def _fault(self, what: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(what)


async def connect(url: str, subscriber: Subscriber, seconds: float = 60.0) -> None:
    """Open the socket and wait until it is ready."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds):
        await loop.create_connection(lambda: subscriber, parts.hostname, parts.port)
        await subscriber.ready


class Http:
    """One kept-alive HTTP connection that posts JSON, for loads where a full client would cost more than the server."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, body: dict[str, Any], token: str | None = None) -> dict[str, Any]:
        """-> the JSON of the answer. One request at a time."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        content = orjson.dumps(body)
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self._writer.write(
            f"POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{authorization}"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at : head.index(b"\r\n", at)])
        answer: dict[str, Any] = orjson.loads(await self._reader.readexactly(length))
        return answer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
