"""The limits of documents hold over HTTP and WebSocket alike, for subscriptions too, before anything is executed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.protocol.tiny import Tiny, serve

LIMITS = {"max_depth": 5, "max_aliases": 3, "max_tokens": 60, "max_directives": 3, "max_document_characters": 600}


def nested(depth: int) -> str:
    """A selection set `depth` fields deep."""
    return "{ node " + "{ child " * (depth - 2) + "{ id }" + " }" * (depth - 1)


FILTER = {"id": 1}
for _ in range(40):
    FILTER = {"anyOf": [FILTER]}  # type: ignore[dict-item]

# document and variables -> the words of the limit and its value
REFUSED: dict[str, tuple[str, dict[str, Any] | None, str, int]] = {
    "depth": (nested(6), None, "too deep", 5),
    "depth by fragments": (
        "{ node { ...A } } fragment A on Node { child { ...B } } fragment B on Node { child { child { id { id } } } }",
        None,
        "too deep",
        5,
    ),
    "depth of the parser": ("{ node " + "{ child " * 25 + "}" * 26, None, "too deep", 5),
    "aliases": ("{ a: hello b: hello c: hello d: hello }", None, "aliases", 3),
    "aliases in fragments": ("{ ...F } fragment F on Query { a: hello b: hello c: hello d: who }", None, "aliases", 3),
    "repeated fields": ("{ hello hello hello hello hello }", None, "repeated fields", 3),
    "tokens": ("{ node { " + "... { id } " * 15 + "} }", None, "tokens", 60),
    "directives": ("{ hello @skip(if: false) who @skip(if: false) node @a @b { id } }", None, "directives", 3),
    "directives of variables": ("query ($a: Int @x @x @x @x) { hello }", None, "directives", 3),
    "characters": ("{ hello }" + " " * 600, None, "characters", 600),
    "characters of a comment": ("{ hello }#" + "x" * 600, None, "characters", 600),
    "introspection": (
        '{ __type(name: "Query") { fields { type { ' + "ofType { " * 19 + "name" + " }" * 22 + " }",
        None,
        "introspection is too deep",
        20,
    ),
    "nested input": (
        "{ matches(filter: " + "{ anyOf: [" * 20 + "{ id: 1 }" + "] }" * 20 + ") }",
        None,
        "nested too deep",
        32,
    ),
    "nested variables": ("query ($f: Filter) { matches(filter: $f) }", {"f": FILTER}, "variables", 32),
    "nested variables nobody uses": ("{ hello }", {"f": FILTER}, "variables", 32),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_request_over_a_limit_is_refused_before_execution(name: str, http: httpx.AsyncClient) -> None:
    query, variables, words, limit = REFUSED[name]
    max_tokens = 60 if name == "tokens" else 300
    async with serve(**{**LIMITS, "max_tokens": max_tokens}) as tiny, tiny.client() as client:
        accept = {"Accept": "application/graphql-response+json"}
        response = await http.post(tiny.url, json={"query": query, "variables": variables}, headers=accept)
        (message,) = await client.answer(query, variables=variables)
        assert response.status_code == 400
        assert message["type"] == "error"
        for errors in (response.json()["errors"], message["payload"]):
            assert [error["extensions"] for error in errors] == [{"code": "QUERY_TOO_COMPLEX"}]
            assert words in errors[0]["message"]
            assert str(limit) in errors[0]["message"]
        assert tiny.gateway.contexts == []


@pytest.mark.parametrize(
    "query",
    [
        "subscription { a: count(to: 1) b: count(to: 1) c: count(to: 1) d: count(to: 1) }",
        "subscription { count(to: 1) @skip(if: false) @skip(if: false) @skip(if: false) @skip(if: false) }",
        "subscription { count(to: 1) }" + "# " * 300,
    ],
)
async def test_the_limits_hold_for_subscriptions(query: str) -> None:
    async with serve(**LIMITS) as tiny, tiny.client() as client:
        (message,) = await client.answer(query)
        assert message["payload"][0]["extensions"] == {"code": "QUERY_TOO_COMPLEX"}
        assert tiny.gateway.contexts == []


@pytest.mark.parametrize(
    "query",
    [
        nested(5),
        "{ a: hello b: hello c: hello }",
        "{ hello @skip(if: false) @include(if: true) node @skip(if: false) { id } }",
        '{ __type(name: "Query") { fields { type { ' + "ofType { " * 9 + "name" + " }" * 12 + " }",
        "{ hello }".ljust(600),
    ],
)
async def test_a_request_at_a_limit_is_served(query: str, http: httpx.AsyncClient) -> None:
    async with serve(**{**LIMITS, "max_tokens": 100}) as tiny, tiny.client() as client:
        assert "errors" not in (await http.post(tiny.url, json={"query": query})).json()
        assert (await client.answer(query))[-1]["type"] == "complete"


async def test_a_fragment_cycle_is_refused_over_both(tiny: Tiny, http: httpx.AsyncClient) -> None:
    query = "{ node { ...A } } fragment A on Node { child { ...B } } fragment B on Node { child { ...A } }"
    errors = (await http.post(tiny.url, json={"query": query})).json()["errors"]
    async with tiny.client() as client:
        (message,) = await client.answer(query)
    assert errors == message["payload"]
    assert errors[0]["extensions"] == {"code": "BAD_REQUEST"}
