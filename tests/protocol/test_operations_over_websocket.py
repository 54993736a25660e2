"""graphql-transport-ws, once acknowledged: operations and how they end."""

from __future__ import annotations

import asyncio
import logging
from uuid import uuid4

import httpx
import pytest

from tests.protocol.tiny import SECRET, Context, Tiny, eventually, gate, serve


async def test_a_query_answers_once_and_completes(tiny: Tiny) -> None:
    async with tiny.client() as client:
        assert await client.answer("query ($n: String!) { hello(name: $n) }", variables={"n": "you"}) == [
            {"id": "1", "type": "next", "payload": {"data": {"hello": "Hello you"}}},
            {"id": "1", "type": "complete"},
        ]


async def test_a_mutation_answers_once_and_completes(tiny: Tiny) -> None:
    async with tiny.client() as client:
        document = "mutation A { store(value: 1) } mutation B { store(value: 2) }"
        assert await client.answer(document, operationName="B") == [
            {"id": "1", "type": "next", "payload": {"data": {"store": 2}}},
            {"id": "1", "type": "complete"},
        ]


async def test_what_extensions_say_is_part_of_the_result(tiny: Tiny, http: httpx.AsyncClient) -> None:
    query = "query Extended { hello }"
    expected = {"data": {"hello": "Hello world"}, "extensions": {"said": "hello"}}
    async with tiny.client() as client:
        assert (await client.answer(query))[0]["payload"] == expected
    assert (await http.post(tiny.url, json={"query": query})).json() == expected


async def test_a_subscription_streams_and_completes(tiny: Tiny) -> None:
    async with tiny.client() as client:
        messages = await client.answer("subscription { count(to: 3) }")
        assert [message["payload"]["data"]["count"] for message in messages[:-1]] == [0, 1, 2]
        assert messages[-1] == {"id": "1", "type": "complete"}


async def test_the_id_is_free_again_after_the_end(tiny: Tiny) -> None:
    async with tiny.client() as client:
        for _ in range(3):
            assert (await client.answer("{ hello }", "same"))[-1]["type"] == "complete"
            assert (await client.answer("{ nope }", "same"))[-1]["type"] == "error"


async def test_an_id_in_use_is_closed_4409(tiny: Tiny) -> None:
    async with tiny.client() as client:
        for _ in range(2):
            await client.subscribe('subscription { wait(name: "4409") }')
        assert (await client.closed())[0] == 4409


async def test_completing_stops_the_stream_and_frees_the_id(tiny: Tiny) -> None:
    name = str(uuid4())
    async with tiny.client() as client:
        await client.subscribe(f'subscription {{ wait(name: "{name}") }}')
        assert (await client.receive())["payload"]["data"] == {"wait": "waiting"}
        await client.send({"id": "1", "type": "complete"})
        async with asyncio.timeout(30):
            await gate(f"{name} left").wait()
        assert await client.answer("{ hello }") == [
            {"id": "1", "type": "next", "payload": {"data": {"hello": "Hello world"}}},
            {"id": "1", "type": "complete"},
        ]


async def test_completing_an_unknown_id_is_ignored(tiny: Tiny) -> None:
    async with tiny.client() as client:
        await client.send({"id": "unknown", "type": "complete"})
        assert (await client.answer("{ hello }"))[-1]["type"] == "complete"


async def test_operations_run_side_by_side(tiny: Tiny) -> None:
    name = str(uuid4())
    async with tiny.client() as client:
        await client.subscribe(f'mutation {{ wait(name: "{name}") }}', "slow")
        assert (await client.answer("{ hello }", "fast"))[-1]["type"] == "complete"
        gate(name).set()
        assert (await client.receive())["payload"] == {"data": {"wait": name}}


@pytest.mark.parametrize("document", ["{", "", "{ nope }", "query A { hello } query B { hello }", "type A { a: Int }"])
async def test_a_request_that_cannot_be_executed_is_an_error_and_the_socket_stays(tiny: Tiny, document: str) -> None:
    async with tiny.client() as client:
        (error,) = await client.answer(document)
        assert error["type"] == "error"
        assert {each["extensions"]["code"] for each in error["payload"]} == {"BAD_REQUEST"}
        assert (await client.answer("{ hello }"))[-1]["type"] == "complete"
    assert len(tiny.gateway.contexts) == 1  # the refused one never had a context


async def test_variables_that_cannot_be_coerced_are_an_error(tiny: Tiny) -> None:
    async with tiny.client() as client:
        for document in ("query ($n: Int!) { hello }", "subscription ($n: Int!) { count(to: $n) }"):
            (error,) = await client.answer(document, variables={"n": "x"})
            assert error["type"] == "error"
            assert error["payload"][0]["extensions"] == {"code": "BAD_REQUEST"}


async def test_a_field_error_is_data_and_the_operation_completes(tiny: Tiny) -> None:
    async with tiny.client() as client:
        result, complete = await client.answer("{ hello coded }")
        assert result["payload"]["data"] == {"hello": "Hello world", "coded": None}
        assert result["payload"]["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
        assert complete["type"] == "complete"


@pytest.mark.parametrize("after", [0, 2])
async def test_a_stream_ends_with_the_error_it_raises(tiny: Tiny, after: int) -> None:
    async with tiny.client() as client:
        messages = await client.answer(f"subscription {{ revoked(after: {after}) }}")
        assert [message["type"] for message in messages] == ["next"] * after + ["error"]
        assert messages[-1]["payload"] == [
            {"message": "You have no access any more.", "extensions": {"code": "ACCESS_REVOKED"}}
        ]
        # No `complete` follows, and the socket stays.
        assert (await client.answer("{ hello }", "next"))[0]["type"] == "next"


@pytest.mark.parametrize(
    "document",
    ["{ broken }", "{ unserialisable }", "subscription { broken(after: 0) }", "subscription { broken(after: 1) }"],
)
async def test_a_defect_is_masked_and_logged_once_with_its_id(
    tiny: Tiny, document: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with tiny.client() as client:
        last = [each for each in await client.answer(document) if each["type"] != "complete"][-1]
        (error,) = last["payload"]["errors"] if last["type"] == "next" else last["payload"]
    assert SECRET not in str(last)
    assert error["message"] == "Internal error"
    assert error["extensions"]["code"] == "INTERNAL"
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(records) == 1
    assert error["extensions"]["errorId"] in records[0].getMessage()


async def test_every_operation_has_a_context_of_its_own_released_before_each_result(tiny: Tiny) -> None:
    authorization = tiny.gateway.sign_in()
    async with tiny.client(authorization, user_agent_header="tester") as client:
        who = await client.answer("{ who }")
        user_id = tiny.gateway.credentials(authorization).user_id
        assert who[0]["payload"]["data"] == {"who": f"{user_id} 127.0.0.1 tester"}
        await client.answer("{ hello }")
        await client.answer("subscription { count(to: 2) }")
    assert [context.releases for context in tiny.gateway.contexts] == [
        ["idle", "idle"],
        ["used", "idle"],
        ["reading 0", "reading 1", "done"],
    ]


async def test_contexts_are_released_when_the_client_completes_or_vanishes(tiny: Tiny) -> None:
    async with tiny.client() as client:
        for operation_id in ("completed", "left"):
            await client.subscribe('subscription { wait(name: "never") }', operation_id)
            await client.receive()
        await client.send({"id": "completed", "type": "complete"})
        client.connection.transport.abort()
    await tiny.wait_for_sockets(0)
    await eventually(lambda: [len(context.releases) for context in tiny.gateway.contexts] == [2, 2])
    assert tiny.sockets.operation_count == 0


async def test_a_context_that_cannot_be_released_does_not_spoil_the_answer(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: Context) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(Context, "release", fail)
    async with tiny.client() as client:
        assert (await client.answer("{ hello }"))[0]["payload"] == {"data": {"hello": "Hello world"}}
    assert "could not be released" in caplog.text


async def test_an_operation_beyond_the_limit_of_a_socket_is_refused() -> None:
    async with serve(max_operations_per_socket=2) as tiny, tiny.client() as client:
        for operation_id in ("a", "b"):
            await client.subscribe('subscription { wait(name: "never") }', operation_id)
            await client.receive()
        assert tiny.sockets.operation_count == 2
        (error,) = await client.answer("{ hello }", "c")
        assert error["payload"][0]["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 1}
        assert "2" in error["payload"][0]["message"]
        await client.send({"id": "a", "type": "complete"})
        assert (await client.answer("{ hello }", "c"))[-1]["type"] == "complete"


async def test_an_operation_that_takes_too_long_is_given_up() -> None:
    async with serve(resolver_timeout_seconds=0.1) as tiny, tiny.client() as client:
        (error,) = await client.answer("{ slow }")
        assert error["payload"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE"}
        assert (await client.answer("subscription { count(to: 1) }"))[-1]["type"] == "complete"
    assert len(tiny.gateway.contexts[0].releases) == 2
