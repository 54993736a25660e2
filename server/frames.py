"""The frames of one WebSocket: what arrives is well-formed and within the limits, what leaves respects the close.

After `close` nothing more is sent or read, whoever called it; a peer that does not take the close frame is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

import orjson
from starlette.types import Message, Receive, Scope, Send
from strawberry.http.async_base_view import AsyncWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected

from execution.limits import Limits
from server.tally import Tally
from server.wire import WIRE, SocketProtocol, text_frame_head

MAX_ID_CHARACTERS = 100
CLOSE_TIMEOUT_SECONDS = 1.0
TOO_SLOW = (1013, "Too slow to take what you asked for; reconnect and resume from your cursor")
MAX_REASON_BYTES = 123  # RFC 6455: a control frame has 125 bytes, two are the code


class Frames(AsyncWebSocketAdapter):
    """An accepted WebSocket, by ASGI. `heard_at` is the loop's time of the last message from the peer."""

    __slots__ = ("is_closed",)  # asked for each frame, see server.wire

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits, tally: Tally) -> None:
        self._receive = receive
        self._send = send
        self._limits = limits
        self._tally = tally
        tally.sockets += 1
        self.wire: SocketProtocol | None = scope.get("extensions", {}).get(WIRE)
        if self.wire is not None:
            self.wire.on_slow = self.drop_slow
            self.wire.on_pong = self._hear_pong
            self.wire.on_other = self._hear_other
        self._closing: asyncio.Task[None] | None = None
        self._time = asyncio.get_running_loop().time
        self._allowance = float(limits.frame_burst)
        self.heard_at = self._counted_at = self._time()
        self.is_closed = False

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """Yields well-formed messages until the socket closes; closes it itself at the first other one."""
        while not self.is_closed:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                self._count_close("client")
                self.is_closed = True
            elif (refusal := self._refusal_of(event)) is not None:
                await self.close(*refusal)
            else:
                try:
                    message = orjson.loads(event["text"])
                except orjson.JSONDecodeError:  # also of JSON nested too deep
                    await self.close(4400, "A message must be valid JSON")
                    return
                if (fault := fault_of(message)) is not None:
                    await self.close(4400, fault)
                else:
                    yield message

    def _hear_pong(self) -> bool:
        self.heard_at = self._time()
        return self.is_closed or self._is_in_time()

    def _hear_other(self) -> bool:
        """Frames that are no messages count as well, but say nothing of whether whoever reads our pings is there."""
        if not self.is_closed and not self._is_in_time():
            self._drop(*self._too_many())
        return not self.is_closed

    def _is_in_time(self) -> bool:
        """A frame came. -> whether not too many do."""
        now = self._time()
        refill = (now - self._counted_at) * self._limits.frames_per_second
        self._allowance = min(self._allowance + refill, self._limits.frame_burst) - 1
        self._counted_at = now
        return self._allowance >= 0

    def _too_many(self) -> tuple[int, str]:
        return 1013, f"Too many messages: the limit is {self._limits.frames_per_second:g} a second"

    def _refusal_of(self, event: Message) -> tuple[int, str] | None:
        limits = self._limits
        self.heard_at = self._time()
        if not self._is_in_time():
            return self._too_many()
        text = event.get("text")
        if text is None:
            return 4400, "A message must be text in UTF-8"
        if len(text) > limits.max_frame_bytes // 4 and len(text.encode()) > limits.max_frame_bytes:
            return 1009, f"The message is too big: the limit is {limits.max_frame_bytes} bytes"
        return None

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Sends one message. Raises WebSocketDisconnected once the socket is closed by either side."""
        text = orjson.dumps(message).decode()  # text, not bytes: browsers' clients cannot read binary frames
        await self.send_text(text)

    async def send_text(self, text: str) -> None:
        """The same for a message that is JSON already."""
        if self.is_closed:
            raise WebSocketDisconnected
        if self.wire is not None:
            self.wire.flush()
        try:
            await self._send({"type": "websocket.send", "text": text})
        except (OSError, RuntimeError) as error:  # the server's ways to say that the peer has gone
            self._count_close("client")
            self.is_closed = True
            raise WebSocketDisconnected from error

    def push_text(self, text: bytes) -> bool:
        """Sends a message that is JSON already in this turn of the loop, without waiting for anything.

        -> whether it could be; False where the server takes no finished frames. Lost if the socket is closing.
        """
        if self.wire is None:
            return False
        self.wire.push(text_frame_head(len(text)) + text)
        return True

    async def close(self, code: int, reason: str) -> None:
        """Closes the socket, once: later calls do nothing. Never raises, and takes at most a second."""
        if self.is_closed:
            return
        if self.wire is not None:
            self.wire.flush()
        self._count_close(str(code))
        self.is_closed = True
        shown = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self._send({"type": "websocket.close", "code": code, "reason": shown})
        except TimeoutError:
            self.abort()
        except (OSError, RuntimeError):
            pass

    def drop_slow(self) -> None:
        """Closes the socket of a peer that does not keep up, without waiting for it."""
        if self.is_closed or self._closing is not None:
            return
        self._tally.slow += 1
        if self.wire is None:
            self._closing = asyncio.create_task(self.close(*TOO_SLOW))
        else:
            self._drop(*TOO_SLOW)

    def _drop(self, code: int, reason: str) -> None:
        """Closes the socket without waiting for its peer, where the server lets us."""
        self._count_close(str(code))
        self.is_closed = True
        if self.wire is not None:
            self.wire.drop(code, reason)

    def _count_close(self, code: str) -> None:
        if not self.is_closed:
            self._tally.closes[code] += 1

    def abort(self) -> None:
        """Drops the connection without waiting for the peer, where the server lets us."""
        self.is_closed = True
        if self.wire is not None:
            self.wire.transport.abort()


def fault_of(message: object) -> str | None:
    """What is wrong with the shape of a client's message; None if nothing is."""
    if not isinstance(message, dict):
        return "A message must be a JSON object"
    kind, payload = message.get("type"), message.get("payload")
    if kind in ("connection_init", "ping", "pong"):
        return None if isinstance(payload, dict | None) else "The payload must be an object"
    if kind not in ("subscribe", "complete"):
        return "Unknown message type"
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not 0 < len(operation_id) <= MAX_ID_CHARACTERS:
        return f"The id must be a string of 1 to {MAX_ID_CHARACTERS} characters"
    return None if kind == "complete" else _fault_of_request(payload)


def _fault_of_request(payload: object) -> str | None:
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        return "The payload must be an object with a query"
    if not isinstance(payload.get("variables"), dict | None):
        return "The variables must be an object"
    if not isinstance(payload.get("operationName"), str | None):
        return "The operationName must be a string"
    if not isinstance(payload.get("extensions"), dict | None):
        return "The extensions must be an object"
    return None
