"""Invites: whom they let in, with what, how often, and when no more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.world import World, ghost, make_world
from tests.people import PASSWORD, Api, Person

PREVIEW = "query ($token: String!) { invite(token: $token) { __typename workspaceName role isForOneAddress } }"
REFUSED = ("INVITE_INVALID", ["input", "token"])


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def joins(person: Person, token: str) -> Any:
    fields = "membership { role projects { id } } workspace { id }"
    return await person.do("acceptInvite", {"token": token}, fields)


async def preview(world: World, token: str) -> Any:
    return (await world.outsider.ask(PREVIEW, token=token))["invite"]


async def test_a_stranger_sees_where_a_link_leads_and_joins_by_it(api: Api, world: World) -> None:
    _, token = await world.add_invite(role="GUEST", projectIds=[world.web])
    found = await preview(world, token)
    assert found | {"workspaceName": "Acme", "role": "GUEST", "isForOneAddress": False} == found
    joe = await api.sign_up("Joe")
    payload = await joins(joe, token)
    assert payload["membership"] == {"role": "GUEST", "projects": [{"id": world.web}]}
    assert payload["workspace"] == {"id": world.id}


async def test_whoever_is_in_stays_what_they_are_and_uses_nothing_up(world: World) -> None:
    invite_id, token = await world.add_invite(role="ADMIN", maxUses=1)
    assert (await joins(world.viewer, token))["membership"]["role"] == "VIEWER"
    shown = await world.owner.ask("query ($id: ID!) { node(id: $id) { ... on Invite { useCount } } }", id=invite_id)
    assert shown["node"] == {"useCount": 0}


async def test_of_fifty_at_once_a_link_for_one_lets_in_one(api: Api, other_api: Api, world: World) -> None:
    invite_id, token = await world.add_invite(maxUses=1)
    people = await asyncio.gather(*[(api, other_api)[number % 2].sign_up("Crowd") for number in range(50)])
    payloads = await asyncio.gather(*[one.try_("acceptInvite", {"token": token}) for one in people])
    refusals = [(one["code"], one["path"]) for payload in payloads for one in payload["userErrors"]]
    assert refusals == [REFUSED] * 49
    shown = await world.owner.ask("query ($id: ID!) { node(id: $id) { ... on Invite { useCount } } }", id=invite_id)
    assert shown["node"] == {"useCount": 1}
    seen = [one for one in people if (await one.ask(WORKSPACE, id=world.id))["workspace"] is not None]
    assert len(seen) == 1


WORKSPACE = "query ($id: ID!) { workspace(by: {id: $id}) { id } }"


async def test_a_revoked_a_used_and_an_unknown_link_are_one_and_the_same(api: Api, world: World) -> None:
    revoked_id, revoked = await world.add_invite()
    await world.member.do("revokeInvite", {"id": revoked_id})
    _, used = await world.add_invite(maxUses=1)
    await joins(await api.sign_up("First"), used)
    person = await api.sign_up("Late")
    answers = [await person.try_("acceptInvite", {"token": token}) for token in (revoked, used, "x" * 32, "")]
    assert answers == [answers[0]] * 4
    assert (answers[0]["userErrors"][0]["code"], answers[0]["userErrors"][0]["path"]) == REFUSED
    assert [await preview(world, token) for token in (revoked, used, "x" * 32, "")] == [None] * 4
    form = {"email": person.email + "x", "password": PASSWORD, "name": "Late", "inviteToken": revoked}
    query = "mutation ($i: SignUpInput!) { signUp(input: $i) { accessToken userErrors { code path } } }"
    payload = (await api.ask(query, {"i": form}))["signUp"]
    errors = [{"code": "INVITE_INVALID", "path": ["input", "inviteToken"]}]
    assert payload == {"accessToken": None, "userErrors": errors}


async def test_a_link_that_has_run_out_lets_nobody_in(api: Api, world: World) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=3)
    _, token = await world.add_invite(expiresAt=soon.isoformat())
    assert await preview(world, token) is not None
    late = await api.sign_up("Late")
    async with asyncio.timeout(30):
        while await preview(world, token) is not None:  # noqa: ASYNC110 - time tells nobody
            await asyncio.sleep(0.1)
    assert await late.refused("acceptInvite", {"token": token}) == REFUSED


async def test_nobody_invites_above_themselves(world: World) -> None:
    asked = {"workspaceId": world.id, "role": "ADMIN"}
    assert (await world.member.refused("createInvite", asked))[0] == "FORBIDDEN"
    for person in (world.member, world.admin, world.owner):
        refusal = await person.refused("createInvite", {**asked, "role": "OWNER"})
        assert refusal == ("INVALID", ["input", "role"])
    await world.admin.invite(world.id, "ADMIN")
    await world.member.invite(world.id, "MEMBER")


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"role": "GUEST"}, "projectIds"),
        ({"role": "GUEST", "projectIds": []}, "projectIds"),
        ({"maxUses": 0}, "maxUses"),
        ({"maxUses": 5_001}, "maxUses"),
        ({"email": "bob@example.com", "maxUses": 2}, "maxUses"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "2999-01-01T00:00:00Z"}, "expiresAt"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b@c"}, "email"),
    ],
)
async def test_what_an_invite_cannot_be_is_refused(world: World, wrong: dict[str, Any], path: str) -> None:
    asked = {"workspaceId": world.id, "role": "MEMBER", **wrong}
    assert await world.owner.refused("createInvite", asked) == ("INVALID", ["input", path])


async def test_other_roles_than_guests_see_every_project(world: World) -> None:
    asked = {"workspaceId": world.id, "role": "VIEWER", "projectIds": [world.web]}
    assert await world.owner.refused("createInvite", asked) == ("INVALID", ["input", "projectIds"])
    asked = {"workspaceId": world.id, "role": "GUEST", "projectIds": [ghost("project")]}
    assert await world.owner.refused("createInvite", asked) == ("NOT_FOUND", ["input", "projectIds"])


async def test_a_personal_workspace_is_for_one(world: World) -> None:
    asked = {"workspaceId": world.member.personal_workspace_id, "role": "MEMBER"}
    assert await world.member.refused("createInvite", asked) == ("INVALID", ["input", "workspaceId"])


async def test_an_invite_for_an_address_is_for_its_owner_who_has_proven_it(api: Api, world: World) -> None:
    ann, bob = await api.sign_up("Ann"), await api.sign_up("Bob")
    _, token = await world.add_invite(email=ann.email.upper())
    assert (await preview(world, token))["isForOneAddress"] is True
    payload = await bob.try_("acceptInvite", {"token": token})
    (refusal,) = payload["userErrors"]
    assert (refusal["code"], refusal["path"]) == REFUSED
    assert "for another email address" in refusal["message"]
    assert ann.email not in str(payload)
    form = {"email": bob.email + "x", "password": PASSWORD, "name": "Bob", "inviteToken": token}
    sign_up = "mutation ($i: SignUpInput!) { signUp(input: $i) { accessToken userErrors { code message } } }"
    signed_up = (await api.ask(sign_up, {"i": form}))["signUp"]
    assert signed_up == {"accessToken": None, "userErrors": [{"code": "INVITE_INVALID", "message": refusal["message"]}]}
    assert await ann.refused("acceptInvite", {"token": token}) == ("UNVERIFIED_EMAIL", ["input", "token"])
    assert (await ann.ask(WORKSPACE, id=world.id))["workspace"] is None


async def test_the_link_is_shown_once_and_to_nobody_else(world: World) -> None:
    fields = "url invite { id }"
    made = await world.owner.do("createInvite", {"workspaceId": world.id, "role": "MEMBER"}, fields)
    token = made["url"].split("#")[1]
    listed = await world.owner.answer(
        "query ($id: ID!) { workspace(by: {id: $id}) { invites(first: 100) { nodes {"
        " __typename id role email maxUses useCount expiresAt revokedAt } } } }",
        id=world.id,
    )
    assert made["invite"]["id"] in str(listed)
    assert token not in str(listed)


async def test_a_link_gives_no_more_than_its_maker_may_give_now(api: Api, world: World) -> None:
    """Or a removed member would come back by a link they kept."""
    ada = await world.bring_in("ADMIN", "Ada")
    as_admin, as_member = await ada.invite(world.id, "ADMIN"), await ada.invite(world.id, "MEMBER")
    membership = world.membership(ada)

    await world.owner.do("updateMemberRole", {"id": membership, "role": "MEMBER"})
    joe = await api.sign_up("Joe")
    assert await preview(world, as_admin) is None
    assert await joe.refused("acceptInvite", {"token": as_admin}) == REFUSED
    assert (await joins(joe, as_member))["membership"]["role"] == "MEMBER"

    await world.owner.do("removeMember", {"id": membership})
    for token in (as_admin, as_member):
        assert await preview(world, token) is None
        assert await ada.refused("acceptInvite", {"token": token}) == REFUSED
    assert (await ada.ask(WORKSPACE, id=world.id))["workspace"] is None
