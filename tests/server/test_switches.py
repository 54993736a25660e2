"""What can be switched off: introspection with the file of the schema, and GraphiQL."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from server.app import create_app
from server.settings import Settings

HTML = {"accept": "text/html"}


def asking(**switches: bool) -> httpx.AsyncClient:
    """A client of an application that needs no servers for what is asked here."""
    settings = Settings(
        database_url="postgresql+asyncpg://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        jwt_secrets=("a secret of forty-three characters, at least",),
        **switches,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(settings)), base_url="http://localhost:8000")


async def introspected(client: httpx.AsyncClient) -> Any:
    return (await client.post("/graphql", json={"query": get_introspection_query(descriptions=False)})).json()


async def test_both_are_on_unless_they_are_switched_off() -> None:
    async with asking() as client:
        assert "errors" not in await introspected(client)
        assert (await client.get("/schema.graphql")).status_code == 200
        assert (await client.get("/graphql", headers=HTML)).status_code != 404


async def test_without_introspection_nothing_tells_what_there_is() -> None:
    async with asking(has_introspection=False) as client:
        assert (await introspected(client))["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
        assert (await client.get("/schema.graphql")).status_code == 404
        told = (await client.post("/graphql", json={"query": "{ viewerr { timeZone } }"})).json()["errors"][0][
            "message"
        ]
        assert "Did you mean" not in told


@pytest.mark.parametrize(("switch", "said"), [("has_graphiql", "TUTTI_GRAPHIQL"), ("has_web", "TUTTI_WEB")])
async def test_without_graphiql_a_browser_is_told_by_which_setting(switch: str, said: str) -> None:
    async with asking(**{switch: False}) as client:
        response = await client.get("/graphql", headers=HTML)
        assert (response.status_code, said in response.json()["detail"]) == (404, True)
        assert "errors" not in await introspected(client)
