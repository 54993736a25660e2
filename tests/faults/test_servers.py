"""Two real server processes while PostgreSQL, Redis or one of themselves fails: what people see over the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from db.migrations import upgrade
from server.stack import EmbeddedStack
from tests.people import Api, GraphQLFailed, Person
from tests.processes import ServerProcess, assert_untroubled, server_processes
from tests.stack_fixture import temporary_state_dir

pytestmark = pytest.mark.serial

UNAVAILABLE_SECONDS = 2.0
"""What is down is told within this; a little is added for a busy machine."""


@pytest.fixture(scope="module")
def own_stack() -> Iterator[EmbeddedStack]:
    """Servers that may be broken."""
    with temporary_state_dir() as folder, EmbeddedStack(folder) as stack:
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


@pytest.fixture
async def pair(processes: list[ServerProcess], client: httpx.AsyncClient) -> tuple[Person, Person, str]:
    """Ann on one process, Bob on the other, and their workspace."""
    ann = await Api(processes[0].url, client).sign_up("Ann")
    workspace_id = await ann.create_workspace()
    bob = (await ann.bring_in(workspace_id)).on(Api(processes[1].url, client))
    return ann, bob, workspace_id


async def _codes(person: Person) -> list[str]:
    """The top-level codes that a simple question is answered with; none when it works."""
    answer = await person.answer("{ viewer { email } }")
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


async def _until(person: Person, wanted: list[str], meanwhile: list[str], seconds: float) -> None:
    """Ask until the answer is as wanted."""
    async with asyncio.timeout(seconds):
        while (codes := await _codes(person)) != wanted:
            assert codes == meanwhile
            await asyncio.sleep(0.05)


async def test_with_redis_killed_changes_still_succeed_and_arrive(
    own_stack: EmbeddedStack, pair: tuple[Person, Person, str]
) -> None:
    ann, bob, workspace_id = pair
    async with bob.listening(workspace_id) as stream:
        own_stack.valkey.kill()
        try:
            titles = [f"Without Redis {number}" for number in range(5)]
            for title in titles:
                began = time.monotonic()
                await ann.create_task(workspace_id, title)
                assert time.monotonic() - began < 2
            await stream.event(lambda event: event.get("task", {}).get("title") == titles[-1], seconds=5)
        finally:
            own_stack.valkey.restart()
        await ann.create_task(workspace_id, "With Redis")
        await stream.event(lambda event: event.get("task", {}).get("title") == "With Redis")
        seen = [event["task"]["title"] for event in stream.events if event["__typename"] == "TaskCreatedEvent"]
        assert seen == [*titles, "With Redis"]


async def test_with_redis_frozen_changes_still_succeed_and_arrive(
    own_stack: EmbeddedStack, pair: tuple[Person, Person, str]
) -> None:
    ann, bob, workspace_id = pair
    async with bob.listening(workspace_id) as stream:
        own_stack.valkey.freeze()
        try:
            for number in range(5):
                began = time.monotonic()
                await ann.create_task(workspace_id, f"Frozen {number}")
                assert time.monotonic() - began < 2
            await stream.event(lambda event: event.get("task", {}).get("title") == "Frozen 4", seconds=6)
        finally:
            own_stack.valkey.thaw()
        created = [event["task"]["title"] for event in stream.events if event["__typename"] == "TaskCreatedEvent"]
        assert created == [f"Frozen {number}" for number in range(5)]


async def test_with_postgresql_down_it_says_so_and_sockets_stay(
    own_stack: EmbeddedStack, pair: tuple[Person, Person, str], client: httpx.AsyncClient
) -> None:
    ann, bob, workspace_id = pair
    async with bob.listening(workspace_id) as stream:
        own_stack.postgres.kill()
        try:
            for question in ("{ viewer { email } }", 'mutation { createWorkspace(input: {name: "No"}) { replayed } }'):
                began = time.monotonic()
                with pytest.raises(GraphQLFailed) as failed:
                    await ann.ask(question)
                assert failed.value.codes == ["SERVICE_UNAVAILABLE"]
                assert time.monotonic() - began < UNAVAILABLE_SECONDS + 0.5
            assert (await client.get(f"{ann.api.url}/healthz")).status_code == 200
            assert (await client.get(f"{ann.api.url}/readyz")).status_code == 503
        finally:
            own_stack.postgres.restart()
        for person in (ann, bob):
            await _until(person, [], ["SERVICE_UNAVAILABLE"], 5)
        task_id = await ann.create_task(workspace_id, "Back again")
        event = await stream.event(lambda event: event["__typename"] == "TaskCreatedEvent")
        assert event["task"]["id"] == task_id
        assert stream.ended is None


async def test_a_change_sent_again_after_a_kill_has_one_effect_and_a_stream_resumes_without_a_gap(
    processes: list[ServerProcess], pair: tuple[Person, Person, str]
) -> None:
    ann, bob, workspace_id = pair
    first, _ = processes
    on_first = bob.on(ann.api)
    keys = [str(uuid4()) for _ in range(10)]
    async with on_first.listening(workspace_id) as stream:
        for number, key in enumerate(keys[:5]):
            await ann.create_task(workspace_id, f"Task {number}", clientMutationId=key)
        await stream.event(lambda event: event.get("task", {}).get("title") == "Task 2")
        first.kill()
        assert (await stream.end())["type"] == "closed"
        cursor, seen = stream.cursor, [event["task"]["title"] for event in stream.events]
    # The other process goes on; whoever was cut off sends everything again there.
    ann_on_other = ann.on(bob.api)
    for number, key in enumerate(keys):
        await ann_on_other.create_task(workspace_id, f"Task {number}", clientMutationId=key)
    first.start()
    async with on_first.listening(workspace_id, after=cursor) as resumed:
        await resumed.event(lambda event: event.get("task", {}).get("title") == "Task 9")
        seen += [event["task"]["title"] for event in resumed.events]
    assert seen == [f"Task {number}" for number in range(10)]


async def test_a_session_that_is_revoked_on_one_process_closes_its_socket_on_the_other(
    pair: tuple[Person, Person, str],
) -> None:
    ann, bob, workspace_id = pair
    elsewhere = bob.on(ann.api)
    async with bob.listening(workspace_id) as stream:
        began = time.monotonic()
        await elsewhere.ask("mutation { signOut(input: {everywhere: true}) { signedOut } }")
        end = await stream.end()
        assert (end["type"], end["code"]) == ("closed", 4403)
        assert time.monotonic() - began < 2.5
    # Over HTTP a session is looked up at most a second ago.
    await _until(bob, ["UNAUTHENTICATED"], [], 2.5)
