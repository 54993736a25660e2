"""What people are told, live and on two processes: a snapshot of what is unread, then every change of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.api.world import World, make_world
from tests.people import Api, Person, Stream

FOLLOW = """subscription { notificationEvents {
  isSnapshot unreadCount removedIds
  notifications { id kind groupCount readAt actor { id } workspace { id } task { id title } comment { id body }
    invite { workspaceName } }
} }"""


@pytest.fixture
async def world(api: Api) -> World:
    return await make_world(api)


@asynccontextmanager
async def following(person: Person) -> AsyncIterator[Stream]:
    """Somebody's notifications, from their snapshot on."""
    async with person.socket() as socket:
        stream = await socket.subscribe(FOLLOW)
        first = await stream.until(lambda batch: True)
        assert first["isSnapshot"]
        yield stream


def held(stream: Stream) -> dict[str, Any]:
    """id -> what is known of each notification, by what a stream has told; the count is checked with each batch."""
    known: dict[str, Any] = {}
    for batch in stream.batches:
        if batch["isSnapshot"]:
            known = {}
        known |= {one["id"]: one for one in batch["notifications"]}
        for gone in batch["removedIds"]:
            known.pop(gone, None)
        assert batch["unreadCount"] == len([one for one in known.values() if one["readAt"] is None])
    return known


def kinds(stream: Stream, task: str) -> list[tuple[str, int, bool]]:
    """(kind, how many in one, whether it was read) of what is known of a task."""
    of_task = [one for one in held(stream).values() if one["task"] and one["task"]["id"] == task]
    return sorted((one["kind"], one["groupCount"], one["readAt"] is not None) for one in of_task)


async def verify(person: Person) -> None:
    """Somebody proves that their address is theirs."""
    token = await person.api.mailed_token(person.email, "verify")
    query = "mutation ($i: VerifyEmailInput!) { verifyEmail(input: $i) { userErrors { code } } }"
    assert (await person.ask(query, i={"token": token}))["verifyEmail"] == {"userErrors": []}


async def until_kinds(stream: Stream, task: str, *wanted: tuple[str, int, bool]) -> None:
    await stream.until(lambda _: kinds(stream, task) == sorted(wanted))


async def test_a_snapshot_holds_what_is_unread_and_nothing_else(world: World) -> None:
    read = await world.task(assigneeIds=[world.spare.id])
    await world.spare.do("markNotifications", {"target": {"taskId": read}, "read": True})
    unread = await world.task(assigneeIds=[world.spare.id])
    async with following(world.spare) as stream:
        assert kinds(stream, unread) == [("ASSIGNED", 1, False)]
        assert kinds(stream, read) == []


async def test_what_happens_is_told_at_once_on_every_process(world: World, other_api: Api) -> None:
    task = await world.task()
    async with following(world.spare) as here, following(world.spare.on(other_api)) as there:
        for stream, writer in ((here, world.owner.on(other_api)), (there, world.owner)):
            comment = await writer.comment(task, f"Look, @[{world.spare.id}]")
            found = await stream.until(lambda batch, it=comment: it in str(batch["notifications"]))
            told = next(one for one in found["notifications"] if one["comment"]["id"] == comment)
            assert told["actor"] == {"id": world.owner.id}
            assert told["workspace"] == {"id": world.id}
        await until_kinds(here, task, ("MENTION", 2, False))
        await until_kinds(there, task, ("MENTION", 2, False))


async def test_what_is_read_on_one_device_is_read_on_the_other(world: World, other_api: Api) -> None:
    task = await world.task(assigneeIds=[world.spare.id])
    async with following(world.spare) as stream:
        elsewhere = world.spare.on(other_api)
        await elsewhere.do("markNotifications", {"target": {"taskId": task}, "read": True})
        await until_kinds(stream, task, ("ASSIGNED", 1, True))
        await elsewhere.do("markNotifications", {"target": {"taskId": task}, "read": False})
        await until_kinds(stream, task, ("ASSIGNED", 1, False))


async def test_what_is_withdrawn_is_removed(world: World) -> None:
    task = await world.task(assigneeIds=[world.spare.id])
    async with following(world.spare) as stream:
        (told,) = [one["id"] for one in held(stream).values() if one["task"] == {"id": task, "title": "Do it"}]
        await world.owner.do("updateTask", {"id": task, "removeAssigneeIds": [world.spare.id]})
        await stream.until(lambda batch: told in batch["removedIds"])
        assert kinds(stream, task) == []


async def test_a_removed_member_is_told_nothing_more(world: World, other_api: Api) -> None:
    task = await world.task(assigneeIds=[world.spare.id])
    async with following(world.spare.on(other_api)) as stream:
        assert kinds(stream, task) == [("ASSIGNED", 1, False)]
        await world.owner.do("removeMember", {"id": world.membership(world.spare)})
        await stream.until(lambda _: kinds(stream, task) == [])
        told = len(stream.batches)
        mention = {"taskId": task, "body": f"Gone, @[{world.spare.id}]"}
        assert await world.owner.refused("createComment", mention) == ("NOT_FOUND", ["input", "body"])
        await world.owner.comment(task, "They followed it")
        await verify(world.spare)
        await world.owner.do(
            "createInvite", {"workspaceId": world.id, "role": "MEMBER", "email": world.spare.email}, "invite { id }"
        )
        invited = await stream.until(lambda batch: "INVITED" in str(batch["notifications"]))
        assert [one["kind"] for batch in stream.batches[told:] for one in batch["notifications"]] == ["INVITED"]
        assert invited["notifications"][0]["workspace"] is None
        assert invited["notifications"][0]["task"] is None


async def test_who_may_no_longer_see_a_task_has_its_notifications_removed(world: World, other_api: Api) -> None:
    task = await world.task(projectId=world.web, assigneeIds=[world.guest.id])
    async with following(world.guest.on(other_api)) as stream:
        assert kinds(stream, task) == [("ASSIGNED", 1, False)]
        await world.owner.do("moveTask", {"id": task, "projectId": world.ops})
        await stream.until(lambda _: kinds(stream, task) == [])


async def test_an_invite_is_told_and_taken_back(world: World, other_api: Api) -> None:
    await verify(world.outsider)
    async with following(world.outsider.on(other_api)) as stream:
        asked = {"workspaceId": world.id, "role": "MEMBER", "email": world.outsider.email}
        invite = (await world.owner.do("createInvite", asked, "invite { id }"))["invite"]["id"]
        batch = await stream.until(lambda batch: bool(batch["notifications"]) and not batch["isSnapshot"])
        (told,) = batch["notifications"]
        assert (told["kind"], told["workspace"], told["actor"]) == ("INVITED", None, {"id": world.owner.id})
        assert told["invite"]["workspaceName"]
        await world.owner.do("revokeInvite", {"id": invite})
        await stream.until(lambda batch: told["id"] in batch["removedIds"])


async def test_whoever_proves_their_address_hears_of_the_invites_that_wait_for_it(world: World, other_api: Api) -> None:
    new = await world.owner.api.sign_up("Nell")
    asked = {"workspaceId": world.id, "role": "MEMBER", "email": new.email}
    _, revoked = [(await world.owner.do("createInvite", asked, "invite { id }"))["invite"]["id"] for _ in range(2)]
    await world.owner.do("revokeInvite", {"id": revoked})
    async with following(new.on(other_api)) as stream:
        assert stream.batches[0]["notifications"] == []
        await verify(new)
        batch = await stream.until(lambda batch: bool(batch["notifications"]))
        (told,) = batch["notifications"]
        assert (told["kind"], told["actor"]) == ("INVITED", {"id": world.owner.id})


async def test_more_changes_than_fit_come_as_a_snapshot(world: World) -> None:
    for _ in range(10):
        await asyncio.gather(*[world.task(assigneeIds=[world.spare.id]) for _ in range(10)])
    async with following(world.spare) as stream:
        assert len(stream.batches[0]["notifications"]) == 100
        assert stream.batches[0]["unreadCount"] > 100
        await world.spare.do("markNotifications", {"target": {"all": True}, "read": True})
        batch = await stream.until(lambda batch: batch["unreadCount"] == 0)
        assert batch == {"isSnapshot": True, "unreadCount": 0, "removedIds": [], "notifications": []}


async def test_nobody_hears_what_others_are_told(world: World, other_api: Api) -> None:
    task, another = await world.task(), await world.task()
    async with following(world.spare) as stream, following(world.member.on(other_api)) as other:
        await world.owner.comment(task, f"Look, @[{world.member.id}]")
        await world.owner.comment(another, f"Look, @[{world.spare.id}]")
        await until_kinds(stream, another, ("MENTION", 1, False))
        await until_kinds(other, task, ("MENTION", 1, False))
        assert not held(stream).keys() & held(other).keys()
