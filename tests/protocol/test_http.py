"""GraphQL over HTTP: media types, status codes, what is refused and what is never said.

The audits of npm `graphql-http` run beside the other npm clients, in tests/clients.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from db.errors import Unavailable
from server.credentials import Unauthenticated
from tests.protocol.tiny import SECRET, Tiny, eventually, serve

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


async def ask(http: httpx.AsyncClient, tiny: Tiny, query: str, accept: str = GRAPHQL_RESPONSE, **body: Any) -> Any:
    return await http.post(tiny.url, json={"query": query, **body}, headers={"Accept": accept})


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("application/json; charset=utf-8", JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}; charset=UTF-8", GRAPHQL_RESPONSE),
        (f"{JSON}, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, */*", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.5, {JSON};q=0.9", JSON),
        (f"{GRAPHQL_RESPONSE}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", GRAPHQL_RESPONSE),
        (f"{JSON};q=0, */*", None),
        ("text/html", None),
        ("text/plain", None),
        ("application/json; charset=utf-16", None),
        (f"{GRAPHQL_RESPONSE};q=never", None),
        ("", JSON),
    ],
)
async def test_the_response_has_the_media_type_the_client_prefers(
    tiny: Tiny, http: httpx.AsyncClient, accept: str | None, expected: str | None
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    request = httpx.Request("POST", tiny.url, json={"query": "{ hello }"}, headers=headers)
    response = await http.send(request)
    if expected is None:
        assert response.status_code == 406
    else:
        assert response.status_code == 200
        assert response.headers["Content-Type"] == f"{expected}; charset=utf-8"
        assert response.json() == {"data": {"hello": "Hello world"}}
    assert response.headers["Vary"] == "Origin, Accept, Authorization"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("{", 400, "BAD_REQUEST"),
        ("", 400, "BAD_REQUEST"),
        ("{ nope }", 400, "BAD_REQUEST"),
        ("query ($n: Int!) { hello }", 400, "BAD_REQUEST"),
        ("query A { hello } query B { hello }", 400, "BAD_REQUEST"),
        ("subscription { count(to: 1) }", 400, "BAD_REQUEST"),
        ("{ unserialisable }", 500, "INTERNAL"),
    ],
)
async def test_a_request_that_fails_as_a_whole_has_no_data(
    tiny: Tiny, http: httpx.AsyncClient, query: str, status: int, code: str
) -> None:
    response = await ask(http, tiny, query)
    assert response.status_code == status
    assert set(response.json()) == {"errors"}
    assert response.json()["errors"][0]["extensions"]["code"] == code
    legacy = await ask(http, tiny, query, JSON)
    assert legacy.status_code == (500 if status == 500 else 200)
    assert set(legacy.json()) == {"errors"}


@pytest.mark.parametrize(
    ("query", "data", "message", "code"),
    [
        ("{ hello coded }", {"hello": "Hello world", "coded": None}, "Said on purpose", "NOT_FOUND"),
        ("{ topLevel }", {"topLevel": None}, "Slow down.", "RATE_LIMITED"),
        ("{ unavailable }", {"unavailable": None}, None, "SERVICE_UNAVAILABLE"),
        ("{ broken }", None, "Internal error", "INTERNAL"),
        ("{ maybeBroken }", {"maybeBroken": None}, "Internal error", "INTERNAL"),
        ("{ null }", None, "Internal error", "INTERNAL"),
        ("{ tooBig }", None, "Internal error", "INTERNAL"),
        ("{ uncoded }", {"uncoded": None}, "Internal error", "INTERNAL"),
        ("query ($n: String = null) { hello(name: $n) }", None, None, "BAD_REQUEST"),
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
async def test_an_error_of_a_field_comes_with_data_and_status_200(
    tiny: Tiny,
    http: httpx.AsyncClient,
    accept: str,
    query: str,
    data: object,
    message: str | None,
    code: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = await ask(http, tiny, query, accept)
    assert response.status_code == 200
    (error,) = response.json()["errors"]
    assert response.json()["data"] == data
    assert error["extensions"]["code"] == code
    assert message is None or error["message"] == message
    assert error["path"]
    assert SECRET not in response.text
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    if code == "INTERNAL":
        (line,) = logged
        assert error["extensions"]["errorId"] in line
        assert "Traceback" in caplog.text
    elif code == "SERVICE_UNAVAILABLE":  # its cause is said, but not each time
        assert all(line.startswith("Unavailable at ['unavailable']: ") for line in logged)
        assert "Traceback" not in caplog.text
    else:
        assert logged == []


async def test_an_operation_that_takes_too_long_is_given_up(http: httpx.AsyncClient) -> None:
    async with serve(resolver_timeout_seconds=0.1) as tiny:
        response = await ask(http, tiny, "{ slow }")
        assert response.status_code == 503
        assert response.json()["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE"}
        assert (await ask(http, tiny, "{ slow }", JSON)).status_code == 200
        assert [len(context.releases) for context in tiny.gateway.contexts] == [1, 1]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"hello",
        b"\xff\xfe",
        b'{"query":"\\ud800"}',
        b"[" * 10_000,
        b"null",
        b"1",
        b'"{hello}"',
        b"[]",
        b'[{"query":"{hello}"}]',
        b"{}",
        b'{"query":null}',
        b'{"query":1}',
        b'{"query":["{hello}"]}',
        b'{"query":"{hello}","variables":1}',
        b'{"query":"{hello}","variables":[]}',
        b'{"query":"{hello}","variables":"{}"}',
        b'{"query":"{hello}","operationName":1}',
        b'{"query":"{hello}","extensions":[]}',
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
async def test_a_body_that_is_no_request_is_400(tiny: Tiny, http: httpx.AsyncClient, body: bytes, accept: str) -> None:
    response = await http.post(tiny.url, content=body, headers={"Content-Type": JSON, "Accept": accept})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    assert tiny.gateway.contexts == []


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json-seq",
        "application/json; charset=utf-16",
    ],
)
async def test_another_content_type_is_415(tiny: Tiny, http: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = await http.post(tiny.url, content=b'{"query":"{hello}"}', headers=headers)
    assert response.status_code == 415
    assert tiny.gateway.contexts == []


async def test_a_compressed_body_is_415(tiny: Tiny, http: httpx.AsyncClient) -> None:
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    assert (await http.post(tiny.url, content=b"\x1f\x8b", headers=headers)).status_code == 415


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; Charset=UTF-8"])
async def test_json_in_utf8_is_served(tiny: Tiny, http: httpx.AsyncClient, content_type: str) -> None:
    body = '{"query":"{hello(name:\\"Zoë\\")}","operationName":null,"variables":null,"extensions":null}'.encode()
    response = await http.post(tiny.url, content=body, headers={"Content-Type": content_type})
    assert response.json() == {"data": {"hello": "Hello Zoë"}}


async def test_a_body_of_the_limit_is_served_and_one_byte_more_is_413(http: httpx.AsyncClient) -> None:
    async with serve(max_body_bytes=1_000) as tiny:
        body = b'{"query":"{hello}"}'
        for size, status in ((1_000, 200), (1_001, 413)):
            response = await http.post(tiny.url, content=body.ljust(size), headers={"Content-Type": JSON})
            assert response.status_code == status


async def test_an_endless_body_is_413_and_not_read_on(http: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 1_000
            await asyncio.sleep(0)

    async with serve(max_body_bytes=10_000) as tiny:
        try:
            response = await http.post(tiny.url, content=endless(), headers={"Content-Type": JSON})
            assert response.status_code == 413
        except (httpx.WriteError, httpx.ReadError):
            pass  # the connection was closed under the client's hands
        assert sent < 10_000


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_405(tiny: Tiny, http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, tiny.url, json={"query": "{ hello }"})
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


async def test_get_serves_queries_with_all_parameters(tiny: Tiny, http: httpx.AsyncClient) -> None:
    parameters = {
        "query": "query A($n: String!) { hello(name: $n) } query B { hello }",
        "variables": '{"n":"you"}',
        "operationName": "A",
        "extensions": "{}",
    }
    response = await http.get(tiny.url, params=parameters)
    assert response.json() == {"data": {"hello": "Hello you"}}


async def test_get_never_executes_a_mutation(tiny: Tiny, http: httpx.AsyncClient) -> None:
    for parameters in (
        {"query": "mutation { store(value: 1) }"},
        {"query": "query Q { hello } mutation M { store(value: 1) }", "operationName": "M"},
    ):
        response = await http.get(tiny.url, params=parameters)
        assert response.status_code == 405
        assert response.headers["Allow"] == "POST"
    assert tiny.gateway.contexts == []


@pytest.mark.parametrize(
    "parameters", [{}, {"query": "{hello}", "variables": "{"}, {"query": "{hello}", "variables": "[]"}]
)
async def test_a_get_that_is_no_request_is_400(tiny: Tiny, http: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    assert (await http.get(tiny.url, params=parameters)).status_code == 400


async def test_browsers_get_the_page_and_programs_never_do(http: httpx.AsyncClient) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    async with serve(has_page=True) as tiny:
        page = await http.get(tiny.url, headers={"Accept": browser})
        assert page.text == "<h1>The page</h1>"
        assert page.headers["Content-Type"].startswith("text/html")
        for accept in ("*/*", JSON, f"{JSON}, text/html"):
            assert (await http.get(tiny.url, headers={"Accept": accept})).status_code == 400
        posted = await http.post(tiny.url, json={"query": "{ hello }"}, headers={"Accept": browser})
        assert posted.json() == {"data": {"hello": "Hello world"}}


async def test_without_a_page_a_browser_is_answered_as_any_client(tiny: Tiny, http: httpx.AsyncClient) -> None:
    response = await http.get(tiny.url, params={"query": "{hello}"}, headers={"Accept": "text/html,*/*;q=0.8"})
    assert response.json() == {"data": {"hello": "Hello world"}}


async def test_the_context_knows_who_asks_and_is_released_before_the_answer(
    tiny: Tiny, http: httpx.AsyncClient
) -> None:
    authorization = tiny.gateway.sign_in()
    headers = {"Authorization": authorization, "User-Agent": "tester"}
    for query in ("{ who }", "{ hello broken }"):
        await http.post(tiny.url, json={"query": query}, headers=headers)
        assert len(tiny.gateway.contexts[-1].releases) == 1
    who, _ = tiny.gateway.contexts
    assert who.credentials == tiny.gateway.credentials(authorization)
    assert (who.address, who.user_agent) == ("127.0.0.1", "tester")
    anonymous = await ask(http, tiny, "{ who }")
    assert anonymous.json()["data"]["who"].startswith("None ")


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
async def test_bad_credentials_are_401_with_a_challenge(tiny: Tiny, http: httpx.AsyncClient, accept: str) -> None:
    tiny.gateway.tokens["Bearer old"] = Unauthenticated("The token expired.", is_expired=True)
    for authorization in ("Bearer bad", "Bearer old", "Basic eDp5"):
        headers = {"Authorization": authorization, "Accept": accept}
        response = await http.post(tiny.url, json={"query": "{ hello }"}, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.headers["Content-Type"] == f"{accept}; charset=utf-8"
        assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert tiny.gateway.contexts == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(Unavailable(SECRET), 503, "SERVICE_UNAVAILABLE"), (RuntimeError(SECRET), 500, "INTERNAL")],
)
async def test_when_credentials_cannot_be_checked_nothing_is_executed(
    tiny: Tiny, http: httpx.AsyncClient, error: Exception, status: int, code: str
) -> None:
    tiny.gateway.tokens["Bearer any"] = error
    response = await http.post(tiny.url, json={"query": "{ hello }"}, headers={"Authorization": "Bearer any"})
    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert SECRET not in response.text
    assert tiny.gateway.contexts == []


@pytest.mark.parametrize("origin", ["https://foreign.example", "null", "https://tutti.example.foreign.example", ""])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_a_foreign_origin_is_403(tiny: Tiny, http: httpx.AsyncClient, method: str, origin: str) -> None:
    response = await http.request(
        method, tiny.url, params={"query": "{hello}"}, json={"query": "{ hello }"}, headers={"Origin": origin}
    )
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers
    assert tiny.gateway.contexts == []


@pytest.mark.parametrize("origin", ["https://tutti.example", "https://friend.example"])
async def test_an_allowed_origin_may_ask_and_read(tiny: Tiny, http: httpx.AsyncClient, origin: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = await http.options(tiny.url, headers={"Origin": origin, **asked})
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert preflight.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    for response in (
        await http.post(tiny.url, json={"query": "{ hello }"}, headers={"Origin": origin}),
        await http.post(tiny.url, content=b"{", headers={"Origin": origin, "Content-Type": JSON}),
    ):
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in response.headers["Vary"]


async def test_introspection_works_and_the_names_of_fields_are_suggested(tiny: Tiny, http: httpx.AsyncClient) -> None:
    response = await ask(http, tiny, "{ __schema { queryType { name } } }")
    assert response.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


async def test_whoever_goes_in_the_middle_of_a_body_leaves_no_traceback(
    tiny: Tiny, caplog: pytest.LogCaptureFixture
) -> None:
    def is_being_served() -> bool:
        return any("run_asgi" in repr(task.get_coro()) for task in asyncio.all_tasks())

    host, port = tiny.host.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    writer.write(head.encode() + b'{"query":')
    await eventually(is_being_served)
    writer.transport.abort()
    await eventually(lambda: not is_being_served())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
