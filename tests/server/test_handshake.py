"""The opening handshake: what is answered here is answered as websockets would, and all else by it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.server import ServerProtocol

from server.handshake import MAX_HEADERS, Handshake, ordinary

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
PLAIN = [
    (b"host", b"tutti.example"),
    (b"connection", b"Upgrade"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-key", KEY),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-protocol", b"graphql-transport-ws"),
]
BROWSER = [
    *PLAIN,
    (b"origin", b"https://tutti.example"),
    (b"cookie", b"a=b; c=d"),
    (b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits"),
]
ODD = {
    "a key that is no Base64": (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ="),
    "a key of 15 bytes": (b"sec-websocket-key", base64.b64encode(b"x" * 15)),
    "no key": (b"sec-websocket-key", None),
    "another version": (b"sec-websocket-version", b"8"),
    "no version": (b"sec-websocket-version", None),
    "a body": (b"content-length", b"2"),
    "a body in chunks": (b"transfer-encoding", b"chunked"),
    "a subprotocol that is no word": (b"sec-websocket-protocol", b"a b"),
    "another connection": (b"connection", b"close"),
    "another upgrade": (b"upgrade", b"h2c"),
}


def with_header(name: bytes, value: bytes | None) -> list[tuple[bytes, bytes]]:
    return [one for one in PLAIN if one[0] != name] + ([] if value is None else [(name, value)])


def asked(headers: list[tuple[bytes, bytes]], method: str = "GET") -> Handshake | None:
    return ordinary(method, "1.1", b"/graphql", headers)


@pytest.mark.parametrize("headers", [PLAIN, BROWSER])
def test_ordinary_clients_are_understood(headers: list[tuple[bytes, bytes]]) -> None:
    found = asked(headers)
    assert found is not None
    assert found.subprotocols == ["graphql-transport-ws"]
    assert found.answer("graphql-transport-ws", [(b"date", b"now")]) == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\ndate: now\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )


@pytest.mark.parametrize(
    "headers",
    [
        *(with_header(*one) for one in ODD.values()),
        *([*PLAIN, one] for one in PLAIN[1:]),
        PLAIN + [(b"x", b"y")] * MAX_HEADERS,
        [*PLAIN, (b"cookie", b"x" * 5000)],
    ],
)
def test_what_is_not_ordinary_is_left_to_websockets(headers: list[tuple[bytes, bytes]]) -> None:
    assert asked(headers) is None


def test_nothing_but_a_get_by_http_1_1_of_a_path_in_ascii_is_ordinary() -> None:
    assert ordinary("POST", "1.1", b"/graphql", PLAIN) is None
    assert ordinary("GET", "1.0", b"/graphql", PLAIN) is None
    assert ordinary("GET", "1.1", "/größe".encode(), PLAIN) is None


HEADERS = st.tuples(
    st.sampled_from([name for name, _ in PLAIN[1:]]),
    st.sampled_from(
        [
            KEY,
            KEY.lower(),
            b"",
            b"13",
            b" 13",
            b"8",
            b"websocket",
            b"Upgrade",
            b"keep-alive, Upgrade",
            b"a,b",
            b"a,",
            b"\xff",
            b"===",
        ]
    ),
)


@given(st.lists(HEADERS, max_size=4), st.sets(st.sampled_from(PLAIN), max_size=1))
def test_what_is_accepted_here_websockets_accepts_with_the_same_key(
    more: list[tuple[bytes, bytes]], missing: set[tuple[bytes, bytes]]
) -> None:
    replaced = {name for name, _ in more}
    headers = [one for one in PLAIN if one not in missing and one[0] not in replaced] + more
    found = asked(headers)
    if found is None:
        return
    request = Request("/graphql", Headers([(name.decode(), value.decode("latin-1")) for name, value in headers]))
    response = ServerProtocol(subprotocols=None).accept(request)
    assert response.status_code == 101
    assert response.headers["Sec-WebSocket-Accept"].encode() in found.answer(None, [])
