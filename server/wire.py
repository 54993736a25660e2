"""The WebSocket protocol class uvicorn is started with: uvicorn's own, made safe against what hostile peers send, and
able to take finished frames.

`uvicorn.Config(ws=SocketProtocol, ws_ping_interval=None, ws_per_message_deflate=False, ws_max_size=max_frame_bytes)`.
It offers itself in the ASGI scope: what is the same for many sockets is written as finished frames, and a peer that
reads nothing can be dropped, which ASGI alone cannot do, because sending the close frame waits for the peer as well.

Invariant: frames leave in the order they were pushed, and before whatever ASGI sends after `flush`. Neither uvloop nor
asyncio joins the writes of one turn of the loop, so of the frames that a connection is pushed in one turn the first is
written at once, and all others are collected until its end and written together.
"""

from __future__ import annotations

from asyncio import TimerHandle
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast
from urllib.parse import unquote

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import Protocol, State

from realtime.turn import turn
from server.handshake import Handshake
from server.line import line

WIRE = "tutti.wire"
FLUSHES_AT_ONCE = 250
"""Sockets written to before the loop may do something else; as many as that get their first frame at once."""
MAX_BUFFERED_BYTES = 1024 * 1024
MAX_EVENTS_BEHIND = 1_000
STALL_SECONDS = 10.0
"""How long a peer may take nothing at all while something waits for it."""
LOOKS = 10
"""How often it is looked at meanwhile: whoever stops is found out before Linux cuts them off (server.door)."""
# Nobody splits 64 KiB so finely; empty fragments would pile up without counting towards the frame's size.
MAX_FRAGMENTS = 1_000
PONG, MAX_PONG = b'{"type":"pong"}', 20
"""With what blanks a client's encoder puts into it."""
DROP_SECONDS = 3.0
"""How long whoever is dropped has to read why."""

_dirty: list[SocketProtocol] = []
"""Connections with frames to write at the end of this turn of the loop. A process has one loop."""


class _Now:
    """The turn of the loop that it is: its number, and how many connections have been written to at once in it."""

    __slots__ = ("number", "written")

    def __init__(self) -> None:
        self.number = 1
        self.written = 0

    def end(self) -> None:
        self.number += 1
        self.written = 0


_now = _Now()


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection. `on_slow` is called once, when its peer does not keep up.

    `on_pong` is called for each pong of graphql-transport-ws that has no payload, and says whether that was all; else
    it goes the way of all messages. Most of what sockets at rest send is pongs. `on_other` is called for each frame
    that is no message: a ping or pong of the WebSocket itself, a fragment after the first. It says whether it is taken.
    """

    # What each frame is written by lies in the connection itself, also what uvicorn keeps of that: it has so many
    # attributes that Python looks each up in a table, which between two events is in no cache of the processor.
    __slots__ = ("_corked", "_is_behind", "_written_in", "close_sent", "disconnected", "transport")

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.on_slow: Callable[[], None] | None = None
        self.on_pong: Callable[[], bool] | None = None
        self.on_other: Callable[[], bool] | None = None
        self._corked: list[bytes] = []
        self._written_in = 0  # the turn
        self._is_behind = False  # what its peer has not taken is a lot
        self._events_behind = 0
        self._stall: TimerHandle | None = None
        self._buffered = 0  # what would wait for the peer if they had taken nothing since the last look
        self._idle_looks = 0
        self._handshake: Handshake | None = None

    def begin(self, handshake: Handshake, url: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """Let the application answer a request that is understood already; the connection is made."""
        self._handshake = handshake
        self.handshake_initiated = True
        raw_path, _, query = url.partition(b"?")
        self.scope = {
            "type": "websocket",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": self.root_path,
            "path": self.root_path + unquote(raw_path.decode()),
            "raw_path": self.root_path.encode() + raw_path,
            "query_string": query,
            "headers": headers,
            "subprotocols": handshake.subprotocols,
            "state": self.app_state.copy(),
            "extensions": cast("Any", {"websocket.http.response": {}, WIRE: self}),
        }
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    async def send(self, message: Any) -> None:
        handshake = self._handshake
        if handshake is None or message["type"] != "websocket.accept" or self.disconnected:
            await super().send(message)
            return
        self._handshake = None
        if self.transport.is_closing():
            return
        self.handshake_complete = True
        headers = [*self.default_headers, *message.get("headers", ())]
        self.transport.write(handshake.answer(message.get("subprotocol"), headers))
        # What websockets does once it has sent its own answer: from now on there are frames.
        self.conn.state = State.OPEN
        self.conn.parser = Protocol.parse(self.conn)
        next(self.conn.parser)

    def forget_handshake(self) -> None:
        """Once it is accepted nobody asks for it again, and a socket may last for days: 3 KB each."""
        self.request = self.response = None  # type: ignore[assignment]
        self.scope["headers"] = []
        self._leave_scope()

    def push(self, frame: bytes, events: int = 0) -> None:
        """Write a finished frame in this turn, at its end if it is not the first; lost if the connection is closing."""
        if self._corked:
            self._corked.append(frame)
        elif self._written_in == _now.number or _now.written >= FLUSHES_AT_ONCE:
            if not _dirty:
                turn.write(_flush_dirty)
            _dirty.append(self)
            self._corked.append(frame)
        else:
            if not _now.written:
                turn.write(_now.end)
            _now.written += 1
            self._written_in = _now.number
            self._write(frame)
        if events and self._is_behind:
            self._events_behind += events
            if self._events_behind > MAX_EVENTS_BEHIND:
                self._be_slow()

    def flush(self) -> None:
        """Write what was pushed."""
        frames = self._corked
        if frames:
            self._corked = []
            self._write(frames[0] if len(frames) == 1 else b"".join(frames))

    def _write(self, data: bytes) -> None:
        transport = self.transport
        if self.close_sent or self.disconnected or transport.is_closing():
            return
        transport.write(data)
        if self._is_behind:
            self._buffered += len(data)
            if transport.get_write_buffer_size() > MAX_BUFFERED_BYTES:
                self._be_slow()

    def drop(self, code: int, reason: str) -> None:
        """Close a peer that does not keep up: what it was sent waits a little for it, with the close frame behind."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.flush()
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(DROP_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_behind = True
        self._buffered = self.transport.get_write_buffer_size()
        self._idle_looks = 0
        self._stall = self.loop.call_later(STALL_SECONDS / LOOKS, self._look_for_progress)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_behind = False
        self._events_behind = 0
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def eof_received(self) -> bool:  # type: ignore[override]
        """The peer has hung up. When thousands do at once, to close all in one turn of the loop takes it 15 ms."""
        line.enter(self.transport.close)
        return True  # so that it is not closed at once

    def connection_lost(self, exc: Exception | None) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        self.on_slow = self.on_pong = self.on_other = None
        self._leave_scope()
        # When thousands are cut at once, to let go of them takes a fifth of a second.
        line.enter(lambda: self._let_go(exc))

    def _let_go(self, exc: Exception | None) -> None:
        WebSocketsSansIOProtocol.connection_lost(self, exc)
        self.conn.parser.close()  # a suspended generator of `conn`, which so refers to itself

    def _look_for_progress(self) -> None:
        """Whoever takes something stays, also when more comes than they take: then they run into the other limits."""
        buffered = self.transport.get_write_buffer_size()
        self._idle_looks = 0 if buffered < self._buffered else self._idle_looks + 1
        self._buffered = buffered
        if self._idle_looks >= LOOKS:
            self._be_slow()
        else:
            self._stall = self.loop.call_later(STALL_SECONDS / LOOKS, self._look_for_progress)

    def _be_slow(self) -> None:
        on_slow, self.on_slow = self.on_slow, None
        if on_slow is not None:
            on_slow()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # absent when the handshake was no WebSocket's
            cast("dict[str, object]", self.scope["extensions"])[WIRE] = self

    def _leave_scope(self) -> None:
        """So that it does not refer to itself by its scope, and is gone with its last user."""
        if hasattr(self, "scope"):
            cast("dict[str, object]", self.scope["extensions"]).pop(WIRE, None)

    def handle_ping(self) -> None:
        if self._is_taken():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._is_taken():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        if not self._is_taken():
            return
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        else:
            self.transport.abort()

    def _is_taken(self) -> bool:
        if self.close_sent:
            self.conn.data_to_send()  # pongs that nobody will be sent
            return False
        if self.conn.state is not State.OPEN:
            return False  # the peer's own close came with it, and is answered next
        return self.on_other is None or self.on_other()

    def send_receive_event_to_app(self) -> None:
        data = b"".join(self.frames)
        self.frames = [data]
        if self.curr_msg_data_type == "text":
            is_pong = len(data) <= MAX_PONG and data.translate(None, b" ") == PONG
            if is_pong and self.on_pong is not None and self.on_pong():
                return
            try:
                data.decode()
            except UnicodeDecodeError:  # uvicorn would log a traceback; as a binary frame the application refuses it
                self.curr_msg_data_type = "bytes"
        super().send_receive_event_to_app()


def _flush_dirty() -> None:
    chunk = _dirty[:FLUSHES_AT_ONCE]
    del _dirty[:FLUSHES_AT_ONCE]
    if _dirty:
        chunk[0].loop.call_soon(_flush_dirty)
    for protocol in chunk:
        protocol.flush()


@lru_cache(1024)
def text_frame_head(size: int) -> bytes:
    """What stands before an unmasked text message of `size` bytes: https://www.rfc-editor.org/rfc/rfc6455#section-5.2"""
    if size < 126:
        return bytes((0x81, size))
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")
