"""What operations cost is told with each answer, and holds people, tokens and addresses apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn

from execution.limits import Limits
from server.app import create_app
from server.serve import speaking
from server.settings import Settings
from tests.people import Api, Person
from tests.processes import SECRET
from tests.stack_fixture import TestStack

LIMITS = Limits(points_per_minute=200, anonymous_points_per_minute=100)
WHOLE = "query ($id: ID!) { workspace(by: {id: $id}) { tasks(first: 90) { nodes { id } } } }"


@asynccontextmanager
async def limited(stack: TestStack) -> AsyncIterator[Api]:
    """A server with small limits, which takes the tokens of the other ones."""
    settings = Settings(
        database_url=stack.database_url, redis_url=stack.redis_url, port=0, jwt_secrets=(SECRET,), limits=LIMITS
    )
    server = uvicorn.Server(speaking(create_app(settings), settings, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(timeout=60) as http:
        yield Api(f"http://127.0.0.1:{port}", http)
    server.should_exit = True
    await serving


async def until_refused(api: Api, query: str, variables: dict[str, str], token: str | None) -> httpx.Response:
    """Ask until it is too much, which it is soon, also where a new minute begins meanwhile."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    for _ in range(2 * LIMITS.points_per_minute):
        body = {"query": query, "variables": variables}
        response = await api.http.post(f"{api.url}/graphql", json=body, headers=headers)
        if "errors" in response.json():
            break
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["RATE_LIMITED"]
    return response


async def test_each_answer_says_what_it_cost_and_what_is_left(api: Api) -> None:
    person = await api.sign_up()
    workspace_id = await person.create_workspace()
    asked = (
        "query ($id: ID!) { rateLimit { cost limit remaining resetAt maxQueryCost } workspace(by: {id: $id}) { id } }"
    )
    answer = await person.answer(asked, id=workspace_id)
    told, shown = answer["extensions"]["cost"], answer["data"]["rateLimit"]
    assert shown["cost"] == told["requested"] == 2
    assert {name: shown[name] for name in ("limit", "remaining", "resetAt")} == {
        name: told[name] for name in ("limit", "remaining", "resetAt")
    }
    assert told["remaining"] < told["limit"]


async def test_a_person_a_token_and_an_address_are_limited_apart(api: Api, stack: TestStack) -> None:
    person = await api.sign_up()
    workspace_id = await person.create_workspace()
    _, token = await person.create_token(workspace_id)
    async with limited(stack) as small:
        limits = await small.ask("{ rateLimit { limit maxQueryCost } }")
        assert limits["rateLimit"] == {
            "limit": LIMITS.anonymous_points_per_minute,
            "maxQueryCost": LIMITS.max_query_cost,
        }
        for credentials in (person.token, token):
            asking = Person(small, person.id, "", "", credentials, "", "", "")
            response = await until_refused(small, WHOLE, {"id": workspace_id}, credentials)
            assert response.status_code == 429
            assert 1 <= int(response.headers["retry-after"]) <= 61
            async with asking.socket() as socket:
                stream = await socket.subscribe(WHOLE, id=workspace_id)
                (error,) = (await stream.end())["payload"]
                assert error["extensions"]["code"] == "RATE_LIMITED"
        await until_refused(small, "{ viewer { timeZone } }", {}, None)
