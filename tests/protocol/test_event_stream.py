"""graphql-sse, distinct connections: subscriptions and operations as `text/event-stream`."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Send

from server.credentials import Credentials
from server.event_stream import HEARTBEAT, MEDIA_TYPE, Ended, EventStream, EventStreamResponse
from server.sockets import Sockets
from tests.event_streams import event_stream
from tests.protocol.tiny import Tiny, eventually, gate, serve


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_subscription_comes_event_by_event_and_completes(
    tiny: Tiny, http: httpx.AsyncClient, method: str
) -> None:
    query = "subscription ($to: Int!) { count(to: $to) }"
    async with event_stream(http, tiny.url, query, method=method, variables={"to": 3}) as events:
        assert events.response.status_code == 200
        assert events.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert events.response.headers["cache-control"] == "no-store"
        told = await events.rest()
    assert [(one.name, one.data) for one in told] == [
        *[("next", {"data": {"count": number}}) for number in range(3)],
        ("complete", None),
    ]


async def test_a_subscription_is_a_stream_for_whoever_takes_one_and_a_query_what_they_like_best(
    tiny: Tiny, http: httpx.AsyncClient
) -> None:
    accept = {"accept": "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"}
    for query, media_type in (
        ("subscription { count(to: 1) }", "text/event-stream"),
        ("{ hello }", "application/graphql-response+json"),
    ):
        response = await http.post(tiny.url, json={"query": query}, headers=accept)
        assert response.headers["content-type"] == f"{media_type}; charset=utf-8"


async def test_a_query_and_a_mutation_are_one_result(tiny: Tiny, http: httpx.AsyncClient) -> None:
    for query, data in (("{ hello }", {"hello": "Hello world"}), ("mutation { store(value: 1) }", {"store": 1})):
        async with event_stream(http, tiny.url, query) as events:
            told = await events.rest()
        assert [(one.name, one.data) for one in told] == [("next", {"data": data}), ("complete", None)]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("subscription { nothing }", 400, "BAD_REQUEST"),
        ("subscription ($to: Int!) { count(to: $to) }", 400, "BAD_REQUEST"),
        ("subscription {", 400, "BAD_REQUEST"),
    ],
)
async def test_what_cannot_begin_is_refused_as_json(
    tiny: Tiny, http: httpx.AsyncClient, query: str, status: int, code: str
) -> None:
    response = await http.post(tiny.url, json={"query": query}, headers={"accept": "text/event-stream"})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json()["errors"][0]["extensions"]["code"] == code


async def test_bad_credentials_are_refused_before_it_begins(tiny: Tiny, http: httpx.AsyncClient) -> None:
    async with event_stream(http, tiny.url, "subscription { count(to: 1) }", "Bearer nobody's") as events:
        assert events.response.status_code == 401


async def test_a_mutation_by_get_is_refused(tiny: Tiny, http: httpx.AsyncClient) -> None:
    async with event_stream(http, tiny.url, "mutation { store(value: 1) }", method="GET") as events:
        assert events.response.status_code == 405


@pytest.mark.parametrize(("field", "code"), [("revoked", "ACCESS_REVOKED"), ("broken", "INTERNAL")])
async def test_an_error_that_ends_a_stream_is_its_last_result_and_no_completion(
    tiny: Tiny, http: httpx.AsyncClient, field: str, code: str
) -> None:
    async with event_stream(http, tiny.url, f"subscription {{ {field}(after: 1) }}") as events:
        told = await events.rest()
    assert [one.name for one in told] == ["next", "next"]
    assert told[1].data["errors"][0]["extensions"]["code"] == code


async def test_whoever_goes_leaves_nothing_behind(tiny: Tiny, http: httpx.AsyncClient) -> None:
    async with event_stream(http, tiny.url, 'subscription { wait(name: "gone") }', tiny.gateway.sign_in()) as events:
        await events.next()
        assert tiny.sockets.count == 1
    async with asyncio.timeout(30):
        await gate("gone left").wait()
    await tiny.wait_for_sockets(0)


async def test_a_quiet_stream_has_a_heartbeat(http: httpx.AsyncClient) -> None:
    async with (
        serve(sockets=Sockets(ping_seconds=0.05)) as tiny,
        event_stream(http, tiny.url, 'subscription { wait(name: "quiet") }') as events,
    ):
        assert (await events.next()).data == {"data": {"wait": "waiting"}}
        assert (await events.next(is_heartbeat=True)).name == ""
        gate("quiet").set()
        assert (await events.next()).data == {"data": {"wait": "quiet"}}


async def test_a_stream_ends_with_its_token_and_its_session(http: httpx.AsyncClient) -> None:
    async with serve() as tiny:
        query = 'subscription { wait(name: "never") }'
        short, long = tiny.gateway.sign_in(seconds=1.5), tiny.gateway.sign_in()
        async with event_stream(http, tiny.url, query, short) as events:
            told = await events.rest()
        assert [one.name for one in told] == ["next", "next"]
        assert told[1].data["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        async with event_stream(http, tiny.url, query, long) as events:
            await events.next()
            tiny.sockets.close_sessions([tiny.gateway.credentials(long).session_id])
            (told_last,) = await events.rest()
            assert told_last.data["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_server_that_goes_away_ends_streams_without_complete(http: httpx.AsyncClient) -> None:
    async with serve() as tiny:
        async with event_stream(http, tiny.url, 'subscription { wait(name: "drained") }') as events:
            await events.next()
            await tiny.sockets.close_all(1012, 0)
            assert await events.rest() == []
        async with event_stream(http, tiny.url, "subscription { count(to: 1) }") as events:
            assert events.response.status_code == 503


async def test_a_mutation_asked_for_as_a_stream_is_answered_by_a_server_that_goes_away(
    http: httpx.AsyncClient,
) -> None:
    query = 'mutation { wait(name: "by stream") }'
    async with serve() as tiny, asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(http.post(tiny.url, json={"query": query}, headers={"accept": MEDIA_TYPE}))
        async with asyncio.timeout(30):
            await gate("by stream started").wait()
        await tiny.sockets.close_all(1012, 0)
        gate("by stream").set()
        response = await answering
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.text == 'event: next\ndata: {"data":{"wait":"by stream"}}\n\nevent: complete\ndata: \n\n'


async def test_whoever_is_cut_off_or_sent_away_is_not_told_that_it_is_complete() -> None:
    async def too_much(stream: EventStream) -> None:
        for _ in range(20):
            stream.deliver(b"x" * 100_000, 1)
        stream.complete()

    async def sent_away(stream: EventStream) -> None:
        await stream.close(1012, "The server is going away")
        stream.complete()
        with pytest.raises(Ended):
            await stream.send(b"{}")

    for produce in (too_much, sent_away):
        stream = EventStream(Sockets(), None, None)
        async with asyncio.timeout(30):
            assert [chunk async for chunk in stream.chunks(produce)] == [HEARTBEAT]


async def test_a_stream_that_was_let_in_just_before_the_server_goes_away_does_not_begin() -> None:
    sockets = Sockets()
    stream = EventStream(sockets, None, None)
    await sockets.close_all(1012, 0)

    async def produce(stream: EventStream) -> None:
        raise AssertionError

    async with asyncio.timeout(30):
        assert [chunk async for chunk in stream.chunks(produce)] == []


async def test_streams_count_as_sockets_of_a_person(http: httpx.AsyncClient) -> None:
    async with serve(max_sockets_per_person=1) as tiny:
        somebody, query = tiny.gateway.sign_in(), 'subscription { wait(name: "one") }'
        async with event_stream(http, tiny.url, query, somebody) as first:
            await first.next()
            async with event_stream(http, tiny.url, query, somebody) as second:
                assert second.response.status_code == 429
            for accept in ("text/event-stream", "application/json, text/event-stream;q=0.5"):
                headers = {"Accept": accept, "Authorization": somebody}
                refused = await http.post(tiny.url, json={"query": query}, headers=headers)
                assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
                told = refused.json()["errors"][0]["extensions"]
                assert told == {"code": "RATE_LIMITED", "retryAfterSeconds": 5}


async def test_of_many_streams_asked_for_at_once_no_more_are_let_in_than_may_be(http: httpx.AsyncClient) -> None:
    async with serve(max_sockets_per_person=3) as tiny:
        somebody, query = tiny.gateway.sign_in(), 'subscription { wait(name: "crowd") }'
        statuses: list[int] = []

        async def ask() -> None:
            async with event_stream(http, tiny.url, query, somebody) as events:
                statuses.append(events.response.status_code)
                await gate("all were answered").wait()

        tiny.gateway.may_answer.clear()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(20):
                tasks.create_task(ask())
            await eventually(lambda: tiny.gateway.asked == 20)
            tiny.gateway.may_answer.set()  # to all of them in one turn of the loop
            await eventually(lambda: len(statuses) == 20)
            gate("all were answered").set()
        assert sorted(statuses) == [200] * 3 + [429] * 17
        await tiny.wait_for_sockets(0)
        async with event_stream(http, tiny.url, "subscription { count(to: 1) }", somebody) as events:
            assert [one.name for one in await events.rest()] == ["next", "complete"]


async def test_a_stream_whose_response_never_starts_or_is_cut_off_counts_no_more() -> None:
    sockets, credentials = Sockets(), Credentials(uuid4(), uuid4(), None)

    async def produce(stream: EventStream) -> None:
        await gate("never").wait()

    async def receive() -> Message:
        await gate("never").wait()
        raise AssertionError

    async def gone(message: Message) -> None:
        raise OSError

    def stuck_at(kind: str) -> Send:
        async def send(message: Message) -> None:
            if message["type"] == kind:
                gate(kind).set()
                await gate("never").wait()

        return send

    def responding(send: Send) -> asyncio.Task[None]:
        response = EventStreamResponse(EventStream(sockets, credentials, None), produce)
        assert sockets.count_of(credentials.user_id) == 1
        scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}}
        return asyncio.create_task(response(scope, receive, send))

    with pytest.raises(ClientDisconnect):
        await responding(gone)
    assert sockets.count_of(credentials.user_id) == sockets.count == 0
    for kind in ("http.response.start", "http.response.body"):
        cut_off = responding(stuck_at(kind))
        async with asyncio.timeout(30):
            await gate(kind).wait()
        cut_off.cancel()
        await asyncio.gather(cut_off, return_exceptions=True)
        assert sockets.count_of(credentials.user_id) == sockets.count == 0


async def test_a_session_that_ends_before_its_stream_begins_is_told_so() -> None:
    stream = EventStream(Sockets(), None, None)
    await stream.close(4403, "The session was revoked")

    async def produce(stream: EventStream) -> None:
        raise AssertionError

    (told,) = [chunk async for chunk in stream.chunks(produce)]
    assert b"UNAUTHENTICATED" in told


async def test_a_reader_who_takes_nothing_holds_a_bounded_amount(http: httpx.AsyncClient) -> None:
    async with serve() as tiny:
        query = "subscription { large(size: 100000, times: 10000) }"
        async with event_stream(http, tiny.url, query) as events:
            await events.next()
            before = len(tiny.gateway.contexts[0].releases)
            await eventually(lambda: True)
            # A gigabyte would be ready; what was made so far is what fits into the buffers on the way.
            assert len(tiny.gateway.contexts[0].releases) - before < 500


async def test_resuming_needs_a_variable_that_says_where(tiny: Tiny, http: httpx.AsyncClient) -> None:
    async with event_stream(http, tiny.url, "subscription { revoked(after: 1) }", last="7") as events:
        assert events.response.status_code == 400
    query = "subscription ($n: Int!) { revoked(after: $n) }"
    async with event_stream(http, tiny.url, query, variables={"n": 5}, last="2") as events:
        assert events.response.status_code == 400  # it is an Int, and the header is text


async def test_where_the_cursor_is_is_found_quickly_however_often_fragments_are_spread(
    tiny: Tiny, http: httpx.AsyncClient
) -> None:
    chain = "".join(f"fragment F{n} on Subscription {{ ...F{n + 1} ...F{n + 1} }} " for n in range(40))
    query = f"subscription {{ ...F0 }} {chain} fragment F40 on Subscription {{ count(to: 1) }}"
    # Following each spread would take days, so nothing would come while it is waited for.
    async with event_stream(http, tiny.url, query) as events:
        assert [one.name for one in await events.rest()] == ["next", "complete"]
