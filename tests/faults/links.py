"""TCP links that a test may cut, hold, swallow, slow down or reset; and Redis messages lost, doubled and held back.

All proxies run on one thread with an event loop of its own, so that a test may block its own loop. What is set takes
effect for all connections of a link, those that are open and those to come.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

CHUNK = 65_536
LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Unreliable:
    """What becomes of the messages of a channel: these shares of them are lost, doubled, and held back up to 0.1 s."""

    seed: int
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)


@dataclass(slots=True, eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_swallowed: bool = False

    def drop(self, *, is_reset: bool) -> None:
        for writer in (self.client, self.server):
            if is_reset:
                end = writer.get_extra_info("socket")
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Proxy:
    """One link: `port` on the loopback address leads to the target, through whatever weather there is."""

    def __init__(self, target_port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.target_port = target_port
        self.port = 0
        self.delay_seconds = 0.0
        self.bytes_per_second: float | None = None
        self.is_held = False
        """What is under way waits, and goes on when this ends."""
        self.holds_answers = False
        """Only what comes back waits: what was asked for is done, and whoever asked does not hear of it."""
        self.is_closed = False
        """New connections are refused."""
        self.taken_count = 0
        """Connections so far."""
        self.unreliable: Unreliable | None = None
        self._loop = loop
        self._connections: set[_Connection] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        self._cut(1.0, False, random.Random(0))

    def url(self, url: str) -> str:
        """The same address by way of this link."""
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.port}"))

    def cut(self, share: float = 1.0, *, is_reset: bool = False, chance: random.Random | None = None) -> None:
        """Drop so many of the open connections."""
        self._call(lambda: self._cut(share, is_reset, chance or random.Random(0)))

    def swallow(self) -> None:
        """Open connections stay open for both ends, and nothing arrives any more, for ever: they are half open."""
        self._call(self._swallow)

    @property
    def count(self) -> int:
        """Open connections."""
        return len(self._connections)

    def _call(self, act: Callable[[], None]) -> None:
        done: Future[None] = Future()

        def run() -> None:
            act()
            done.set_result(None)

        self._loop.call_soon_threadsafe(run)
        done.result(5)

    def _cut(self, share: float, is_reset: bool, chance: random.Random) -> None:
        for one in list(self._connections):
            if chance.random() < share:
                one.drop(is_reset=is_reset)

    def _swallow(self) -> None:
        for one in self._connections:
            one.is_swallowed = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_closed:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self.taken_count += 1
        connection = _Connection(writer, far_writer)
        self._connections.add(connection)
        ways = [
            asyncio.create_task(self._carry(connection, reader, far_writer, is_back=False)),
            asyncio.create_task(self._carry(connection, far_reader, writer, is_back=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if connection.is_swallowed:  # one end has gone, and the other shall not hear of it
                await asyncio.wait(ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._connections.discard(connection)
            connection.drop(is_reset=False)

    async def _carry(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_back: bool
    ) -> None:
        replies = Replies()
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self.bytes_per_second:
                    await asyncio.sleep(len(data) / self.bytes_per_second)
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                while self.is_held or (is_back and self.holds_answers):  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(LOOK_SECONDS)
                if connection.is_swallowed:
                    continue
                if is_back and self.unreliable is not None:
                    for reply in replies.feed(data):
                        self._deliver(reply, writer, self.unreliable)
                else:
                    writer.write(replies.rest() + data)
                await writer.drain()

    def _deliver(self, reply: bytes, writer: asyncio.StreamWriter, how: Unreliable) -> None:
        is_message = reply.startswith(b"*3\r\n$7\r\nmessage\r\n")
        if is_message and how.chance.random() < how.lost:
            return
        for _ in range(2 if is_message and how.chance.random() < how.doubled else 1):
            if is_message and how.chance.random() < how.late:
                self._loop.call_later(how.chance.random() * 0.1, _write, writer, reply)
            else:
                writer.write(reply)


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.transport.is_closing():
        writer.write(data)


class Replies:
    """Cuts what Redis says (RESP2) into whole replies."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The replies that are whole by now."""
        self._data += data
        while (end := self._end(0)) is not None:
            yield self._data[:end]
            self._data = self._data[end:]

    def rest(self) -> bytes:
        """What waits for its end."""
        rest, self._data = self._data, b""
        return rest

    def _end(self, start: int) -> int | None:
        """Where the reply that begins at `start` ends; None if it is not here yet."""
        line_end = self._data.find(b"\r\n", start)
        if line_end < 0:
            return None
        kind, body = self._data[start : start + 1], self._data[start + 1 : line_end]
        at = line_end + 2
        if kind == b"$":
            size = int(body)
            at += size + 2 if size >= 0 else 0
            return at if at <= len(self._data) else None
        for _ in range(max(0, int(body)) if kind == b"*" else 0):
            end = self._end(at)
            if end is None:
                return None
            at = end
        return at


@contextlib.contextmanager
def proxies(*target_ports: int) -> Iterator[list[Proxy]]:
    """One proxy for each port, on a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxies", daemon=True)
    thread.start()
    made = [Proxy(port, loop) for port in target_ports]
    try:
        for one in made:
            asyncio.run_coroutine_threadsafe(one.open(), loop).result(5)
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(_stop(made), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _stop(made: list[Proxy]) -> None:
    for one in made:
        await one.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
