"""Whoever has used up their rate is refused before execution, over HTTP and WebSocket, and told when to come back."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx

from realtime.rates import Charge
from tests.protocol.tiny import serve

USED_UP = Charge(
    cost=1,
    limit=100,
    remaining=0,
    reset_at=datetime(2030, 1, 1, tzinfo=UTC),
    retry_after_seconds=17,
    is_refused=True,
)
TOLD = {
    "code": "RATE_LIMITED",
    "retryAfterSeconds": 17,
    "cost": {"requested": 1, "limit": 100, "remaining": 0, "resetAt": "2030-01-01T00:00:00.000Z"},
}


async def test_over_both_it_is_refused_alike_and_nothing_is_executed(http: httpx.AsyncClient) -> None:
    async with serve() as tiny, tiny.client() as client:
        tiny.gateway.refusing = USED_UP
        for accept in ("application/graphql-response+json", "application/json"):
            response = await http.post(tiny.url, json={"query": "{ hello }"}, headers={"Accept": accept})
            assert response.status_code == 429
            assert response.headers["Retry-After"] == "17"
            assert [error["extensions"] for error in response.json()["errors"]] == [TOLD]
        for query in ("{ hello }", "subscription { count(to: 1) }"):
            (message,) = await client.answer(query)
            assert message["type"] == "error"
            assert [error["extensions"] for error in message["payload"]] == [TOLD]
        assert tiny.gateway.contexts == []


async def test_what_is_refused_for_its_document_costs_nothing(http: httpx.AsyncClient) -> None:
    async with serve() as tiny:
        await http.post(tiny.url, json={"query": "{ nothing }"})
        await http.post(tiny.url, json={"query": "{ hello"})
        assert tiny.gateway.costs == []
