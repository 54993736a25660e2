"""What a browser may keep: answers to queries by GET that are not personal, to be asked for again each time."""

from __future__ import annotations

import httpx
import pytest

from tests.protocol.tiny import Tiny

GOOD = {"query": "{ hello }"}


async def test_a_query_by_get_has_a_tag_and_is_not_sent_again_while_it_is_the_same(
    tiny: Tiny, http: httpx.AsyncClient
) -> None:
    first = await http.get(tiny.url, params=GOOD)
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Origin, Accept, Authorization"
    tag = first.headers["etag"]
    again = await http.get(tiny.url, params=GOOD, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = {"query": '{ hello(name: "Ann") }'}
    changed = await http.get(tiny.url, params=other, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)


@pytest.mark.parametrize(
    ("method", "query"),
    [("POST", "{ hello }"), ("GET", "{ nothing }"), ("GET", "{ maybeBroken }"), ("GET", "{ mine }")],
)
async def test_everything_else_is_not_to_be_kept(tiny: Tiny, http: httpx.AsyncClient, method: str, query: str) -> None:
    asked = {"json": {"query": query}} if method == "POST" else {"params": {"query": query}}
    response = await http.request(method, tiny.url, **asked)  # type: ignore[arg-type]
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers
