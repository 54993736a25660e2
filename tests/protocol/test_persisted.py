"""Documents by their hash: Apollo's automatic persisted queries, and trusted documents."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from execution.persisted import MAX_KEPT_BYTES, Persisted, hash_of, trusted_documents
from tests.protocol.tiny import eventually, serve

HELLO = "query ($name: String!) { hello(name: $name) }"


class Shelf:
    """What several processes share."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.texts.get(key)

    async def put(self, key: str, text: str) -> None:
        self.texts[key] = text


def by_hash(text: str, **more: Any) -> dict[str, Any]:
    asked = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}
    return {"extensions": asked, "variables": {"name": "Ann"}, **more}


async def test_a_client_sends_the_hash_then_both_then_the_hash_alone(http: httpx.AsyncClient) -> None:
    shelf = Shelf()
    async with serve(persisted=Persisted(shelf)) as one, serve(persisted=Persisted(shelf)) as other:
        somebody = {"Authorization": one.gateway.sign_in()}
        (error,) = (await http.post(one.url, json=by_hash(HELLO), headers=somebody)).json()["errors"]
        assert error["message"] == "PersistedQueryNotFound"
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        data = {"hello": "Hello Ann"}
        assert (await http.post(one.url, json=by_hash(HELLO, query=HELLO), headers=somebody)).json()["data"] == data
        await eventually(lambda: bool(shelf.texts))
        for server in (one, other):
            assert (await http.post(server.url, json=by_hash(HELLO))).json()["data"] == data
        parameters = {name: orjson.dumps(value).decode() for name, value in by_hash(HELLO).items()}
        assert (await http.get(other.url, params=parameters)).json()["data"] == data


async def test_what_strangers_send_is_kept_in_the_process_alone_until_somebody_known_sends_it(
    http: httpx.AsyncClient,
) -> None:
    shelf = Shelf()
    async with serve(persisted=Persisted(shelf)) as tiny:
        await http.post(tiny.url, json=by_hash(HELLO, query=HELLO))
        assert (await http.post(tiny.url, json=by_hash(HELLO))).json()["data"] == {"hello": "Hello Ann"}
        assert shelf.texts == {}
        somebody = {"Authorization": tiny.gateway.sign_in()}
        await http.post(tiny.url, json=by_hash(HELLO, query=HELLO), headers=somebody)
        await eventually(lambda: shelf.texts == {hash_of(HELLO): HELLO})


@pytest.mark.parametrize(
    "asked",
    [
        by_hash("{ other }", query=HELLO),
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": hash_of(HELLO)}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(HELLO).upper()}}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": None}},
        {"documentId": "unknown"},
        {"documentId": 1},
        {},
    ],
)
async def test_what_is_no_good_name_of_a_document_is_refused(http: httpx.AsyncClient, asked: dict[str, Any]) -> None:
    async with serve() as tiny:
        headers = {"Accept": "application/graphql-response+json"}
        response = await http.post(tiny.url, json=asked, headers=headers)
        assert response.status_code == 400
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
        assert tiny.gateway.contexts == []


async def test_a_document_that_is_not_valid_is_not_kept(http: httpx.AsyncClient) -> None:
    async with serve() as tiny:
        bad = "{ nothing }"
        await http.post(tiny.url, json=by_hash(bad, query=bad))
        (error,) = (await http.post(tiny.url, json=by_hash(bad))).json()["errors"]
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_store_that_gives_another_text_is_not_believed() -> None:
    shelf = Shelf()
    shelf.texts[hash_of(HELLO)] = "{ who }"
    with pytest.raises(Exception, match="PersistedQueryNotFound"):
        await Persisted(shelf).named(None, None, by_hash(HELLO)["extensions"])


async def test_what_is_kept_is_bounded_and_the_least_used_goes_first() -> None:
    persisted = Persisted()
    texts = [f"{{ hello }} # {number}".ljust(MAX_KEPT_BYTES // 4 - 200) for number in range(6)]
    for text in texts:
        await persisted.keep(await persisted.named(text, None, by_hash(text)["extensions"]), is_shared=True)
    known = []
    for text in texts:
        try:
            await persisted.named(None, None, by_hash(text)["extensions"])
        except Exception:  # noqa: BLE001 - the refusal
            continue
        known.append(text)
    assert known == texts[2:]


async def test_a_server_that_trusts_only_a_list_takes_nothing_else_on_any_transport(http: httpx.AsyncClient) -> None:
    trusted = {"hello-1": HELLO, "count-1": "subscription { count(to: 1) }"}
    async with (
        serve(persisted=Persisted(None, trusted), trusted=frozenset(trusted.values())) as tiny,
        tiny.client() as client,
    ):
        variables = {"name": "Ann"}
        for asked in (
            {"documentId": "hello-1"},
            {"documentId": f"sha256:{hash_of(HELLO)}"},
            {"query": HELLO},
            by_hash(HELLO),
        ):
            answer = (await http.post(tiny.url, json={**asked, "variables": variables})).json()
            assert answer["data"] == {"hello": "Hello Ann"}
        assert (await http.get(tiny.url, params={"documentId": "hello-1", "variables": '{"name": "Bo"}'})).json() == {
            "data": {"hello": "Hello Bo"}
        }
        for query in ("{ who }", HELLO + " ", "{ __schema { types { name } } }"):
            (error,) = (await http.post(tiny.url, json={"query": query})).json()["errors"]
            assert error["extensions"]["code"] == "BAD_REQUEST"
            (message,) = await client.answer(query)
            assert message["type"] == "error"
        assert [one["type"] for one in await client.answer("subscription { count(to: 1) }")] == ["next", "complete"]
        (message,) = await client.answer("subscription { count(to: 2) }")
        assert message["type"] == "error"


def test_manifests_are_apollos_or_plain() -> None:
    apollo = {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": "a", "name": "A", "type": "query", "body": "{ a }"}],
    }
    assert trusted_documents(apollo) == trusted_documents({"a": "{ a }"}) == {"a": "{ a }"}
    for wrong in ({}, [], None, {"a": 1}, {"operations": [{"id": "a"}]}, {"operations": ["a"]}):
        with pytest.raises(ValueError, match="manifest"):
            trusted_documents(wrong)
