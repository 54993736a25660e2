"""The change stream as `text/event-stream`: the same batches as on a socket, resumed by the id of the last event."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.api.world import World, make_world
from tests.event_streams import event_stream
from tests.people import EVENTS, Api


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def test_a_stream_is_resumed_by_the_id_of_its_last_event(world: World, other_api: Api) -> None:
    address, owner = f"{other_api.url}/graphql", f"Bearer {world.owner.token}"
    asked = {"variables": {"workspaceId": world.id}}
    async with httpx.AsyncClient() as http:
        async with event_stream(http, address, EVENTS, owner, **asked) as events:
            first = await events.next()
            assert first.data["data"]["workspaceEvents"]["caughtUp"]
            assert first.id == first.data["data"]["workspaceEvents"]["cursor"]
            seen = await world.task("Seen live")
            batch = await events.next()
            assert [one["task"]["id"] for one in batch.data["data"]["workspaceEvents"]["events"]] == [seen]
            assert batch.id == batch.data["data"]["workspaceEvents"]["cursor"]
        missed = [await world.task(f"Missed {number}") for number in range(3)]
        async with event_stream(http, address, EVENTS, owner, last=batch.id, **asked) as events:
            told = []
            while len(told) < 3:
                message = await events.next()
                told += [one["task"]["id"] for one in message.data["data"]["workspaceEvents"]["events"]]
            assert told == missed
            live = await world.task("Live again")
            message = await events.next()
            assert [one["task"]["id"] for one in message.data["data"]["workspaceEvents"]["events"]] == [live]


async def test_a_stream_shares_what_is_rendered_with_sockets_and_may_name_its_cursor(world: World) -> None:
    query = """subscription ($workspaceId: ID!) { changes: workspaceEvents(workspaceId: $workspaceId) {
        ...Batch } } fragment Batch on EventBatch { at: cursor events { __typename } }"""
    address, variables = f"{world.owner.api.url}/graphql", {"workspaceId": world.id}
    async with (
        httpx.AsyncClient() as http,
        world.admin.socket() as socket,
        event_stream(http, address, query, f"Bearer {world.admin.token}", variables=variables) as events,
    ):
        first = await events.next()
        stream = await socket.subscribe(query, **variables)
        await stream.until(lambda _: True)
        await world.task()
        batch = await events.next()
        assert batch.id == batch.data["data"]["changes"]["at"] > (first.id or "")
        await stream.until(lambda one: one["at"] == batch.id)


async def test_an_api_token_follows_as_well_and_losing_the_workspace_ends_it(api: Api) -> None:
    world = await make_world(api)
    _, secret = await world.admin.create_token(world.id)
    query = "subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { cursor events { __typename } } }"
    async with httpx.AsyncClient() as http:
        address = f"{api.url}/graphql"
        async with event_stream(http, address, query, f"Bearer {secret}", variables={"id": world.id}) as events:
            await events.next()
            await world.owner.do("removeMember", {"id": world.membership(world.admin)})
            told = await events.rest()
            assert told[-1].data["errors"][0]["extensions"]["code"] in {"ACCESS_REVOKED", "UNAUTHENTICATED"}
        hidden = {"id": world.id}
        async with event_stream(http, address, query, f"Bearer {world.outsider.token}", variables=hidden) as events:
            told = await events.rest()
            assert told[0].data["errors"][0]["extensions"]["code"] == "NOT_FOUND"
            assert told[1].name == "complete"  # to come back would change nothing


async def test_whoever_follows_by_a_stream_is_there(world: World) -> None:
    asked = "query ($id: ID!, $who: ID!) { node(id: $who) { ... on User { presence(workspaceId: $id) { status } } } }"
    query = "subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { cursor } }"
    address, variables = f"{world.owner.api.url}/graphql", {"id": world.id}
    async with (
        httpx.AsyncClient() as http,
        event_stream(http, address, query, f"Bearer {world.viewer.token}", variables=variables) as events,
        asyncio.timeout(30),
    ):
        await events.next()
        status = ""
        while status != "ONLINE":
            found = await world.owner.ask(asked, id=world.id, who=world.viewer.id)
            status = found["node"]["presence"]["status"]
