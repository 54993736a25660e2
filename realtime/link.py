"""One connection to Redis, with every wait bounded.

The driver's pools, clients and retries are left out on purpose: a retry against
a frozen Redis once held a publish for 13 seconds. A link that failed is closed
and another one made; it is never used again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hiredis
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from realtime.turn import turn

CONNECT_SECONDS = 1.0
SEND_SECONDS = 1.0

BROKEN = (RedisError, OSError, TimeoutError)
"""What a link may raise when Redis is away, slow or says no."""


@contextmanager
def closed_as_reset() -> Iterator[None]:
    """uvloop tells who writes to a socket that was just closed a RuntimeError: make it a ConnectionResetError."""
    try:
        yield
    except RuntimeError as error:
        if "the handler is closed" not in str(error):
            raise
        raise ConnectionResetError("The link to Redis was just closed.") from error


class Link:
    """One connection that speaks RESP2. Open it by `connect`, and always `close` it."""

    def __init__(self, redis_url: str) -> None:
        pool: Any = ConnectionPool.from_url(
            redis_url,
            protocol=2,
            driver_info=None,
            retry=Retry(NoBackoff(), 0),
            # Our own timeouts bound every wait: with one of its own the driver uses asyncio.wait_for, which in Python
            # 3.11 may swallow a cancellation.
            socket_timeout=None,
            socket_connect_timeout=CONNECT_SECONDS,
            health_check_interval=0,
        )
        self._connection: Any = pool.make_connection()

    async def connect(self) -> None:
        """Connect and authenticate. Raises one of BROKEN, within CONNECT_SECONDS."""
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._connection.connect()

    async def send(self, *commands: tuple[bytes, ...]) -> None:
        """Write commands in one go, without waiting for their replies. Raises one of BROKEN."""
        async with asyncio.timeout(SEND_SECONDS):
            packed = self._connection.pack_commands(commands)
            with closed_as_reset():
                await self._connection.send_packed_command(packed, check_health=False)

    async def receive(self) -> Any:
        """The next reply or message, however long it takes. Raises one of BROKEN."""
        return await self._connection.read_response(disable_decoding=True, timeout=math.inf)

    def listen(self, on_reply: Callable[[Any], None]) -> asyncio.Future[None]:
        """Have every further reply and message passed to `on_reply`; -> what fails when the link does.

        They are passed as they arrive, without a task and a stream between: a process hears of every change here.
        """
        listening = _Listening(on_reply)
        # The driver has read all that it asked for while connecting, so nothing is left in its stream.
        self._connection._writer.transport.set_protocol(listening)
        return listening.lost

    async def ask(self, *commands: tuple[bytes, ...]) -> None:
        """Send commands and see that each is answered. Raises one of BROKEN."""
        await self.send(*commands)
        for _ in commands:
            await self.receive()

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)


class _Listening(asyncio.Protocol):
    """Reads RESP2 straight from the socket."""

    def __init__(self, on_reply: Callable[[Any], None]) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_reply = on_reply
        self._reader = hiredis.Reader()

    def data_received(self, data: bytes) -> None:
        if self.lost.done():
            return
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                if isinstance(reply, hiredis.ReplyError):
                    raise RedisError(str(reply))
                self._on_reply(reply)
            turn.end()
        except Exception as error:  # noqa: BLE001 - whoever waits for `lost` gets it
            self.lost.set_exception(error)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_exception(exc or ConnectionResetError("Redis has closed the link."))
