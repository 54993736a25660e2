"""The payloads of one operation as `next` messages: its id is put around bytes that many operations share.

Where the server takes finished frames they are written as they are; elsewhere they go through ASGI, in order, by a task
of the operation's own.

Invariant: whoever does not keep up is closed (1013) and comes back by their cursor. Nobody else waits for them, and
nothing that was given to them is left out while they stay.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

import orjson
from strawberry.http.exceptions import WebSocketDisconnected

from server.frames import Frames
from server.wire import MAX_BUFFERED_BYTES, MAX_EVENTS_BEHIND, STALL_SECONDS, text_frame_head

TAIL = b"}"


class Outlet:
    """One operation's way out. `deliver` never waits; `send` waits until the peer takes it."""

    __slots__ = (
        "_around",
        "_draining",
        "_frames",
        "_is_closed",
        "_prefix",
        "_waiting",
        "_waiting_bytes",
        "_waiting_events",
        "_wire",
    )

    def __init__(self, frames: Frames, operation_id: str) -> None:
        self._frames = frames
        self._wire = frames.wire
        self._prefix = b'{"id":' + orjson.dumps(operation_id) + b',"type":"next","payload":'
        self._around = len(self._prefix) + len(TAIL)
        self._is_closed = False
        self._waiting: deque[tuple[bytes, int]] | None = None
        self._waiting_bytes = 0
        self._waiting_events = 0
        self._draining: asyncio.Task[None] | None = None

    def deliver(self, payload: bytes, events: int) -> None:
        """Pass a payload on in this turn of the loop."""
        if self._is_closed or self._frames.is_closed:
            return
        if self._wire is not None:
            head = text_frame_head(self._around + len(payload))
            self._wire.push(b"".join((head, self._prefix, payload, TAIL)), events)
        else:
            self._queue(payload, events)

    async def send(self, payload: bytes) -> None:
        """Pass a payload on, after all that was delivered. Raises WebSocketDisconnected once the socket is closed."""
        if self._draining is not None:
            await asyncio.wait([self._draining])
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await self._frames.send_text((self._prefix + payload + TAIL).decode())
        except TimeoutError:
            self._frames.drop_slow()
            raise WebSocketDisconnected from None

    def close(self) -> None:
        """The operation has ended: nothing more is passed on."""
        self._is_closed = True
        if self._draining is not None:
            self._draining.cancel()

    def _queue(self, payload: bytes, events: int) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append((payload, events))
        self._waiting_bytes += len(payload)
        self._waiting_events += events
        if self._waiting_bytes > MAX_BUFFERED_BYTES or self._waiting_events > MAX_EVENTS_BEHIND:
            self._frames.drop_slow()
        elif self._draining is None:
            self._draining = asyncio.create_task(self._drain(self._waiting))

    async def _drain(self, waiting: deque[tuple[bytes, int]]) -> None:
        try:
            with suppress(WebSocketDisconnected):
                while waiting:
                    payload, events = waiting[0]
                    async with asyncio.timeout(STALL_SECONDS):
                        await self._frames.send_text((self._prefix + payload + TAIL).decode())
                    waiting.popleft()
                    self._waiting_bytes -= len(payload)
                    self._waiting_events -= events
        except TimeoutError:
            self._frames.drop_slow()
        finally:
            self._draining = None
