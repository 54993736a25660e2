"""A client that was cut off sends the same again, with the same key: one effect and the first one's outcome."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from db import retention
from db.session import Database
from db.unit_of_work import now
from jobs.upkeep import forget
from tests.faults.conftest import Fragile, Theatre
from tests.people import Api, Person

pytestmark = pytest.mark.serial

TITLES = "query ($id: ID!) { workspace(by: {id: $id}) { tasks(first: 100) { nodes { id title version } } } }"
SHOWN = "task { id title version }"


async def titles(person: Person, workspace_id: str) -> list[str]:
    found = await person.ask(TITLES, id=workspace_id)
    return sorted(one["title"] for one in found["workspace"]["tasks"]["nodes"])


async def told(person: Person, workspace_id: str, after: str, key: str) -> int:
    """How many events say that they come from this key."""
    found = await person.ask(
        "query ($id: ID!, $after: EventCursor!) { workspaceEvents(workspaceId: $id, after: $after) {"
        " events { clientMutationId } } }",
        id=workspace_id,
        after=after,
    )
    return sum(one["clientMutationId"] == key for one in found["workspaceEvents"]["events"])


def new(workspace_id: str, title: str) -> dict[str, Any]:
    return {"workspaceId": workspace_id, "title": title, "clientMutationId": str(uuid4())}


async def test_a_process_dies_between_the_commit_and_the_answer(
    theatre: Theatre, stage: Api, http: httpx.AsyncClient
) -> None:
    person = await stage.sign_up()
    workspace_id = await person.create_workspace()
    elsewhere = person.on(Api(theatre.servers[1].url, http))
    for number in range(3):
        before = await elsewhere.cursor(workspace_id)
        asked = new(workspace_id, f"Number {number}")
        theatre.servers[0].signal(signal.SIGUSR1)
        # Two at once: one dies with the process after its commit, or both do; neither is answered.
        cut = await asyncio.gather(*(person.do("createTask", asked, SHOWN) for _ in range(2)), return_exceptions=True)
        assert all(isinstance(one, httpx.TransportError) for one in cut), cut
        assert await asyncio.to_thread(theatre.servers[0].wait) == 137

        again = await elsewhere.do("createTask", asked, SHOWN)
        assert (again["replayed"], again["task"]["title"], again["task"]["version"]) == (True, f"Number {number}", 1)
        assert await elsewhere.refused("createTask", {**asked, "title": "Another"}) == (
            "IDEMPOTENCY_MISMATCH",
            ["input", "clientMutationId"],
        )
        await asyncio.to_thread(theatre.servers[0].start)
        assert await person.do("createTask", asked, SHOWN) == again
        assert await told(person, workspace_id, before, asked["clientMutationId"]) == 1
    assert await titles(person, workspace_id) == ["Number 0", "Number 1", "Number 2"]


async def test_a_process_dies_before_the_commit_and_the_repeat_is_the_first(
    theatre: Theatre, stage: Api, http: httpx.AsyncClient, truth: Database
) -> None:
    person = await stage.sign_up()
    workspace_id = await person.create_workspace()
    task_id = await person.create_task(workspace_id, "Before")
    elsewhere = person.on(Api(theatre.servers[1].url, http))
    asked = {"id": task_id, "title": "After", "clientMutationId": str(uuid4())}
    async with truth.transaction() as connection:
        await connection.execute(text("SELECT 1 FROM tasks WHERE id = :id FOR UPDATE"), {"id": UUID(task_id[5:])})
        sent = asyncio.create_task(person.do("updateTask", asked, SHOWN))
        async with asyncio.timeout(10):
            while not (await connection.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1"))).first():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.to_thread(theatre.servers[0].kill)
    with pytest.raises(httpx.TransportError):
        await sent
    first = await elsewhere.do("updateTask", asked, SHOWN)
    await asyncio.to_thread(theatre.servers[0].start)
    again = await person.do("updateTask", asked, SHOWN)
    assert (first["task"]["title"], first["task"]["version"]) == ("After", 2)
    assert {**again, "replayed": first["replayed"]} == first
    assert again["replayed"]


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_postgresql_starts_again_and_still_knows_every_key(
    theatre: Theatre, stage: Api, fragile: Fragile, how: str
) -> None:
    person = await stage.sign_up()
    workspace_id = await person.create_workspace()
    asked = new(workspace_id, "Once")
    first = await person.do("createTask", asked, SHOWN)
    await asyncio.to_thread(getattr(fragile.stack.postgres, how))
    await asyncio.to_thread(fragile.stack.postgres.start)
    async with asyncio.timeout(20):
        while (await stage.http.get(f"{stage.url}/readyz")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    again = await person.do("createTask", asked, SHOWN)
    assert again == {**first, "replayed": True}
    assert await titles(person, workspace_id) == ["Once"]


async def test_keys_are_kept_for_72_hours(stage: Api, truth: Database) -> None:
    person = await stage.sign_up()
    workspace_id = await person.create_workspace()
    asked = new(workspace_id, "Again")
    await person.do("createTask", asked, SHOWN)
    kept = retention.IDEMPOTENCY_KEPT
    assert kept == timedelta(hours=72)
    await forget(truth, now() + kept - timedelta(minutes=5))
    assert (await person.do("createTask", asked, SHOWN))["replayed"]
    await forget(truth, now() + kept + timedelta(minutes=5))
    assert not (await person.do("createTask", asked, SHOWN))["replayed"]
    assert await titles(person, workspace_id) == ["Again", "Again"]
