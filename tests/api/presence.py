"""Presence as people in tests see it over the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from tests.people import WAIT_SECONDS, Person, Socket, Stream

PRESENCE = """
subscription ($workspaceId: ID!, $taskId: ID) {
  presence(workspaceId: $workspaceId, taskId: $taskId) {
    isSnapshot isStale rev
    presences {
      id status lastSeenAt expiresAt user { id name handle }
      activities { user { id } task { id title } field mode since }
    }
  }
}
"""
ONE = """
query ($user: ID!, $workspace: ID!) {
  node(id: $user) { ... on User { presence(workspaceId: $workspace) {
    id status lastSeenAt expiresAt user { id } activities { mode field task { id } } } } }
}
"""
UPDATE = """
mutation ($input: UpdatePresenceInput!) {
  updatePresence(input: $input) {
    userErrors { __typename code path }
    presence { id status activities { mode field task { id } } } expiresAt
  }
}
"""
FOLLOW = "subscription ($workspaceId: ID!) { workspaceEvents(workspaceId: $workspaceId) { cursor } }"


@asynccontextmanager
async def watching(person: Person, workspace_id: str, task_id: str | None = None) -> AsyncIterator[Stream]:
    """Somebody's presence stream, from its first snapshot on, on a socket of its own."""
    async with person.socket() as socket:
        stream = await socket.subscribe(PRESENCE, workspaceId=workspace_id, taskId=task_id)
        await stream.until(lambda batch: batch["isSnapshot"])
        yield stream


@asynccontextmanager
async def tab(person: Person, workspace_id: str) -> AsyncIterator[Socket]:
    """A socket that follows the workspace; closed with all that belongs to it at the end."""
    async with person.socket() as socket:
        stream = await socket.subscribe(FOLLOW, workspaceId=workspace_id)
        await stream.until(lambda batch: bool(batch["cursor"]))
        yield socket


def known(stream: Stream) -> dict[str, Any]:
    """Person id -> their presence, by what a stream has told; each batch is checked to follow on the last."""
    people: dict[str, Any] = {}
    rev = None
    for batch in stream.batches:
        assert batch["isSnapshot"] or batch["rev"] == rev + 1, "a hole"
        rev = batch["rev"]
        if batch["isSnapshot"]:
            people = {}
        for one in batch["presences"]:
            people[one["user"]["id"]] = one
            if one["status"] == "OFFLINE":
                assert one["expiresAt"] is None
                del people[one["user"]["id"]]
    return people


def said_of(stream: Stream, person: Person) -> list[Any]:
    """All that was told of somebody but in snapshots."""
    return [
        one
        for batch in stream.batches
        if not batch["isSnapshot"]
        for one in batch["presences"]
        if one["user"]["id"] == person.id
    ]


def departures(stream: Stream, person: Person) -> int:
    return [one["status"] for one in said_of(stream, person)].count("OFFLINE")


async def until_status(stream: Stream, person: Person, status: str | None, seconds: float = WAIT_SECONDS) -> None:
    """Wait until somebody is known to have this status; None: not to be there."""

    def is_it(_: Any) -> bool:
        found = known(stream).get(person.id)
        return (None if found is None else found["status"]) == status

    await stream.until(is_it, seconds)


async def until_doing(stream: Stream, person: Person, modes: list[str], seconds: float = WAIT_SECONDS) -> None:
    def is_it(_: Any) -> bool:
        found = known(stream).get(person.id)
        return [one["mode"] for one in found["activities"]] == modes if found else False

    await stream.until(is_it, seconds)


async def say(person: Person, workspace_id: str, client_id: str | None = None, **more: Any) -> Any:
    """The payload of a heartbeat over HTTP."""
    given = {"workspaceId": workspace_id, "clientId": client_id or str(uuid4()), **more}
    return (await person.ask(UPDATE, input=given))["updatePresence"]


async def say_by(socket: Socket, workspace_id: str, **more: Any) -> Any:
    """The payload of a heartbeat by a socket."""
    stream = await socket.subscribe(UPDATE, input={"workspaceId": workspace_id, **more})
    return await stream.until(lambda _: True)


async def presence_of(asking: Person, workspace_id: str, whose: Person) -> Any:
    """`User.presence` of somebody; None also where the person is not known."""
    node = (await asking.ask(ONE, user=whose.id, workspace=workspace_id))["node"]
    return None if node is None else node["presence"]
