"""graphql-transport-ws: heartbeat, expiry, renewal, revocation, and how sockets are closed from our side."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol

from db.errors import Unavailable
from execution.executor import EventExecutor
from server.credentials import Credentials, Unauthenticated
from server.door import HttpProtocol
from server.frames import Frames
from server.line import SERVED_AT_ONCE
from server.socket import Socket
from server.sockets import Sockets
from server.wire import SocketProtocol
from tests.protocol.tiny import SECRET, TIMEOUT_SECONDS, Client, Tiny, eventually, gate, serve


async def test_a_ping_is_answered_with_a_pong_at_any_time(tiny: Tiny) -> None:
    async with tiny.socket() as client:
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}
        await client.init(tiny.gateway.sign_in())
        await client.send({"type": "ping", "payload": {"any": "thing"}})
        assert await client.receive() == {"type": "pong"}


async def test_an_unasked_pong_is_ignored(tiny: Tiny) -> None:
    async with tiny.client() as client:
        await client.send({"type": "pong", "payload": None})
        assert (await client.answer("{ hello }"))[-1]["type"] == "complete"


async def test_a_peer_that_answers_pings_stays() -> None:
    async with serve(sockets=Sockets(ping_seconds=0.3, pong_seconds=1.5)) as tiny, tiny.client() as client:
        for _ in range(2):
            assert await client.receive() == {"type": "ping"}
            await client.send({"type": "pong"})
        assert tiny.sockets.count == 1


async def test_any_message_counts_as_life() -> None:
    async with serve(sockets=Sockets(ping_seconds=0.3, pong_seconds=1.5)) as tiny, tiny.client() as client:
        for number in range(2):
            assert await client.receive() == {"type": "ping"}
            assert (await client.answer("{ hello }", str(number)))[-1]["type"] == "complete"


async def test_a_peer_that_answers_no_ping_is_closed_4408() -> None:
    async with serve(sockets=Sockets(ping_seconds=0.1, pong_seconds=0.1)) as tiny, tiny.client() as client:
        await client.subscribe('subscription { wait(name: "never") }')
        assert (await client.closed())[0] == 4408
        await tiny.wait_for_sockets(0)
        assert tiny.sockets.operation_count == 0


async def test_a_peer_that_reads_nothing_is_dropped_with_all_it_would_have_been_sent() -> None:
    sockets = Sockets(ping_seconds=0.3, pong_seconds=1.5)
    async with serve(sockets=sockets) as tiny, tiny.client(max_queue=1) as client, tiny.client() as healthy:
        await client.subscribe("subscription { large(size: 1000000, times: 1000) }")
        await eventually(lambda: tiny.sockets.operation_count == 1)
        client.connection.transport.pause_reading()
        # 1.8 s to find it dead, 1 s to offer it the close frame
        async with asyncio.timeout(6):
            while tiny.sockets.count == 2:
                assert await healthy.receive() == {"type": "ping"}
                await healthy.send({"type": "pong"})
        await eventually(lambda: tiny.sockets.operation_count == 0)
        client.connection.transport.abort()


async def test_the_socket_closes_4403_the_moment_the_token_expires(tiny: Tiny) -> None:
    async with tiny.client(tiny.gateway.sign_in(seconds=1.5)) as client:
        await client.subscribe('subscription { wait(name: "never") }')
        assert (await client.closed(timeout_seconds=4))[0] == 4403


async def test_a_newer_token_of_the_same_session_keeps_the_socket_open(tiny: Tiny) -> None:
    old = tiny.gateway.sign_in(seconds=1.5)
    session = tiny.gateway.credentials(old)
    new = tiny.gateway.sign_in(user_id=session.user_id, session_id=session.session_id)
    async with tiny.client(old) as client:
        await client.send({"type": "ping", "payload": {"authorization": new}})
        assert await client.receive() == {"type": "pong"}
        with pytest.raises(TimeoutError):
            await client.closed(timeout_seconds=2)
        assert (await client.answer("{ hello }"))[-1]["type"] == "complete"
        assert tiny.gateway.contexts[-1].credentials == tiny.gateway.credentials(new)


@pytest.mark.parametrize("authorization", ["Bearer other", "Bearer bad", "Bearer old", "", 1])
async def test_renewal_with_anything_else_is_closed_4403(tiny: Tiny, authorization: object) -> None:
    later = datetime.now(UTC) + timedelta(minutes=1)
    tiny.gateway.tokens["Bearer other"] = Credentials(uuid4(), uuid4(), later)
    tiny.gateway.tokens["Bearer old"] = Unauthenticated("It expired.", is_expired=True)
    async with tiny.client() as client:
        await client.send({"type": "ping", "payload": {"authorization": authorization}})
        assert (await client.closed(timeout_seconds=4))[0] == 4403


async def test_renewal_before_the_init_is_closed_4403(tiny: Tiny) -> None:
    async with tiny.socket() as client:
        await client.send({"type": "ping", "payload": {"authorization": tiny.gateway.sign_in()}})
        assert (await client.closed(timeout_seconds=4))[0] == 4403


@pytest.mark.parametrize("error", [Unavailable(SECRET), RuntimeError(SECRET)])
async def test_a_renewal_that_cannot_be_checked_changes_nothing(tiny: Tiny, error: Exception) -> None:
    tiny.gateway.tokens["Bearer any"] = error
    async with tiny.client() as client:
        await client.send({"type": "ping", "payload": {"authorization": "Bearer any"}})
        assert await client.receive() == {"type": "pong"}
        assert (await client.answer("{ hello }"))[-1]["type"] == "complete"


async def test_a_revoked_session_is_closed_4403_on_all_its_sockets_and_no_other(tiny: Tiny) -> None:
    revoked, other = tiny.gateway.sign_in(), tiny.gateway.sign_in()
    async with tiny.client(revoked) as one, tiny.client(revoked) as two, tiny.client(other) as three:
        session_id = tiny.gateway.credentials(revoked).session_id
        assert session_id in tiny.sockets.session_ids()
        tiny.sockets.close_sessions({session_id, uuid4()})
        assert [(await each.closed())[0] for each in (one, two)] == [4403, 4403]
        await tiny.wait_for_sockets(1)
        assert tiny.sockets.session_ids() == {tiny.gateway.credentials(other).session_id}
        assert (await three.answer("{ hello }"))[-1]["type"] == "complete"


async def test_after_the_close_of_a_session_its_streams_deliver_nothing_more(tiny: Tiny) -> None:
    authorization = tiny.gateway.sign_in()
    async with tiny.client(authorization) as client:
        await client.subscribe("subscription { count(to: 1000000) }")
        await client.receive()
        tiny.sockets.close_sessions([tiny.gateway.credentials(authorization).session_id])
        delivered = 0
        with suppress(ConnectionClosed):
            async for _ in client.connection:
                delivered += 1
        assert (await client.closed())[0] == 4403
        assert delivered < 100_000
    await eventually(lambda: tiny.sockets.operation_count == 0)


async def test_draining_closes_all_1012_spread_over_the_time() -> None:
    async with serve(sockets=Sockets()) as tiny:
        closed_at: list[float] = []

        async def wait(client: Client) -> None:
            assert (await client.closed())[0] == 1012
            closed_at.append(time.monotonic())

        async with tiny.client() as one, tiny.client() as two, tiny.client() as three, tiny.socket() as four:
            started = time.monotonic()
            await asyncio.gather(tiny.sockets.close_all(1012, 2.0), *map(wait, (one, two, three, four)))
        assert max(closed_at) - started >= 1.0
        assert max(closed_at) - min(closed_at) >= 0.5  # of 1.5: a busy machine sees some late


async def test_draining_lets_running_mutations_finish() -> None:
    async with serve(sockets=Sockets()) as tiny, tiny.client() as client, tiny.client() as subscriber:
        name = str(uuid4())
        await subscriber.subscribe('subscription { wait(name: "never") }')
        await client.subscribe(f'mutation {{ wait(name: "{name}") }}')
        await gate(f"{name} started").wait()
        draining = asyncio.create_task(tiny.sockets.close_all(1012, 0))
        assert (await subscriber.closed())[0] == 1012
        assert not draining.done()
        gate(name).set()
        assert (await client.receive())["payload"] == {"data": {"wait": name}}
        assert (await client.receive())["type"] == "complete"
        await draining
        assert (await client.closed())[0] == 1012


async def test_a_client_that_pings_and_never_reads_is_dropped(tiny: Tiny) -> None:
    async with tiny.client() as client:
        client.connection.transport.pause_reading()
        with suppress(Exception):  # whichever write finds the connection gone
            while tiny.sockets.count:
                await client.connection.ping(uuid4().bytes * 7)
        client.connection.transport.abort()
    await tiny.wait_for_sockets(0)


async def test_of_many_who_hang_up_at_once_a_few_are_let_go_in_each_turn_of_the_loop() -> None:
    protocols: list[SocketProtocol] = []

    class Noted(SocketProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            protocols.append(self)

    async with serve(protocol=Noted) as tiny, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(tiny.socket()) for _ in range(40)]
        for client in clients:
            client.connection.transport.abort()
        closing, most = 0, 0
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while closing < len(clients):
                await asyncio.sleep(0)
                now = sum(protocol.transport.is_closing() for protocol in protocols)
                closing, most = now, max(most, now - closing)
        assert most <= SERVED_AT_ONCE
        await tiny.wait_for_sockets(0)


async def test_a_closed_socket_leaves_nothing_that_must_be_searched_for(tiny: Tiny) -> None:
    kinds = {Socket, Frames, SocketProtocol, ServerProtocol, HttpProtocol, EventExecutor}

    async def visit() -> None:
        async with tiny.client() as client:
            await client.answer("subscription { count(to: 2) }")
            await client.subscribe('subscription { wait(name: "never") }', "2")
            await client.receive()

    def left() -> int:
        tiny.gateway.contexts.clear()  # the test's own memory of them
        return sum(type(one) in kinds for one in gc.get_objects())

    await visit()  # the plan of the subscription stays
    await tiny.wait_for_sockets(0)
    gc.collect()
    before = left()
    gc.disable()
    try:
        for _ in range(5):
            await visit()
        await eventually(lambda: left() <= before)
    finally:
        gc.enable()
