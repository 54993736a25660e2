"""What many are told goes out in order, with finished frames or by plain ASGI, and nobody waits for the slow."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing, suppress
from typing import Any
from uuid import uuid4

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from execution.live import Outlet
from server.wire import FLUSHES_AT_ONCE, LOOKS, MAX_BUFFERED_BYTES, MAX_EVENTS_BEHIND, SocketProtocol, text_frame_head
from tests.protocol.tiny import Client, Tiny, eventually, gate, serve


@pytest.fixture(params=[WebSocketsSansIOProtocol, SocketProtocol], ids=["plain ASGI", "finished frames"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Tiny]:
    async with serve(protocol=request.param) as tiny:
        yield tiny


def payload(number: int, size: int = 0) -> bytes:
    return b'{"data":{"wait":"%d%s"}}' % (number, b"x" * size)


async def waiting(tiny: Tiny, client: Client, operation_id: str = "1") -> tuple[Outlet, str]:
    """A subscription that is told only what the test delivers. -> its outlet, and the gate that ends it"""
    name = str(uuid4())
    await client.subscribe(f'subscription {{ wait(name: "{name}") }}', operation_id)
    assert (await client.receive())["payload"] == {"data": {"wait": "waiting"}}
    sharing = tiny.gateway.contexts[-1].sharing
    assert sharing is not None
    return sharing.outlet, name


async def test_what_is_delivered_comes_in_order_with_the_operations_id_and_before_what_is_sent_later(
    served: Tiny,
) -> None:
    async with served.client() as client:
        outlet, name = await waiting(served, client, 'an "id"')
        for number in range(50):
            outlet.deliver(payload(number), 1)
        gate(name).set()
        told = [await client.receive() for _ in range(52)]
    assert {one["id"] for one in told} == {'an "id"'}
    assert [one["type"] for one in told] == ["next"] * 51 + ["complete"]
    assert [one["payload"]["data"]["wait"] for one in told[:51]] == [*map(str, range(50)), name]


async def test_the_first_frame_of_a_turn_is_written_at_once_and_all_others_together_at_its_end() -> None:
    async with serve() as served, served.client() as client, served.client() as beside:
        outlet, _ = await waiting(served, client)
        other, _ = await waiting(served, beside)
        for first in (0, 10):
            with arrived_at(client) as here, arrived_at(beside) as there:
                # The loop has no turn in between, so nobody has read anything yet.
                for number in (first, first + 1, first + 2):
                    outlet.deliver(payload(number), 1)
                    other.deliver(payload(number), 1)
                for one in (here, there):
                    assert select.select([one], [], [], 5)[0]
                    assert one.recv(10_000, socket.MSG_PEEK).count(b'"next"') == 1
            for one in (client, beside):
                told = [(await one.receive())["payload"]["data"]["wait"] for _ in range(3)]
                assert told == [str(first), str(first + 1), str(first + 2)]


async def test_who_takes_less_than_comes_stays_within_the_other_limits_and_who_takes_nothing_is_dropped() -> None:
    protocols: list[SocketProtocol] = []

    class Looked(SocketProtocol):
        """Looked at by the test alone. The kernel keeps little for it, so that it is seen soon what its peer takes."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20_000)
            protocols.append(self)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._stall.cancel()

        def look(self) -> None:
            self._look_for_progress()
            self._stall.cancel()

    async with serve(protocol=Looked) as served, served.client(max_queue=1, sock=await roomy(served)) as client:
        outlet, _ = await waiting(served, client)
        (protocol,) = protocols
        buffered = protocol.transport.get_write_buffer_size
        client.connection.transport.pause_reading()
        while buffered() < 200_000:
            outlet.deliver(payload(0, 10_000), 0)
            await asyncio.sleep(0)
        with arrived_at(client) as here:
            for _ in range(2 * LOOKS):
                before = buffered()

                def has_taken(least: int = before) -> bool:
                    with suppress(BlockingIOError):
                        here.recv(100_000)
                    return buffered() < least

                await eventually(has_taken)
                while buffered() <= before:
                    assert served.sockets.tally.slow == 0
                    outlet.deliver(payload(0, 5_000), 0)
                    await asyncio.sleep(0)
                protocol.look()
        assert served.sockets.tally.slow == 0
        for number in range(LOOKS):
            assert served.sockets.tally.slow == 0, number
            protocol.look()
        assert served.sockets.tally.slow == 1
        client.connection.transport.abort()
        await eventually(lambda: served.sockets.count == 0)


async def test_of_many_connections_with_frames_to_write_so_many_are_written_to_in_each_turn() -> None:
    protocols: list[SocketProtocol] = []

    class Noted(SocketProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            protocols.append(self)

    count, frame = FLUSHES_AT_ONCE + 30, text_frame_head(2) + b"{}"
    async with serve(protocol=Noted, init_timeout_seconds=60) as served, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(served.socket()) for _ in range(count)]
        await asyncio.sleep(0)  # a turn of its own
        for _ in range(2):
            for protocol in protocols:
                protocol.push(frame)
        # The first frames of as many as may be are written already.
        waiting = sum(len(one._corked) for one in protocols)
        assert waiting == 2 * count - FLUSHES_AT_ONCE
        most, left = 0, count
        async with asyncio.timeout(30):
            while left:
                await asyncio.sleep(0)
                before, left = left, sum(bool(one._corked) for one in protocols)
                most = max(most, before - left)
        assert most == FLUSHES_AT_ONCE
        for client in clients:
            assert [await client.receive(), await client.receive()] == [{}, {}]


async def roomy(served: Tiny) -> socket.socket:
    """A connection whose receiver has room for several segments, so that none waits for a probe."""
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 200_000)
    own.setblocking(False)
    host, port = served.host.split(":")
    await asyncio.get_running_loop().sock_connect(own, (host, int(port)))
    return own


def arrived_at(client: Client) -> closing[socket.socket]:
    """The client's socket, to look at what nobody has read yet."""
    return closing(socket.socket(fileno=os.dup(client.connection.transport.get_extra_info("socket").fileno())))


async def test_after_its_end_an_operation_is_told_nothing_more(served: Tiny) -> None:
    async with served.client() as client:
        outlet, _ = await waiting(served, client)
        await client.send({"id": "1", "type": "complete"})
        await eventually(lambda: served.sockets.operation_count == 0)
        outlet.deliver(payload(1), 1)
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    ("size", "times", "events"),
    [(64_000, MAX_BUFFERED_BYTES // 64_000 + 200, 1), (1_000, 1 + 20_000_000 // 1_000, MAX_EVENTS_BEHIND // 10)],
    ids=["bytes", "events"],
)
async def test_who_does_not_read_is_closed_1013_and_nobody_else(
    served: Tiny, size: int, times: int, events: int
) -> None:
    async with served.client(max_queue=1) as client, served.client() as healthy:
        outlet, _ = await waiting(served, client)
        other, _ = await waiting(served, healthy)
        client.connection.transport.pause_reading()
        for number in range(times):
            outlet.deliver(payload(number, size), events)
            if number % 10 == 0:
                other.deliver(payload(number), 1)
                assert (await healthy.receive())["payload"]["data"]["wait"] == str(number)
            if served.sockets.tally.slow:
                break
        assert served.sockets.tally.slow == 1
        await eventually(lambda: served.sockets.tally.closes == {"1013": 1})
        other.deliver(payload(7), 1)
        assert (await healthy.receive())["payload"]["data"]["wait"] == "7"
        client.connection.transport.abort()  # ASGI alone cannot drop a peer that does not take the close
        await eventually(lambda: served.sockets.count == 1)
