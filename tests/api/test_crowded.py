"""Many people on one thing, and much in one place: nobody else waits for it, and a move writes one row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.api.world import World, make_world
from tests.people import Api
from tests.stack_fixture import TestStack

CROWD = 60
"""More than a process has connections to PostgreSQL."""


@pytest.fixture
async def world(api: Api) -> World:
    return await make_world(api)


@pytest.fixture
async def database(stack: TestStack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.database_url.replace("+asyncpg", "", 1))
    yield connection
    await connection.close()


async def one_waits_for_a_lock(database: Any) -> None:
    while not await database.fetch("SELECT FROM pg_locks WHERE NOT granted"):
        await database.execute("SELECT pg_sleep(0.01)")


async def test_a_crowd_on_one_task_leaves_connections_for_everybody_else(world: World, database: Any) -> None:
    crowded, quiet = await world.task("Everybody's"), await world.task("Mine")
    async with asyncio.TaskGroup() as people, database.transaction():
        # Somebody is changing it and takes their time.
        await database.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", UUID(crowded[-36:]))
        crowd = [
            people.create_task(world.owner.do("updateTask", {"id": crowded, "title": f"By {number}"}))
            for number in range(CROWD)
        ]
        async with asyncio.timeout(30):
            await one_waits_for_a_lock(database)
        async with asyncio.timeout(30):  # who gets no connection is refused after 1.5 s
            await world.member.do("updateTask", {"id": quiet, "title": "Ours"}, "task { title }")
        assert not any(one.done() for one in crowd)
    found = await world.owner.ask("query ($id: ID!) { node(id: $id) { ... on Task { version } } }", id=crowded)
    assert found["node"]["version"] == 1 + CROWD


async def test_a_move_writes_its_own_row_alone_however_long_the_column(world: World, database: Any) -> None:
    cards = [await world.task(f"Card {number}") for number in range(30)]
    rows = "SELECT id, xmin::text AS written_by FROM tasks WHERE workspace_id = $1"

    async def written() -> dict[str, str]:
        return {f"task_{row['id']}": row["written_by"] for row in await database.fetch(rows, UUID(world.id[-36:]))}

    for moving, position in (
        (cards[20], {"before": cards[3]}),
        (cards[0], {"after": cards[29]}),
        (cards[7], {"edge": "FIRST"}),
        (cards[7], {"edge": "LAST"}),
    ):
        before = await written()
        await world.owner.do("moveTask", {"id": moving, "position": position})
        after = await written()
        assert {one for one in after if after[one] != before[one]} == {moving}
