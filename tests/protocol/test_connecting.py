"""graphql-transport-ws, from the handshake to the acknowledgement."""

from __future__ import annotations

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from db.errors import Unavailable
from server.credentials import Unauthenticated
from server.sockets import Sockets
from tests.protocol.tiny import SECRET, TIMEOUT_SECONDS, Tiny, serve


async def test_valid_credentials_are_acknowledged(tiny: Tiny) -> None:
    authorization = tiny.gateway.sign_in()
    async with tiny.client(authorization) as client:
        assert client.connection.subprotocol == "graphql-transport-ws"
        assert tiny.sockets.session_ids() == {tiny.gateway.credentials(authorization).session_id}
        assert tiny.sockets.count == 1
    await tiny.wait_for_sockets(0)
    assert tiny.sockets.session_ids() == set()


@pytest.mark.parametrize("subprotocol", [None, "graphql-ws", "something-else"])
async def test_another_subprotocol_is_closed_4406(tiny: Tiny, subprotocol: str | None) -> None:
    async with tiny.socket(subprotocol=subprotocol) as client:
        assert (await client.closed())[0] == 4406


@pytest.mark.parametrize(
    "origin",
    [
        "https://foreign.example",
        "null",
        "https://tutti.example.foreign.example",
        "https://foreign-tutti.example",
        "http://tutti.example",
        "https://tutti.example:8443",
        "https://tutti.example@foreign.example",
        "",
    ],
)
async def test_a_foreign_origin_gets_no_handshake(tiny: Tiny, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with tiny.socket(additional_headers={"Origin": origin}):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "more",
    [
        "Sec-WebSocket-Key: c2hvcnQ=\r\nSec-WebSocket-Version: 13",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8",
    ],
)
async def test_a_faulty_handshake_is_answered_400(tiny: Tiny, more: str) -> None:
    host, port = tiny.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{more}\r\n\r\n".encode()
    )
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
    writer.close()


@pytest.mark.parametrize("origin", ["https://tutti.example", "https://friend.example"])
async def test_own_and_allowed_origins_connect(tiny: Tiny, origin: str) -> None:
    async with tiny.client(additional_headers={"Origin": origin}) as client:
        assert (await client.answer("{ hello }"))[-1]["type"] == "complete"


@pytest.mark.parametrize(
    "payload",
    [{}, {"authorization": None}, {"authorization": 1}, {"authorization": "Bearer no"}, {"authorization": "none"}],
)
async def test_missing_or_bad_credentials_are_closed_4401(tiny: Tiny, payload: dict[str, object]) -> None:
    tiny.gateway.tokens["none"] = None
    async with tiny.socket() as client:
        await client.send({"type": "connection_init", "payload": payload})
        assert (await client.closed())[0] == 4401


@pytest.mark.parametrize("message", [{"type": "connection_init"}, {"type": "connection_init", "payload": None}])
async def test_an_init_without_payload_is_closed_4401(tiny: Tiny, message: dict[str, object]) -> None:
    async with tiny.socket() as client:
        await client.send(message)
        assert (await client.closed())[0] == 4401


async def test_expired_or_revoked_credentials_are_closed_4403(tiny: Tiny) -> None:
    tiny.gateway.tokens["Bearer old"] = Unauthenticated("The session was revoked.", is_expired=True)
    async with tiny.socket() as client:
        await client.send({"type": "connection_init", "payload": {"authorization": "Bearer old"}})
        assert await client.closed() == (4403, "The session was revoked.")


@pytest.mark.parametrize("error", [Unavailable(SECRET), RuntimeError(SECRET)])
async def test_when_credentials_cannot_be_checked_the_client_is_told_to_come_back(tiny: Tiny, error: Exception) -> None:
    tiny.gateway.tokens["Bearer any"] = error
    async with tiny.socket() as client:
        await client.send({"type": "connection_init", "payload": {"authorization": "Bearer any"}})
        code, reason = await client.closed()
        assert code == 1013
        assert SECRET not in reason


async def test_no_init_in_time_is_closed_4408() -> None:
    async with serve(init_timeout_seconds=1.0) as tiny, tiny.socket() as client:
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}
        assert (await client.closed())[0] == 4408


async def test_after_the_init_its_time_limit_is_forgotten() -> None:
    async with serve(init_timeout_seconds=1.0) as tiny, tiny.client() as client:
        with pytest.raises(TimeoutError):
            await client.closed(timeout_seconds=1.3)
        assert (await client.answer("{ hello }"))[-1]["type"] == "complete"


async def test_a_second_init_is_closed_4429(tiny: Tiny) -> None:
    authorization = tiny.gateway.sign_in()
    async with tiny.client(authorization) as client:
        await client.send({"type": "connection_init", "payload": {"authorization": authorization}})
        assert (await client.closed())[0] == 4429


async def test_two_inits_at_once_are_closed_4429(tiny: Tiny) -> None:
    init = {"type": "connection_init", "payload": {"authorization": tiny.gateway.sign_in()}}
    async with tiny.socket() as client:
        await asyncio.gather(client.send(init), client.send(init))
        assert (await client.closed())[0] == 4429


async def test_subscribing_before_the_acknowledgement_is_closed_4401(tiny: Tiny) -> None:
    async with tiny.socket() as client:
        await client.subscribe("{ hello }")
        assert (await client.closed())[0] == 4401
    assert tiny.gateway.contexts == []


async def test_a_person_has_a_limited_number_of_sockets() -> None:
    async with serve(max_sockets_per_person=2) as tiny:
        authorization = tiny.gateway.sign_in()
        async with tiny.client(authorization), tiny.socket() as third:
            async with tiny.client(authorization):
                await third.send({"type": "connection_init", "payload": {"authorization": authorization}})
                assert await third.closed() == (1013, "Too many sockets of one person: the limit is 2")
            await tiny.wait_for_sockets(1)
            async with tiny.client(authorization), tiny.client() as other_person:
                assert (await other_person.answer("{ hello }"))[-1]["type"] == "complete"


@pytest.mark.parametrize("authorization", ["good", "bad"])
async def test_a_client_that_vanishes_during_the_init_leaves_nothing_behind(authorization: str) -> None:
    async with serve() as tiny:
        tiny.gateway.tokens["good"] = tiny.gateway.credentials(tiny.gateway.sign_in())
        tiny.gateway.may_answer.clear()
        async with tiny.socket() as client:
            await client.send({"type": "connection_init", "payload": {"authorization": authorization}})
            await tiny.gateway.checking.wait()
            client.connection.transport.abort()
            await client.closed()
        tiny.gateway.may_answer.set()
        await tiny.wait_for_sockets(0)
        assert tiny.sockets.session_ids() == set()


async def test_while_draining_new_sockets_are_closed_1012() -> None:
    async with serve(sockets=Sockets()) as tiny:
        await tiny.sockets.close_all(1012, 0)
        async with tiny.socket() as client:
            assert (await client.closed())[0] == 1012
