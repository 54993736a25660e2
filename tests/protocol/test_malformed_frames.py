"""Frames no client should send: each has its close code, none leaves a traceback or anything else behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from tests.protocol.tiny import Tiny, serve

SUBSCRIBE = '{"type":"subscribe","id":"1","payload":'
MALFORMED: dict[str, str | bytes] = {
    "empty": "",
    "no JSON": "hello",
    "half JSON": '{"type":',
    "an array": "[]",
    "an array of messages": '[{"type":"ping"}]',
    "a number": "1",
    "null": "null",
    "a string": '"ping"',
    "true": "true",
    "NaN": '{"type":"ping","payload":{"n":NaN}}',
    "a lone surrogate": '{"type":"ping","payload":{"n":"\\ud800"}}',
    "deep JSON": "[" * 20_000,
    "deep closed JSON": '{"type":"ping","payload":' + '{"a":' * 5_000 + "1" + "}" * 5_001,
    "no type": "{}",
    "type null": '{"type":null}',
    "type a list": '{"type":["ping"]}',
    "type an object": '{"type":{}}',
    "unknown type": '{"type":"start","id":"1","payload":{"query":"{hello}"}}',
    "a message of the server": '{"type":"next","id":"1","payload":{}}',
    "its acknowledgement": '{"type":"connection_ack"}',
    "ping with a string": '{"type":"ping","payload":"now"}',
    "pong with a list": '{"type":"pong","payload":[]}',
    "init with a string": '{"type":"connection_init","payload":"Bearer"}',
    "subscribe without id": '{"type":"subscribe","payload":{"query":"{hello}"}}',
    "subscribe with a number as id": '{"type":"subscribe","id":1,"payload":{"query":"{hello}"}}',
    "subscribe with an empty id": '{"type":"subscribe","id":"","payload":{"query":"{hello}"}}',
    "subscribe with a long id": '{"type":"subscribe","id":"' + "x" * 101 + '","payload":{"query":"{hello}"}}',
    "subscribe without payload": '{"type":"subscribe","id":"1"}',
    "subscribe with a string": SUBSCRIBE + '"{hello}"}',
    "subscribe without query": SUBSCRIBE + "{}}",
    "query null": SUBSCRIBE + '{"query":null}}',
    "query a number": SUBSCRIBE + '{"query":1}}',
    "variables a list": SUBSCRIBE + '{"query":"{hello}","variables":[]}}',
    "variables a string": SUBSCRIBE + '{"query":"{hello}","variables":"{}"}}',
    "operationName a number": SUBSCRIBE + '{"query":"{hello}","operationName":1}}',
    "extensions a list": SUBSCRIBE + '{"query":"{hello}","extensions":[]}}',
    "complete without id": '{"type":"complete"}',
    "complete with null": '{"type":"complete","id":null}',
    "binary": b'{"type":"ping"}',
}


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_frame_is_closed_4400(tiny: Tiny, name: str) -> None:
    async with tiny.socket() as before_init, tiny.client() as client:
        await before_init.send_raw(MALFORMED[name])
        assert (await before_init.closed())[0] == 4400
        await client.send_raw(MALFORMED[name])
        code, reason = await client.closed()
        assert code == 4400
        assert reason


async def test_text_that_is_not_utf8_is_closed_4400(tiny: Tiny) -> None:
    async with tiny.client() as client:
        await client.connection.send(b'{"type":"\xff\xfe"}', text=True)
        assert (await client.closed())[0] == 4400


async def test_a_malformed_frame_ends_the_operations_of_its_socket_and_of_no_other(tiny: Tiny) -> None:
    async with tiny.client() as client, tiny.client() as other:
        for each in (client, other):
            await each.subscribe('subscription { wait(name: "never") }')
            await each.receive()
        await client.send_raw("[]")
        assert (await client.closed())[0] == 4400
        await tiny.wait_for_sockets(1)
        assert tiny.sockets.operation_count == 1
        assert (await other.answer("{ hello }", "2"))[-1]["type"] == "complete"


async def test_the_longest_id_is_served(tiny: Tiny) -> None:
    async with tiny.client() as client:
        assert (await client.answer("{ hello }", "x" * 100))[-1]["type"] == "complete"


@pytest.mark.parametrize("size", [1_001, 5_000])  # one over the handler's limit, one over the server's
async def test_a_frame_over_the_limit_is_closed_1009(size: int) -> None:
    async with serve(max_frame_bytes=1_000) as tiny, tiny.client() as client:
        fitting = '{"type":"ping","payload":{"x":"%s"}}'
        await client.send_raw(fitting % ("x" * (1_000 - len(fitting) + 2)))
        assert await client.receive() == {"type": "pong"}
        await client.send_raw("x" * size)
        assert (await client.closed())[0] == 1009


async def test_the_limit_of_a_frame_is_of_bytes() -> None:
    async with serve(max_frame_bytes=1_000) as tiny, tiny.client() as client:
        await client.send_raw('{"type":"ping","payload":{"x":"' + "ü" * 500 + '"}}')
        assert (await client.closed())[0] == 1009


async def test_endless_empty_fragments_are_cut_off() -> None:
    async def fragments() -> object:
        while True:
            yield ""
            await asyncio.sleep(0)

    async with serve(frame_burst=1_000_000) as tiny, tiny.client() as client:
        with pytest.raises(Exception, match="close"):
            await client.connection.send(fragments())
        await tiny.wait_for_sockets(0)


async def test_too_many_frames_are_closed_1013() -> None:
    async with serve(frames_per_second=1, frame_burst=10) as tiny, tiny.client() as client:
        for _ in range(10):
            await client.send({"type": "pong"})
        assert await client.closed() == (1013, "Too many messages: the limit is 1 a second")


CONTROL = {"pings": 0x89, "pongs": 0x8A}


@pytest.mark.parametrize("name", CONTROL)
async def test_control_frames_count_as_frames(name: str) -> None:
    frame = bytes((CONTROL[name], 0x84)) + bytes(4) + b"ping"
    async with serve(frames_per_second=1, frame_burst=10) as tiny, tiny.client() as client:
        client.connection.transport.write(frame * 8)  # its initialisation was one as well
        assert (await client.answer("{ hello }"))[-1]["type"] == "complete"
    async with serve(frames_per_second=1, frame_burst=10) as tiny, tiny.client() as client:
        client.connection.transport.write(frame * 5_000)
        assert await client.closed() == (1013, "Too many messages: the limit is 1 a second")
        assert tiny.sockets.tally.closes == {"1013": 1}
        await tiny.wait_for_sockets(0)


async def test_fragments_count_as_frames() -> None:
    async with serve(frames_per_second=1, frame_burst=10) as tiny, tiny.client() as client:
        await client.connection.send(['{"type"', ":", '"ping"', "}"])
        assert await client.receive() == {"type": "pong"}
        with suppress(ConnectionClosed):
            await client.connection.send(['{"type":"ping"', *[" "] * 50, "}"])
        assert await client.closed() == (1013, "Too many messages: the limit is 1 a second")
        assert tiny.sockets.tally.closes == {"1013": 1}
        await tiny.wait_for_sockets(0)


async def test_whoever_sends_too_much_and_goes_has_gone() -> None:
    close = b"\x88\x82" + bytes(4) + (1000).to_bytes(2, "big")
    async with serve(frames_per_second=1, frame_burst=10) as tiny, tiny.client() as client:
        client.connection.transport.write((b"\x89\x84" + bytes(4) + b"ping") * 50 + close)
        await tiny.wait_for_sockets(0)


async def test_a_burst_within_the_limit_is_served(tiny: Tiny) -> None:
    async with tiny.client() as client:
        for _ in range(90):
            await client.send({"type": "pong"})
        assert (await client.answer("{ hello }"))[-1]["type"] == "complete"
