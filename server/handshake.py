"""The opening handshake as nearly every client makes it: https://www.rfc-editor.org/rfc/rfc6455#section-4.2

uvicorn writes out the request that it has parsed, for websockets to parse and answer it anew, which was a tenth of
what it costs to let somebody in. Invariant: what is not quite ordinary is not understood here, but left to them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_HEADERS, MAX_HEADER_BYTES = 64, 4096
"""Less than what websockets refuses."""
_ONCE = frozenset(
    (b"connection", b"upgrade", b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-protocol")
)
_CONNECTION = frozenset((b"upgrade", b"keep-alive, upgrade"))
_TOKEN = rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+"
_TOKENS = re.compile(rb"%b(?:, ?%b)*" % (_TOKEN, _TOKEN))
_NEVER = frozenset((b"content-length", b"transfer-encoding"))
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a client that asks for a WebSocket says. `key`: as it was sent, and good."""

    key: bytes
    subprotocols: list[str]

    def answer(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The response that accepts it."""
        accept = base64.b64encode(hashlib.sha1(self.key + _GUID, usedforsecurity=False).digest())
        lines = [_ACCEPTED, accept, b"\r\n"]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        if subprotocol is not None:
            lines += (b"Sec-WebSocket-Protocol: ", subprotocol.encode(), b"\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)


def ordinary(method: str, version: str, path: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Handshake | None:
    """What a request says whose headers, their names in small letters, ask for a WebSocket; None: faulty or odd."""
    if method != "GET" or version != "1.1" or len(headers) > MAX_HEADERS or not path.isascii():
        return None
    said: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _NEVER or len(value) > MAX_HEADER_BYTES:
            return None
        if name in _ONCE:
            if name in said:
                return None
            said[name] = value
    key = said.get(b"sec-websocket-key", b"")
    is_asked = (
        said.get(b"connection", b"").lower() in _CONNECTION
        and said.get(b"upgrade", b"").lower() == b"websocket"
        and said.get(b"sec-websocket-version") == b"13"
    )
    if not is_asked or not _is_key(key):
        return None
    offered = said.get(b"sec-websocket-protocol")
    if offered is None:
        return Handshake(key, [])
    if not _TOKENS.fullmatch(offered):
        return None
    return Handshake(key, [one.strip() for one in offered.decode().split(",")])


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False
