"""Members: roles, transfers, leaving, and the races of a removal."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.views import POLL
from tests.api.world import World, make_world
from tests.people import Api, Person


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def roles(world: World, viewer: Person | None = None) -> dict[str, str]:
    """Person -> role."""
    data = await (viewer or world.owner).ask(
        "query ($id: ID!) { workspace(by: {id: $id}) { members(first: 100) { nodes { role user { id } } } } }",
        id=world.id,
    )
    return {one["user"]["id"]: one["role"] for one in data["workspace"]["members"]["nodes"]}


async def test_a_transfer_makes_one_owner_and_one_admin(api: Api) -> None:
    world = await make_world(api)
    await world.owner.do("transferWorkspace", {"id": world.id, "toMembershipId": world.membership(world.viewer)})
    after = await roles(world)
    assert (after[world.owner.id], after[world.viewer.id]) == ("ADMIN", "OWNER")
    assert list(after.values()).count("OWNER") == 1
    back = {"id": world.id, "toMembershipId": world.membership(world.owner)}
    assert (await world.owner.refused("transferWorkspace", back))[0] == "FORBIDDEN"
    await world.viewer.do("transferWorkspace", back)
    assert (await roles(world))[world.owner.id] == "OWNER"


async def test_of_two_transfers_at_once_one_is_done(api: Api, other_api: Api) -> None:
    world = await make_world(api)
    to = [world.membership(one) for one in (world.admin, world.member)]
    payloads = await asyncio.gather(
        world.owner.try_("transferWorkspace", {"id": world.id, "toMembershipId": to[0]}),
        world.owner.on(other_api).try_("transferWorkspace", {"id": world.id, "toMembershipId": to[1]}),
    )
    assert sorted(len(one["userErrors"]) for one in payloads) == [0, 1]
    assert list((await roles(world)).values()).count("OWNER") == 1


async def test_the_owner_is_changed_by_a_transfer_alone(world: World) -> None:
    owner = world.membership(world.owner)
    assert await world.admin.refused("updateMemberRole", {"id": owner, "role": "MEMBER"}) == (
        "INVALID",
        ["input", "role"],
    )
    asked = {"id": world.membership(world.member), "role": "OWNER"}
    assert await world.owner.refused("updateMemberRole", asked) == ("INVALID", ["input", "role"])
    assert (await world.admin.refused("removeMember", {"id": owner}))[0] == "FORBIDDEN"
    assert await world.owner.refused("leaveWorkspace", {"id": world.id}) == ("INVALID", ["input", "id"])
    own = {"id": world.id, "toMembershipId": owner}
    assert await world.owner.refused("transferWorkspace", own) == ("INVALID", ["input", "toMembershipId"])


async def test_nobody_raises_themselves(world: World) -> None:
    for person in (world.member, world.viewer, world.guest):
        refusal = await person.refused("updateMemberRole", {"id": world.membership(person), "role": "ADMIN"})
        assert refusal[0] == "FORBIDDEN"
    assert (await world.admin.refused("removeMember", {"id": world.membership(world.admin)}))[0] == "INVALID"


async def test_a_personal_workspace_is_neither_left_nor_transferred_nor_deleted(world: World) -> None:
    person, personal = world.spare, world.spare.personal_workspace_id
    membership = await person.membership_id(personal)
    assert (await person.refused("leaveWorkspace", {"id": personal}))[0] == "INVALID"
    assert (await person.refused("deleteWorkspace", {"id": personal}))[0] == "INVALID"
    asked = {"id": personal, "toMembershipId": membership}
    assert (await person.refused("transferWorkspace", asked))[0] == "INVALID"


async def test_a_guest_sees_their_projects_and_the_people_in_them(world: World) -> None:
    assert set(await roles(world, world.guest)) == {
        *(one.id for one in (world.owner, world.admin, world.member, world.viewer, world.spare)),
        world.guest.id,
    }
    query = """query ($id: ID!) { workspace(by: {id: $id}) {
      projects { nodes { id } } tasks(first: 500) { nodes { project { id } } } invites { nodes { id } } } }"""
    seen = (await world.guest.ask(query, id=world.id))["workspace"]
    assert seen["projects"] == {"nodes": [{"id": world.web}]}
    assert {one["project"]["id"] for one in seen["tasks"]["nodes"]} == {world.web}
    assert seen["invites"] is None or seen["invites"]["nodes"] == []


async def test_a_deleted_workspace_is_gone_for_everybody(api: Api) -> None:
    world = await make_world(api)
    _, token = await world.add_invite()
    await world.owner.do("deleteWorkspace", {"id": world.id})
    query = "query ($id: ID!, $task: ID!) { workspace(by: {id: $id}) { id } node(id: $task) { id } }"
    for person in (world.owner, world.guest, world.outsider):
        found = await person.ask(query, id=world.id, task=world.web_task)
        assert found == {"workspace": None, "node": None}
        assert (await person.refused("createTask", {"workspaceId": world.id, "title": "No"}))[0] == "NOT_FOUND"
    assert (await world.outsider.refused("acceptInvite", {"token": token}))[0] == "INVITE_INVALID"


@pytest.mark.parametrize("how", ["removeMember", "updateMemberRole"])
async def test_nothing_that_somebody_writes_is_in_the_log_after_they_lost_the_right(
    api: Api, other_api: Api, how: str
) -> None:
    world = await make_world(api)
    rob = await world.bring_in("MEMBER", "Rob")
    membership = world.membership(rob)
    start = await world.owner.cursor(world.id)
    acknowledged: list[str] = []
    is_over = asyncio.Event()

    async def write(person: Person) -> None:
        while not is_over.is_set():
            payload = await person.try_("createTask", {"workspaceId": world.id, "title": "Rob's"}, "task { id }")
            if payload["userErrors"]:
                assert payload["userErrors"][0]["code"] in {"NOT_FOUND", "FORBIDDEN"}
                return
            acknowledged.append(payload["eventCursor"])

    writers = [asyncio.create_task(write(rob.on((api, other_api)[number % 2]))) for number in range(6)]
    async with asyncio.timeout(30):
        while len(acknowledged) < 20:  # noqa: ASYNC110 - whoever writes does not know that somebody counts
            await asyncio.sleep(0.005)
    asked: dict[str, Any] = {"id": membership} | ({"role": "VIEWER"} if how == "updateMemberRole" else {})
    removed = await world.owner.do(how, asked)
    await asyncio.wait_for(asyncio.gather(*writers), 20)
    is_over.set()

    assert max(acknowledged) < removed["eventCursor"]
    events: list[Any] = []
    while True:
        page = (await world.owner.ask(POLL, workspaceId=world.id, after=start, first=500))["workspaceEvents"]
        events += page["events"]
        start = page["cursor"]
        if page["caughtUp"]:
            break
    robs = [one["cursor"] for one in events if one["__typename"] == "TaskCreatedEvent"]
    assert sorted(acknowledged) == robs
