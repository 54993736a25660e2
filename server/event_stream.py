"""graphql-sse, distinct connections: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, an operation for
each response. For where WebSockets are blocked: the same plans, groups and limits as on a socket.

A batch's cursor is the event's `id`, where the subscription selects `cursor`; who comes back with it in `Last-Event-ID`
goes on from there, if the document takes its `after` from a variable.

Invariant: what waits for a reader is bounded, and nobody else waits for them: who does not keep up is cut off and comes
back by their cursor. `complete` is said when an operation is over, and by nothing else that ends a response: a client
takes it as the end, and would not come back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode
from graphql.language import SelectionSetNode
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from server.credentials import Credentials
from server.sockets import Sockets
from server.wire import MAX_BUFFERED_BYTES, MAX_EVENTS_BEHIND, STALL_SECONDS

MEDIA_TYPE = "text/event-stream"
CURSOR_FIELD = "cursor"
COMPLETE = b"event: complete\ndata: \n\n"
HEARTBEAT = b":\n\n"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
    # Proxies that gather what they pass on would keep events back.
    "X-Accel-Buffering": "no",
}


def finished(payload: bytes) -> bytes:
    """The body of an operation that has one result: what comes, and that nothing more does."""
    return _next(payload) + COMPLETE


Produce = Callable[["EventStream"], Coroutine[Any, Any, None]]
"""Gives an operation's results to its stream, and says how it ends. Ends itself when the stream raises Ended."""


class Ended(Exception):
    """The response is over; nothing more is taken."""


class EventStream:
    """One response that goes on: an execution.live.Outlet, and a server.sockets.Connection.

    It counts from its making on, so that of many who ask at once no more are let in than may be: `leave` in the end.
    """

    def __init__(self, sockets: Sockets, credentials: Credentials | None, cursor_at: tuple[str, str] | None) -> None:
        self.credentials = credentials
        self.operations: dict[str, object] = {"": self}
        self._sockets = sockets
        self._cursor_at = cursor_at
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._waiting_bytes = 0
        self._waiting_events = 0
        self._news = asyncio.Event()
        self._taken = asyncio.Event()
        self._is_over = False
        self.has_told = False
        """Whether there was a result already."""
        sockets.add(self)
        if credentials is not None:
            sockets.authenticated(self, credentials)

    def leave(self) -> None:
        """Count no more."""
        self._sockets.remove(self)

    # What it is given

    def deliver(self, payload: bytes, events: int) -> None:
        """Pass a payload on; who does not keep up is cut off. Never waits."""
        if self._is_over:
            return
        self._put(self._framed(payload), events)
        if self._waiting_bytes > MAX_BUFFERED_BYTES or self._waiting_events > MAX_EVENTS_BEHIND:
            self._cut_off()

    async def send(self, payload: bytes) -> None:
        """Pass a payload on, and wait until there is room for the next one. Raises Ended."""
        self._put(self._framed(payload), 1)
        try:
            async with asyncio.timeout(STALL_SECONDS):
                while self._waiting and not self._is_over:
                    self._taken.clear()
                    await self._taken.wait()
        except TimeoutError:
            self._cut_off()
        if self._is_over:
            raise Ended

    def refuse(self, errors: list[dict[str, Any]]) -> None:
        """It cannot begin: that is its only result."""
        self._put(_next(orjson.dumps({"errors": errors})), 0)
        self.complete()

    def fail(self, errors: list[dict[str, Any]]) -> None:
        """It cannot go on. Whoever comes back goes on, or is told for good that they cannot."""
        self._put(_next(orjson.dumps({"errors": errors})), 0)
        self._end()

    def complete(self) -> None:
        """Nothing more comes, unless it has ended otherwise."""
        self._put(COMPLETE, 0)
        self._end()

    async def close(self, code: int, reason: str) -> None:
        """The server ends it: for a session that is over (4403) with an error, else without a word."""
        if code == 4403:
            self.fail([{"message": reason, "extensions": {"code": "UNAUTHENTICATED"}}])
        self._end()

    async def finish(self) -> None:
        """Waits for nothing: a stream is begun anew elsewhere."""

    def _put(self, frame: bytes, events: int) -> None:
        if self._is_over:
            return
        self._waiting.append((frame, events))
        self._waiting_bytes += len(frame)
        self._waiting_events += events
        self._news.set()

    def _framed(self, payload: bytes) -> bytes:
        self.has_told = True
        cursor = None if self._cursor_at is None else _cursor_in(payload, self._cursor_at)
        head = b"" if cursor is None else b"id: " + cursor + b"\n"
        return head + _next(payload)

    def _cut_off(self) -> None:
        self._sockets.tally.slow += 1
        self._waiting.clear()
        self._end()

    def _end(self) -> None:
        self._is_over = True
        self._news.set()
        self._taken.set()

    # What the response takes

    async def chunks(self, produce: Produce) -> AsyncGenerator[bytes]:
        """The body. The operation ends with it, however it ends."""
        if self._is_over:  # since it was let in
            for frame, _ in self._waiting:
                yield frame
            return
        expiry = self._expire()
        producing = asyncio.create_task(produce(self))
        try:
            yield HEARTBEAT  # so that whoever asked knows at once that it has begun
            while True:
                self._news.clear()
                while self._waiting:
                    frame, events = self._waiting.popleft()
                    self._waiting_bytes -= len(frame)
                    self._waiting_events -= events
                    yield frame
                    self._taken.set()
                if self._is_over:
                    return
                try:
                    async with asyncio.timeout(self._sockets.ping_seconds):
                        await self._news.wait()
                except TimeoutError:
                    yield HEARTBEAT
        finally:
            self._end()
            if expiry is not None:
                expiry.cancel()
            producing.cancel()
            with suppress(asyncio.CancelledError):
                await producing

    def _expire(self) -> asyncio.TimerHandle | None:
        if self.credentials is None or self.credentials.expires_at is None:
            return None
        left = max(0.0, (self.credentials.expires_at - datetime.now(UTC)).total_seconds())
        loop = asyncio.get_running_loop()
        return loop.call_later(left, lambda: self._sockets.start(self.close(4403, "The access token expired")))


class EventStreamResponse(StreamingResponse):
    """What a stream is sent by. It is let go of however that ends, also before anything was taken."""

    def __init__(self, stream: EventStream, produce: Produce) -> None:
        self._stream = stream
        self._chunks = stream.chunks(produce)
        super().__init__(self._chunks, headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.leave()
            await self._chunks.aclose()


def _next(payload: bytes) -> bytes:
    return b"event: next\ndata: " + payload + b"\n\n"


_parsed: tuple[bytes, tuple[str, str], bytes | None] | None = None
"""The newest payload, with where its cursor was looked for, and that: many are given the same bytes at once."""


def _cursor_in(payload: bytes, at: tuple[str, str]) -> bytes | None:
    global _parsed  # noqa: PLW0603 - a process has one loop
    if _parsed is None or _parsed[0] is not payload or _parsed[1] != at:
        batch = (orjson.loads(payload).get("data") or {}).get(at[0]) or {}
        cursor = batch.get(at[1])
        _parsed = (payload, at, cursor.encode() if isinstance(cursor, str) else None)
    return _parsed[2]


def cursor_at(document: DocumentNode, operation: OperationDefinitionNode) -> tuple[str, str] | None:
    """Where a result of a subscription has its cursor: the names of the root field and of its `cursor`, if selected."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    looked_into: set[str] = set()
    for root in _fields(operation.selection_set, fragments, set()):
        if root.selection_set is not None:
            for field in _fields(root.selection_set, fragments, looked_into):
                if field.name.value == CURSOR_FIELD:
                    return _key(root), _key(field)
    return None


def _fields(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    """The fields of one object. Each fragment once: spread twice by each before it, the last comes 2**n times."""
    for one in selection_set.selections:
        if isinstance(one, FieldNode):
            yield one
        elif not isinstance(one, FragmentSpreadNode):
            yield from _fields(one.selection_set, fragments, seen)  # type: ignore[attr-defined]
        elif one.name.value not in seen:
            seen.add(one.name.value)
            yield from _fields(fragments[one.name.value].selection_set, fragments, seen)


def _key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value
