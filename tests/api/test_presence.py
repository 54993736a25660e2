"""Presence over the API, on two processes: who is here, what they do, and who is told."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from db.ids import of_kind
from db.models import Actor, ActorKind, ActorRef
from db.session import Database
from db.unit_of_work import Outcome, UnitOfWork, Writer
from domain.presence import show_presence
from realtime.process import Realtime
from tests.api.presence import (
    PRESENCE,
    UPDATE,
    departures,
    known,
    presence_of,
    said_of,
    say,
    say_by,
    tab,
    until_doing,
    until_status,
    watching,
)
from tests.api.world import ghost
from tests.people import Api, GraphQLFailed, Person
from tests.stack_fixture import TestStack


@dataclass(frozen=True, slots=True)
class Team:
    """Ann owns a workspace, Bob is a member on the other process."""

    ann: Person
    bob: Person
    id: str


@pytest.fixture
async def team(api: Api, other_api: Api) -> Team:
    ann = await api.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    return Team(ann, (await ann.bring_in(workspace_id)).on(other_api), workspace_id)


async def hide(stack: TestStack, person: Person, workspace_id: str, is_shown: bool = False) -> None:
    """As a setting of the person does it, on a third process."""
    database = Database(stack.database_url, pool_size=2)
    realtime = Realtime(stack.redis_url, database)
    workspace, user = of_kind("workspace", workspace_id), of_kind("user", person.id)
    assert workspace is not None
    assert user is not None

    async def work(uow: UnitOfWork) -> Outcome:
        await show_presence(uow, workspace, is_shown)
        return Outcome()

    try:
        await Writer(database, realtime.announce).run(Actor(ActorRef(ActorKind.USER, user)), work)
    finally:
        await realtime.close()
        await database.close()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


async def test_an_open_subscription_is_presence_by_itself(team: Team) -> None:
    async with watching(team.ann, team.id) as stream:
        await until_status(stream, team.ann, "ONLINE")  # a presence stream is one
        async with tab(team.bob, team.id):
            await until_status(stream, team.bob, "ONLINE")
            there = await presence_of(team.ann, team.id, team.bob)
            assert there["status"] == "ONLINE"
            assert there == await presence_of(team.bob, team.id, team.bob) | {"expiresAt": there["expiresAt"]}


async def test_a_socket_that_follows_nothing_is_nobody(team: Team) -> None:
    async with watching(team.ann, team.id) as stream, team.bob.socket():
        await say(team.ann, team.id, status="AWAY")
        await until_status(stream, team.ann, "AWAY")
        assert team.bob.id not in known(stream)
    assert (await presence_of(team.ann, team.id, team.bob))["status"] == "OFFLINE"


async def test_a_heartbeat_over_http_keeps_a_tab_for_its_lease(team: Team) -> None:
    async with watching(team.ann, team.id) as stream:
        payload = await say(team.bob, team.id, status="DO_NOT_DISTURB")
        assert payload["userErrors"] == []
        assert payload["presence"]["status"] == "DO_NOT_DISTURB"
        await until_status(stream, team.bob, "DO_NOT_DISTURB")
        told = said_of(stream, team.bob)[-1]
        assert instant(told["expiresAt"]) - instant(told["lastSeenAt"]) > timedelta(seconds=60)


async def test_over_http_a_tab_needs_a_name(team: Team) -> None:
    payload = (await team.bob.ask(UPDATE, input={"workspaceId": team.id}))["updatePresence"]
    assert payload["userErrors"] == [
        {"__typename": "ValidationError", "code": "REQUIRED", "path": ["input", "clientId"]}
    ]
    assert payload["presence"] is None


async def test_over_a_socket_the_socket_is_the_tab(team: Team) -> None:
    async with watching(team.ann, team.id) as stream, tab(team.bob, team.id) as socket:
        await until_status(stream, team.bob, "ONLINE")
        payload = await say_by(socket, team.id, status="AWAY", clientId=str(uuid4()))
        assert payload["presence"]["status"] == "AWAY"
        await until_status(stream, team.bob, "AWAY")
        await say_by(socket, team.id, status="ONLINE")
        await until_status(stream, team.bob, "ONLINE")  # and no other tab says away any more


async def test_what_one_edits_is_told_kept_and_taken_back(team: Team) -> None:
    task = await team.ann.create_task(team.id, "Write it down")
    async with watching(team.ann, team.id) as stream, tab(team.bob, team.id) as socket:
        doing = {"taskId": task, "mode": "EDITING", "field": "DESCRIPTION"}
        await say_by(socket, team.id, activity=doing)
        await until_doing(stream, team.bob, ["EDITING"])
        (activity,) = known(stream)[team.bob.id]["activities"]
        assert activity["task"] == {"id": task, "title": "Write it down"}
        assert activity["field"] == "DESCRIPTION"
        assert activity["user"]["id"] == team.bob.id
        kept = await say_by(socket, team.id, status="AWAY")
        assert [one["mode"] for one in kept["presence"]["activities"]] == ["EDITING"]
        query = "query ($id: ID!) { task(by: {id: $id}) { activePresence { mode field user { id } } } }"
        found = (await team.ann.ask(query, id=task))["task"]["activePresence"]
        assert found == [{"mode": "EDITING", "field": "DESCRIPTION", "user": {"id": team.bob.id}}]
        gone = await say_by(socket, team.id, activity=None)
        assert gone["presence"]["activities"] == []
        await until_doing(stream, team.bob, [])
        assert (await team.ann.ask(query, id=task))["task"]["activePresence"] == []


async def test_a_stream_of_a_task_tells_who_is_at_it(team: Team) -> None:
    task, other = await team.ann.create_task(team.id), await team.ann.create_task(team.id)
    async with watching(team.ann, team.id, task) as stream, tab(team.bob, team.id) as socket:
        assert known(stream) == {}
        await say_by(socket, team.id, activity={"taskId": task, "mode": "VIEWING"})
        await until_doing(stream, team.bob, ["VIEWING"])
        await say_by(socket, team.id, activity={"taskId": other, "mode": "COMMENTING"})
        await until_doing(stream, team.bob, ["COMMENTING"])
        assert len(said_of(stream, team.bob)) == 2


async def test_a_viewer_looks_but_does_not_edit(team: Team) -> None:
    viewer = await team.ann.bring_in(team.id, "VIEWER", "Vic")
    task = await team.ann.create_task(team.id)
    for mode, needed in (("EDITING", "FORBIDDEN"), ("COMMENTING", "FORBIDDEN")):
        payload = await say(viewer, team.id, activity={"taskId": task, "mode": mode})
        assert [one["code"] for one in payload["userErrors"]] == [needed]
    assert (await say(viewer, team.id, activity={"taskId": task, "mode": "VIEWING"}))["userErrors"] == []


async def test_one_is_at_a_field_that_a_task_has(team: Team) -> None:
    doing = {"taskId": await team.ann.create_task(team.id), "mode": "EDITING"}
    payload = await say(team.bob, team.id, activity={**doing, "field": "COLOR"})
    assert [(one["code"], one["path"]) for one in payload["userErrors"]] == [
        ("INVALID", ["input", "activity", "field"])
    ]
    for field in ("TITLE", "ASSIGNEES", "LABELS"):
        assert (await say(team.bob, team.id, activity={**doing, "field": field}))["userErrors"] == []


async def test_presence_where_one_does_not_belong_is_refused_like_a_thing_that_is_not_there(team: Team) -> None:
    stranger = await team.ann.api.sign_up("Stan")
    elsewhere = await stranger.create_task(await stranger.create_workspace("Else"), "Elsewhere")
    refused = [await say(stranger, one) for one in (team.id, ghost("workspace"), "workspace_1")]
    assert refused[0] == refused[1] == refused[2]
    assert refused[0]["userErrors"] == [
        {"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["input", "workspaceId"]}
    ]
    of_tasks = [
        await say(team.bob, team.id, activity={"taskId": one, "mode": "VIEWING"}) for one in (elsewhere, ghost("task"))
    ]
    assert of_tasks[0] == of_tasks[1]
    assert of_tasks[0]["userErrors"][0]["path"] == ["input", "activity", "taskId"]
    async with team.bob.socket() as socket:
        for variables in ({"workspaceId": ghost("workspace")}, {"workspaceId": team.id, "taskId": elsewhere}):
            end = await (await socket.subscribe(PRESENCE, **variables)).end()
            assert end["payload"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_guests_see_only_people_and_tasks_that_they_may_see(team: Team, other_api: Api) -> None:
    web, ops = await team.ann.create_project(team.id), await team.ann.create_project(team.id, "Ops", "OPS")
    shown, hidden = [await team.ann.create_task(team.id, projectId=one) for one in (web, ops)]
    guest = (await team.ann.bring_in(team.id, "GUEST", "Gus", projectIds=[web])).on(other_api)
    beside = await team.ann.bring_in(team.id, "GUEST", "Gwen", projectIds=[web])
    stranger = await team.ann.bring_in(team.id, "GUEST", "Gil", projectIds=[ops])
    refused = await say(guest, team.id, activity={"taskId": hidden, "mode": "VIEWING"})
    assert refused["userErrors"][0]["code"] == "NOT_FOUND"
    async with AsyncExitStack() as open_:
        stream = await open_.enter_async_context(watching(guest, team.id))
        sockets = {
            person.id: await open_.enter_async_context(tab(person, team.id)) for person in (team.bob, beside, stranger)
        }
        await until_status(stream, team.bob, "ONLINE")
        await until_status(stream, beside, "ONLINE")
        await say_by(sockets[stranger.id], team.id, activity={"taskId": hidden, "mode": "EDITING"})
        await say_by(sockets[team.bob.id], team.id, activity={"taskId": hidden, "mode": "EDITING"})
        await say_by(sockets[beside.id], team.id, activity={"taskId": shown, "mode": "EDITING"})
        await until_doing(stream, beside, ["EDITING"])
        assert known(stream)[team.bob.id]["activities"] == []
        assert stranger.id not in known(stream)
        assert await presence_of(guest, team.id, stranger) is None
        assert (await presence_of(guest, team.id, team.bob))["activities"] == []
        await team.ann.do("removeProjectGuest", {"projectId": web, "membershipId": await _membership(team, beside)})
        await until_status(stream, beside, None)


async def _membership(team: Team, person: Person) -> str:
    return await team.ann.membership_id(team.id, person.id)


async def test_a_task_that_moves_out_of_sight_is_no_longer_told(team: Team) -> None:
    web, ops = await team.ann.create_project(team.id), await team.ann.create_project(team.id, "Ops", "OPS")
    task = await team.ann.create_task(team.id, projectId=web)
    guest = await team.ann.bring_in(team.id, "GUEST", "Gus", projectIds=[web])
    async with watching(guest, team.id) as stream, tab(team.bob, team.id) as socket:
        await say_by(socket, team.id, activity={"taskId": task, "mode": "EDITING"})
        await until_doing(stream, team.bob, ["EDITING"])
        await team.ann.do("moveTask", {"id": task, "projectId": ops})
        await until_doing(stream, team.bob, [], seconds=8)  # by itself it ends after ten


async def test_a_removed_member_is_gone_at_once_and_their_stream_ends(team: Team) -> None:
    async with watching(team.ann, team.id) as of_ann, watching(team.bob, team.id) as of_bob:
        await until_status(of_ann, team.bob, "ONLINE")
        await team.ann.do("removeMember", {"id": await _membership(team, team.bob)})
        await until_status(of_ann, team.bob, None, seconds=4)  # who closes is gone after 4.5
        end = await of_bob.end()
        assert end["type"] == "error"
        assert end["payload"][0]["extensions"]["code"] == "ACCESS_REVOKED"
        assert departures(of_ann, team.bob) == 1
    assert await presence_of(team.ann, team.id, team.bob) is None
    payload = await say(team.bob, team.id)
    assert payload["userErrors"][0]["code"] == "NOT_FOUND"


async def test_who_hides_is_gone_at_once_everywhere_and_comes_back_when_they_show_again(
    team: Team, stack: TestStack
) -> None:
    task = await team.ann.create_task(team.id)
    async with watching(team.ann, team.id) as stream, tab(team.bob, team.id) as socket:
        await say_by(socket, team.id, activity={"taskId": task, "mode": "EDITING"})
        await until_doing(stream, team.bob, ["EDITING"])
        await hide(stack, team.bob, team.id)
        await until_status(stream, team.bob, None)  # the socket stays open
        assert await presence_of(team.ann, team.id, team.bob) is None
        payload = await say_by(socket, team.id, status="AWAY", activity={"taskId": task, "mode": "EDITING"})
        assert payload["userErrors"] == []
        assert payload["presence"] is None
        await say(team.bob, team.id)
        query = "query ($id: ID!) { task(by: {id: $id}) { activePresence { mode } } }"
        assert (await team.ann.ask(query, id=task))["task"]["activePresence"] == []
        async with watching(team.ann, team.id) as late:
            assert team.bob.id not in known(late)
        await hide(stack, team.bob, team.id, is_shown=True)
        await until_status(stream, team.bob, "AWAY")
    assert departures(stream, team.bob) == 1


async def test_who_left_is_offline_with_when_they_were_last_seen(team: Team) -> None:
    async with watching(team.ann, team.id) as stream:
        async with tab(team.bob, team.id):
            await until_status(stream, team.bob, "ONLINE")
        await until_status(stream, team.bob, None)
        told = said_of(stream, team.bob)[-1]
        assert told["status"] == "OFFLINE"
        async with asyncio.timeout(30):
            while (found := await presence_of(team.ann, team.id, team.bob))["lastSeenAt"] is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert found == {
        "id": told["id"],
        "status": "OFFLINE",
        "lastSeenAt": told["lastSeenAt"],
        "expiresAt": None,
        "user": {"id": team.bob.id},
        "activities": [],
    }


async def test_a_presence_is_found_by_its_id_as_long_as_it_may_be_seen(team: Team) -> None:
    query = "query ($id: ID!) { node(id: $id) { ... on UserPresence { id status user { id } } } }"
    membership = await _membership(team, team.bob)
    presence_id = membership.replace("membership", "presence")
    found = (await team.ann.ask(query, id=presence_id))["node"]
    assert found == {"id": presence_id, "status": "OFFLINE", "user": {"id": team.bob.id}}
    stranger = await team.ann.api.sign_up("Stan")
    assert (await stranger.ask(query, id=presence_id))["node"] is None
    assert await presence_of(stranger, team.id, stranger) is None


async def test_what_depends_on_who_asks_is_each_viewers_own(team: Team) -> None:
    """Not even a batch that others get as well tells one what another may know."""
    private = await team.ann.create_workspace("Private")
    query = """subscription ($workspaceId: ID!, $private: ID!) { presence(workspaceId: $workspaceId) {
      isSnapshot presences { user { id presence(workspaceId: $private) { status } } } } }"""
    variables = {"workspaceId": team.id, "private": private}
    async with tab(team.ann, private), team.ann.socket() as of_ann, team.bob.on(team.ann.api).socket() as of_bob:
        told = [await one.subscribe(query, **variables) for one in (of_ann, of_bob)]

        def of(batch: Any) -> Any:
            return next((one["user"]["presence"] for one in batch["presences"] if one["user"]["id"] == team.ann.id), 0)

        assert of(await told[0].until(lambda batch: of(batch) != 0)) == {"status": "ONLINE"}
        assert of(await told[1].until(lambda batch: of(batch) != 0)) is None


async def test_a_storm_of_one_client_is_limited_without_hurting_others(team: Team) -> None:
    storm = await asyncio.gather(*[_code(team.bob, team.id) for _ in range(60)])
    assert set(storm) == {None, ("RATE_LIMITED", 1)}
    assert storm.count(None) >= 30
    mate = (await team.ann.bring_in(team.id, "MEMBER", "Mia")).on(team.bob.api)
    assert await _code(mate, team.id) is None
    assert await team.bob.create_task(team.id)  # only heartbeats are limited


async def _code(person: Person, workspace_id: str) -> Any:
    try:
        await say(person, workspace_id)
    except GraphQLFailed as error:
        (told,) = error.errors
        return told["extensions"]["code"], told["extensions"].get("retryAfterSeconds")
    return None


async def test_nobody_says_they_are_here_without_signing_in(team: Team) -> None:
    answer = await team.ann.api.answer(UPDATE, {"input": {"workspaceId": team.id, "clientId": str(uuid4())}})
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
