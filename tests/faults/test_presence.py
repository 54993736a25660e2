"""Presence while clients, server processes, Redis and PostgreSQL fail, on two real processes: bounds that are promised.

Who leaves leaves once and in time; who is there is never said to have left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis.asyncio

from db.migrations import upgrade
from server.stack import EmbeddedStack
from tests.api.presence import FOLLOW, PRESENCE, departures, known, said_of, say_by, tab, until_status, watching
from tests.faults.sizes import IS_FULL
from tests.people import Api, Person, Stream, open_socket
from tests.processes import ServerProcess, assert_untroubled, server_processes
from tests.stack_fixture import THROWAWAY, temporary_state_dir

pytestmark = pytest.mark.serial

CLOSED_SECONDS, SILENT_SECONDS, KILLED_SECONDS = 6.0, 24.0, 26.0
LEASE_SECONDS = 24.0
HOLD_SECONDS = 12.0
FROZEN_SECONDS = (2.0 if IS_FULL else 1.25) * LEASE_SECONDS
"""Longer than any lease lasts, and a few sweeps longer."""


@pytest.fixture(scope="module")
def own_stack() -> Iterator[EmbeddedStack]:
    """Servers that may be broken."""
    with temporary_state_dir() as folder, EmbeddedStack(folder, postgres_settings=THROWAWAY) as stack:
        upgrade(stack.database_url)
        yield stack


@pytest.fixture(scope="module")
def processes(own_stack: EmbeddedStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    folder: Path = tmp_path_factory.mktemp("broken")
    with server_processes(folder, own_stack.database_url, own_stack.redis_url) as started:
        yield started
        for server in started:
            assert_untroubled(server.log.read_text())


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as made:
        yield made


async def leaves(stream: Stream, person: Person, began: float) -> float:
    """-> the seconds from `began` until somebody is told to have left."""
    await until_status(stream, person, None, seconds=40)
    return time.monotonic() - began


async def test_who_closes_falls_silent_or_loses_their_process_leaves_once_and_in_time(
    processes: list[ServerProcess], client: httpx.AsyncClient
) -> None:
    one, two = (Api(server.url, client) for server in processes)
    ann = await one.sign_up("Ann")
    workspace = await ann.create_workspace()
    closing, silent, killed, moved = [await ann.bring_in(workspace, name=name) for name in ("Cy", "Si", "Ki", "Mo")]
    async with AsyncExitStack() as open_:
        stream = await open_.enter_async_context(watching(ann, workspace))
        other = await open_.enter_async_context(watching(ann, workspace))
        closed = AsyncExitStack()
        await closed.enter_async_context(tab(closing, workspace))
        mute = await open_.enter_async_context(open_socket(one.url))
        await mute.send({"type": "connection_init", "payload": {"authorization": f"Bearer {silent.token}"}})
        await mute.send(
            {"id": "1", "type": "subscribe", "payload": {"query": FOLLOW, "variables": {"workspaceId": workspace}}}
        )
        gone = AsyncExitStack()
        for person in (killed, moved):
            await gone.enter_async_context(tab(person.on(two), workspace))
        for person in (closing, silent, killed, moved):
            await until_status(stream, person, "ONLINE")

        began = time.monotonic()
        processes[1].kill()
        await open_.enter_async_context(tab(moved, workspace))  # on the process that lives, as a client does
        await closed.aclose()
        took = await asyncio.gather(*[leaves(stream, person, began) for person in (closing, silent, killed)])
        print("closed, silent, killed:", *[f"{one:.1f}" for one in took])  # noqa: T201
        assert took[0] <= CLOSED_SECONDS
        assert took[1] <= SILENT_SECONDS
        assert took[2] <= KILLED_SECONDS
        for person in (closing, silent, killed):
            await until_status(other, person, None)  # who follows on another socket is told a moment later
        for told in (stream, other):
            assert [departures(told, person) for person in (closing, silent, killed, moved)] == [1, 1, 1, 0]
        assert [one["status"] for one in said_of(stream, moved)] == ["ONLINE"]
        await gone.aclose()
    processes[1].start()


async def test_a_reload_is_not_told(processes: list[ServerProcess], client: httpx.AsyncClient) -> None:
    one, two = (Api(server.url, client) for server in processes)
    ann = await one.sign_up("Ann")
    workspace = await ann.create_workspace()
    bob, eve = await ann.bring_in(workspace), await ann.bring_in(workspace, name="Eve")
    async with watching(ann, workspace) as stream:
        async with tab(bob, workspace), tab(eve, workspace):
            await until_status(stream, bob, "ONLINE")
            await until_status(stream, eve, "ONLINE")
        async with tab(bob.on(two), workspace):
            await until_status(stream, eve, None)  # who left at the same moment
            assert [one["status"] for one in said_of(stream, bob)] == ["ONLINE"]


async def test_nobody_is_said_to_have_left_while_redis_is_frozen_or_when_it_was_emptied(
    own_stack: EmbeddedStack, processes: list[ServerProcess], client: httpx.AsyncClient
) -> None:
    one, two = (Api(server.url, client) for server in processes)
    ann = await one.sign_up("Ann")
    workspace = await ann.create_workspace()
    bob, eve = await ann.bring_in(workspace), await ann.bring_in(workspace, name="Eve")
    async with (
        watching(ann, workspace) as stream,
        watching(ann.on(two), workspace) as other,
        tab(bob, workspace),
        tab(eve.on(two), workspace) as socket,
    ):
        await say_by(socket, workspace, status="DO_NOT_DISTURB")
        for told in (stream, other):
            await until_status(told, bob, "ONLINE")
            await until_status(told, eve, "DO_NOT_DISTURB")

        own_stack.valkey.freeze()
        try:
            began = time.monotonic()
            await stream.until(lambda batch: batch["isStale"], seconds=5)
            assert known(stream).keys() == {ann.id, bob.id, eve.id}
            late = await stream.socket.subscribe(PRESENCE, workspaceId=workspace)
            assert (await late.until(lambda batch: batch["isSnapshot"]))["isStale"]
            assert known(late).keys() == known(stream).keys()
            await _quiet((stream, other), (bob, eve), began + FROZEN_SECONDS)
        finally:
            own_stack.valkey.thaw()
        for told in (stream, other):
            await told.until(partial(_is_fresh, told), seconds=5)
        await _quiet((stream, other), (bob, eve), time.monotonic() + HOLD_SECONDS + 2)
        assert (known(stream)[bob.id]["status"], known(other)[eve.id]["status"]) == ("ONLINE", "DO_NOT_DISTURB")

        empty = redis.asyncio.from_url(own_stack.redis_url)
        await empty.flushall()
        await empty.aclose()
        await _quiet((stream, other), (bob, eve), time.monotonic() + HOLD_SECONDS + 3)
        for told in (stream, other):
            assert known(told).keys() == {ann.id, bob.id, eve.id}
            assert known(told)[eve.id]["status"] == "DO_NOT_DISTURB"
        # And all goes on.
        await say_by(socket, workspace, status="AWAY")
        await until_status(stream, eve, "AWAY")


def _is_fresh(told: Stream, _: Any) -> bool:
    return not told.batches[-1]["isStale"]


async def _quiet(streams: tuple[Stream, ...], people: tuple[Person, ...], until: float) -> None:
    """Until then nobody is told to have left, nor missing in a snapshot."""
    while time.monotonic() < until:
        await asyncio.sleep(1)
        for stream in streams:
            assert stream.ended is None
            for person in people:
                assert departures(stream, person) == 0
                assert person.id in known(stream)


async def test_presence_goes_on_without_postgresql(
    own_stack: EmbeddedStack, processes: list[ServerProcess], client: httpx.AsyncClient
) -> None:
    one, two = (Api(server.url, client) for server in processes)
    ann = await one.sign_up("Ann")
    workspace = await ann.create_workspace()
    bob = await ann.bring_in(workspace)
    async with watching(ann, workspace) as stream:
        async with tab(bob.on(two), workspace):
            await until_status(stream, bob, "ONLINE")
            own_stack.postgres.freeze()
        try:
            await until_status(stream, bob, None, seconds=15)
            assert said_of(stream, bob)[-1]["user"]["name"] == bob.name
        finally:
            own_stack.postgres.thaw()
