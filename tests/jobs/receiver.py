"""A receiver of webhooks that does what a test wants: answers, fails, hangs, breaks off, dies and comes back."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from standardwebhooks.webhooks import Webhook

WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request, whatever was answered."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> Any:
        return orjson.loads(self.body)

    @property
    def type(self) -> str:
        found: str = self.said["type"]
        return found

    @property
    def title(self) -> str:
        """Of the task that it tells of."""
        found: str = self.said["data"]["task"]["title"]
        return found

    def verified(self, secret: str) -> Any:
        """What was said, if the signature is right."""
        return Webhook(secret).verify(self.body, self.headers)


Behaviour = bytes | str
"""The bytes of an answer, or `hang`, `drop`, `endless`, `drip`."""


def answer(status: int = 200, body: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


OK = answer()


@dataclass
class Receiver:
    """`behave` is asked for each request; `taken` are those that were answered with a 2xx.

    `delay_seconds`: so long it takes to answer.
    """

    behave: Callable[[Received], Behaviour] = lambda received: OK
    received: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    connections: int = 0
    delay_seconds: float = 0.0
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        """Listen; again on the same port."""
        self._server = await asyncio.start_server(self._serve, host, self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Die: nobody listens, and every connection breaks."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            self._server = None

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until what came makes it so."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._respond(reader, writer):
                    pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        one = Received(first.split(" ")[1], headers, body)
        self.received.append(one)
        does = self.behave(one)
        if isinstance(does, bytes) and does.startswith(b"HTTP/1.1 2"):
            self.taken.append(one)
        self._news.set()
        match does:
            case bytes():
                await asyncio.sleep(self.delay_seconds)
                writer.write(does)
                await writer.drain()
                return b"connection: close" not in does
            case "hang":
                await reader.read()
            case "endless":
                writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                while True:
                    writer.write(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
                    await writer.drain()
            case "drip":
                writer.write(b"HTTP/1.1 200 OK\r\n")
                while True:
                    writer.write(b"x-slow: 1\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.2)
        return False


@asynccontextmanager
async def receiving(
    behave: Callable[[Received], Behaviour] = lambda received: OK, **more: Any
) -> AsyncIterator[Receiver]:
    receiver = Receiver(behave)
    await receiver.start(**more)
    try:
        yield receiver
    finally:
        await receiver.stop()
