"""API tokens: what a program may do by one, and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from db.models import Permission
from tests.api.world import World, make_world
from tests.people import Api, GraphQLFailed, Person, open_socket

EVERYTHING = [one.value for one in Permission]
WRITER = ["TASK_READ", "TASK_WRITE", "COMMENT_WRITE"]
REVOKED_SECONDS = 1.0
"""How soon a token that was revoked is good for nothing, by the contract."""


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


def by(token: str, person: Person) -> Person:
    """A program that acts by a token of somebody."""
    return replace(person, token=token)


async def refused(person: Person, query: str = "{ viewer { user { id } } }", **variables: Any) -> str:
    """The code with which a whole operation is refused."""
    with pytest.raises(GraphQLFailed) as failed:
        await person.ask(query, **variables)
    code: str = failed.value.codes[0]
    return code


async def ends(program: Person, seconds: float = REVOKED_SECONDS + 1) -> None:
    """Ask until the token is refused, for as long as a process may remember that it was good."""
    async with asyncio.timeout(seconds):
        while "errors" not in (found := await program.answer("{ viewer { user { id } } }")):
            pass
    assert found["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_secret_is_told_once_and_a_token_shows_how_it_begins(world: World) -> None:
    key = "0190b6f4-6f54-7c3e-9e3e-2f1d8a4b5c6e"
    given = {"workspaceId": world.id, "name": "CI", "scopes": WRITER, "clientMutationId": key}
    fields = "secret apiToken { id name prefix scopes createdBy { id } expiresAt lastUsedAt revokedAt }"
    first = await world.owner.do("createApiToken", given, fields)
    again = await world.owner.do("createApiToken", given, fields)
    assert first["secret"].startswith(first["apiToken"]["prefix"])
    assert len(first["secret"]) > 3 * len(first["apiToken"]["prefix"])
    assert again["secret"] is None
    assert again["replayed"]
    assert again["apiToken"] == first["apiToken"]
    assert first["apiToken"]["scopes"] == WRITER
    assert first["apiToken"]["createdBy"]["id"] == world.owner.id
    assert first["apiToken"]["lastUsedAt"] is None


async def test_events_and_objects_show_the_token_as_the_actor(world: World, other_api: Api) -> None:
    token_id, secret = await world.add_token(WRITER, name="Importer")
    integration = {"__typename": "Integration", "id": token_id.replace("token", "integration"), "name": "Importer"}
    async with world.member.on(other_api).listening(world.id) as stream:
        task = await by(secret, world.owner).create_task(world.id, "From a program")
        event = await stream.event(lambda one: one.get("task") and one["task"]["id"] == task)
    assert event["actor"] == {"id": integration["id"], "name": "Importer"}
    asked = "query ($id: ID!) { task(by: {id: $id}) { createdBy { __typename id name } } }"
    assert (await world.member.ask(asked, id=task))["task"]["createdBy"] == integration
    mine = """query ($id: ID!, $who: ID!) { workspace(by: {id: $id}) {
        tasks(filter: {createdBy: {eq: $who}}) { nodes { id } } } }"""
    found = await world.member.ask(mine, id=world.id, who=integration["id"])
    assert [one["id"] for one in found["workspace"]["tasks"]["nodes"]] == [task]


async def test_a_token_sees_one_workspace_and_nothing_of_its_creators_own(world: World) -> None:
    _, secret = await world.add_token(EVERYTHING)
    program = by(secret, world.owner)
    elsewhere = await world.owner.create_workspace("Elsewhere")
    task = await world.owner.create_task(elsewhere)
    found = await program.ask("{ viewer { user { id } workspaces { id viewerRole viewerPermissions } } }")
    assert found["viewer"]["user"]["id"] == world.owner.id
    assert found["viewer"]["workspaces"] == [
        {"id": world.id, "viewerRole": "OWNER", "viewerPermissions": EVERYTHING},
    ]
    assert (await program.ask("query ($id: ID!) { node(id: $id) { id } }", id=task))["node"] is None
    assert await program.refused("updateTask", {"id": task, "title": "Mine"}) == ("NOT_FOUND", ["input", "id"])
    assert (await program.refused("createTask", {"workspaceId": elsewhere, "title": "Mine"}))[0] == "NOT_FOUND"
    for field in ("email", "emailVerifiedAt", "sessions { id }", "notifications { unreadCount }"):
        assert await refused(program, f"{{ viewer {{ {field} }} }}") == "UNAUTHENTICATED"
    settings = "query ($id: ID!) { viewer { notificationSettings(workspaceId: $id) { id } } }"
    assert await refused(program, settings, id=world.id) == "UNAUTHENTICATED"


async def test_what_a_token_may_not_names_the_permission(world: World) -> None:
    _, secret = await world.add_token(["TASK_READ"])
    payload = await by(secret, world.owner).try_("createTask", {"workspaceId": world.id, "title": "No"})
    (error,) = payload["userErrors"]
    assert (error["__typename"], error["required"]) == ("PermissionError", "TASK_WRITE")
    # The OWNER's rights come from the role, and still need the scope.
    _, secret = await world.add_token([one for one in EVERYTHING if one != "WORKSPACE_ADMIN"])
    program = by(secret, world.owner)
    payload = await program.try_("updateWorkspace", {"id": world.id, "description": "No"})
    assert payload["userErrors"][0]["required"] == "WORKSPACE_ADMIN"
    assert (await program.refused("deleteWorkspace", {"id": world.id}))[0] == "FORBIDDEN"


async def test_fields_of_other_scopes_are_null_for_a_token(world: World) -> None:
    _, secret = await world.add_token(["TASK_READ"])
    asked = """query ($id: ID!) { workspace(by: {id: $id}) {
        apiTokens { id } invites { nodes { id } } auditLog { nodes { id } } members { nodes { email } } } }"""
    found = (await by(secret, world.owner).ask(asked, id=world.id))["workspace"]
    assert [found["apiTokens"], found["invites"], found["auditLog"]] == [None, None, None]
    assert {one["email"] for one in found["members"]["nodes"]} == {None}


async def test_a_stream_by_a_token_tells_what_its_scopes_see_also_where_it_is_shared(world: World) -> None:
    """Invites are told to those who may invite: neither to this token, nor by it to those it shares with."""
    _, first = await world.add_token(["TASK_READ"])
    _, second = await world.add_token(["TASK_READ"])
    query = """subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { cursor caughtUp events {
        __typename ... on EntityEvent { kind entity { ... on Label { id } } } ... on TaskCreatedEvent {
        task { workspace { viewerRole viewerPermissions invites { nodes { id } } } } } } } }"""
    async with by(first, world.owner).socket() as one, by(second, world.owner).socket() as two:
        streams = [await one.subscribe(query, id=world.id), await two.subscribe(query, id=world.id)]
        for stream in streams:
            await stream.until(lambda batch: batch["caughtUp"])
        await world.add_invite()
        await world.task("After it")
        seen = {"viewerRole": "OWNER", "viewerPermissions": ["TASK_READ"], "invites": None}
        for stream in streams:
            event = await stream.event(lambda _: True)
            assert event["__typename"] == "TaskCreatedEvent"
            assert event["task"]["workspace"] == seen


async def test_a_revoked_token_is_refused_and_its_sockets_are_closed_within_a_second(
    world: World, other_api: Api
) -> None:
    query, took = "subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { cursor } }", []
    for _ in range(3):  # a busy machine may take its time, but not each time
        token_id, secret = await world.add_token(WRITER)
        program = by(secret, world.owner).on(other_api)
        async with program.socket() as socket:
            stream = await socket.subscribe(query, id=world.id)
            await stream.until(lambda _: True)
            await world.owner.do("revokeApiToken", {"id": token_id})
            answered = monotonic()
            closing = asyncio.create_task(stream.end())
            await ends(program, 30)
            assert await closing == {"type": "closed", "code": 4403}
            took.append(monotonic() - answered)
        if took[-1] <= REVOKED_SECONDS:
            break
    assert min(took) <= REVOKED_SECONDS
    async with open_socket(other_api.url) as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {secret}"}})
        assert (await socket.closed())[0] == 4401


async def test_a_token_ends_with_its_creators_membership_and_does_not_come_back(api: Api) -> None:
    world = await make_world(api)
    _, secret = await world.admin.create_token(world.id, WRITER)
    program = by(secret, world.admin)
    async with program.listening(world.id) as stream:
        await world.owner.do("removeMember", {"id": world.membership(world.admin)})
        assert (await stream.end())["type"] in {"error", "closed"}
    await ends(program)
    await world.admin.do("acceptInvite", {"token": await world.owner.invite(world.id, "ADMIN")})
    listed = "query ($id: ID!) { workspace(by: {id: $id}) { apiTokens { name revokedAt createdBy { id } } } }"
    found = (await world.owner.ask(listed, id=world.id))["workspace"]["apiTokens"]
    assert [one["revokedAt"] is None for one in found if one["createdBy"]["id"] == world.admin.id] == [False]
    async with open_socket(api.url) as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {secret}"}})
        assert (await socket.closed())[0] == 4401


async def test_a_tokens_rights_shrink_with_its_creators(api: Api) -> None:
    world = await make_world(api)
    _, secret = await world.admin.create_token(world.id, [one for one in EVERYTHING if one != "WORKSPACE_ADMIN"])
    program = by(secret, world.admin)
    async with program.listening(world.id) as stream:
        await world.owner.do("updateMemberRole", {"id": world.membership(world.admin), "role": "VIEWER"})
        assert (await stream.until(lambda batch: batch["resync"]))["resync"] == "ACCESS_CHANGED"
        task = await world.task("Still seen")
        await stream.event(lambda one: one.get("task") and one["task"]["id"] == task)
    assert (await program.refused("createTask", {"workspaceId": world.id, "title": "No"}))[0] == "FORBIDDEN"
    asked = "query ($id: ID!) { workspace(by: {id: $id}) { viewerPermissions apiTokens { id } } }"
    assert (await program.ask(asked, id=world.id))["workspace"] == {
        "viewerPermissions": ["TASK_READ"],
        "apiTokens": None,
    }


async def test_a_token_gives_nobody_more_than_it_has(world: World) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    scopes = ["TASK_READ", "TOKEN_ADMIN", "MEMBER_INVITE", "MEMBER_ADMIN"]
    _, secret = await world.add_token(scopes, expiresAt=ends.isoformat())
    program = by(secret, world.owner)

    async def making(scopes: list[str], days: float | None) -> tuple[str, list[str] | None]:
        until = None if days is None else (ends + timedelta(days=days)).isoformat()
        new = {"workspaceId": world.id, "name": "Child", "scopes": scopes, "expiresAt": until}
        return await program.refused("createApiToken", new)

    assert await making(["TASK_READ", "TASK_WRITE"], 0) == ("FORBIDDEN", None)
    assert await making(["TASK_READ"], 1) == ("INVALID", ["input", "expiresAt"])
    assert await making(["TASK_READ"], None) == ("INVALID", ["input", "expiresAt"])
    await program.create_token(world.id, ["TASK_READ"], expiresAt=ends.isoformat())
    invite = {"workspaceId": world.id, "role": "MEMBER"}
    assert (await program.refused("createInvite", invite))[0] == "FORBIDDEN"
    await program.do("createInvite", {**invite, "role": "VIEWER"})
    role = {"id": world.membership(world.viewer), "role": "ADMIN"}
    assert (await program.refused("updateMemberRole", role))[0] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"scopes": ["TASK_WRITE"]}, ("INVALID", ["input", "scopes"])),
        ({"scopes": []}, ("INVALID", ["input", "scopes"])),
        ({"name": " "}, ("REQUIRED", ["input", "name"])),
        ({"name": "x" * 101}, ("TOO_LONG", ["input", "name"])),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ("INVALID", ["input", "expiresAt"])),
        ({"expiresAt": "2999-01-01T00:00:00Z"}, ("INVALID", ["input", "expiresAt"])),
    ],
)
async def test_what_no_token_can_be_is_refused(world: World, more: dict[str, Any], told: Any) -> None:
    asked = {"workspaceId": world.id, "name": "Bot", "scopes": ["TASK_READ"], **more}
    assert await world.owner.refused("createApiToken", asked) == told


async def test_an_expired_token_is_refused_and_its_socket_closed(world: World) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=4)
    _, secret = await world.add_token(["TASK_READ"], expiresAt=soon.isoformat())
    program = by(secret, world.owner)
    async with program.socket() as socket:
        assert (await socket.closed())[0] == 4403
    await ends(program)


async def test_a_workspace_has_at_most_fifty_tokens(api: Api) -> None:
    owner = await api.sign_up()
    workspace_id = await owner.create_workspace()
    tokens = [await owner.create_token(workspace_id) for _ in range(50)]
    new = {"workspaceId": workspace_id, "name": "One more", "scopes": ["TASK_READ"]}
    assert (await owner.refused("createApiToken", new))[0] == "LIMIT_REACHED"
    await owner.do("revokeApiToken", {"id": tokens[0][0]})
    await owner.do("createApiToken", new)


async def test_the_audit_log_tells_what_was_done_with_tokens_and_none_of_it_can_be_undone(world: World) -> None:
    token_id, secret = await world.add_token(WRITER, name="Old")
    await by(secret, world.owner).create_task(world.id)
    await world.owner.do("updateApiToken", {"id": token_id, "name": "New"})
    await world.owner.do("revokeApiToken", {"id": token_id})
    asked = """query ($id: ID!) { workspace(by: {id: $id}) { apiTokens { id lastUsedAt revokedAt } auditLog { nodes {
        id entityId version actor { id } changes { field before after } } } } }"""
    found = (await world.owner.ask(asked, id=world.id))["workspace"]
    told = [one for one in found["auditLog"]["nodes"] if one["entityId"] == token_id]
    assert [one["version"] for one in told] == [3, 2, 1]
    assert {one["actor"]["id"] for one in told} == {world.owner.id}
    assert told[0]["changes"] == [{"field": "NAME", "before": "New", "after": None}]
    assert told[2]["changes"] == [
        {"field": "NAME", "before": None, "after": "Old"},
        {"field": "SCOPES", "before": None, "after": WRITER},
    ]
    (token,) = [one for one in found["apiTokens"] if one["id"] == token_id]
    assert token["lastUsedAt"] is not None
    assert token["revokedAt"] is not None
    undo = {"target": {"changeId": told[1]["id"]}}
    assert (await world.owner.refused("revertChanges", undo))[0] == "NOT_FOUND"


async def test_secrets_that_nobody_was_given_are_refused(world: World) -> None:
    _, secret = await world.add_token()
    for other in ("tutti_", secret[:-1], secret + "x", secret.upper(), "tutti_\u00e9"):
        headers = {"authorization": f"Bearer {other}".encode()}
        answer = await world.owner.api.http.post(
            f"{world.owner.api.url}/graphql", json={"query": "{ viewer { user { id } } }"}, headers=headers
        )
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
