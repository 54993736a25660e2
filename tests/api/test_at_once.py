"""Several people change and move the same tasks at once, on both processes: one order, and everybody sees it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from math import inf
from random import Random
from time import monotonic
from typing import Any

import pytest

from tests.api.linearizable import Operation, is_linearizable
from tests.api.views import FOLLOW, View
from tests.api.world import World, make_world
from tests.people import Api, Person

READ = "query ($id: ID!) { node(id: $id) { ... on Task { title priority version } } }"


def write(began: float, ended: float, value: object) -> Operation:
    return Operation(began, ended, True, value)


def read(began: float, ended: float, value: object) -> Operation:
    return Operation(began, ended, False, value)


GOOD = {
    "one after another": [write(0, 1, "a"), read(2, 3, "a"), write(4, 5, "b"), read(6, 7, "b")],
    "a read at the same time may see either": [write(0, 9, "a"), read(1, 2, "-"), read(3, 4, "a")],
    "two writes at once, in either order": [write(0, 5, "a"), write(0, 5, "b"), read(6, 7, "a"), read(8, 9, "a")],
    "what was never answered may have happened late": [write(0, inf, "a"), read(1, 2, "-"), read(3, 4, "a")],
    "what was never answered may not have happened": [write(0, inf, "a"), read(1, 2, "-"), read(3, 4, "-")],
}
BAD = {
    "a lost write": [write(0, 1, "a"), read(2, 3, "-")],
    "a stale read": [write(0, 1, "a"), write(2, 3, "b"), read(4, 5, "a")],
    "back in time": [write(0, 9, "a"), read(1, 2, "a"), read(3, 4, "-")],
    "a value nobody wrote": [write(0, 1, "a"), read(2, 3, "c")],
    "two readers who disagree about two writes": [
        write(0, 1, "a"),
        write(0, 1, "b"),
        read(2, 3, "a"),
        read(4, 5, "b"),
    ],
    "a write seen before it was asked": [read(0, 1, "a"), write(2, 3, "a")],
    "what was never answered, undone": [write(0, inf, "a"), read(1, 2, "a"), read(3, 4, "-")],
}


@pytest.mark.parametrize("name", GOOD)
def test_the_checker_takes_what_can_be_explained(name: str) -> None:
    assert is_linearizable(GOOD[name], "-")


@pytest.mark.parametrize("name", BAD)
def test_the_checker_finds_what_cannot_be(name: str) -> None:
    assert not is_linearizable(BAD[name], "-")


@pytest.fixture
async def world(api: Api) -> World:
    return await make_world(api)


async def test_updates_at_once_are_linearizable_field_by_field(world: World, other_api: Api) -> None:
    for seed in range(3):
        task_id = await world.task("Begun", projectId=world.web, priority="NONE")
        fields: dict[str, list[Operation]] = {"title": [], "priority": []}

        async def somebody(
            person: Person, number: int, seed: int = seed, task_id: str = task_id, fields: Any = fields
        ) -> None:
            chance = Random(f"{seed} {number}")
            for step in range(8):
                began = monotonic()
                field = chance.choice(["title", "priority"])
                if chance.random() < 0.5:
                    values = [f"{number}.{step}"] if field == "title" else ["LOW", "HIGH", "URGENT"]
                    value = chance.choice(values)
                    payload = await person.do("updateTask", {"id": task_id, field: value}, "task { title priority }")
                    fields[field].append(Operation(began, monotonic(), True, value))
                    told = payload["task"]
                else:
                    told = (await person.ask(READ, id=task_id))["node"]
                for name, history in fields.items():
                    history.append(Operation(began, monotonic(), False, told[name]))

        people = [world.owner, world.admin, world.member, world.guest]
        await asyncio.gather(
            *(somebody(one if number % 2 else one.on(other_api), number) for number, one in enumerate(people))
        )
        for field, initial in (("title", "Begun"), ("priority", "NONE")):
            assert is_linearizable(fields[field], initial), (seed, field, fields[field])


async def test_moves_of_neighbours_at_once_end_in_one_order_for_all(world: World, other_api: Api) -> None:
    columns = [world.statuses["TODO"], world.statuses["IN_PROGRESS"]]
    cards = [await world.task(f"Card {number}", projectId=world.web, statusId=columns[0]) for number in range(6)]
    people = [world.owner, world.admin, world.member, world.guest]
    async with AsyncExitStack() as sockets:
        replicas = []
        for number, person in enumerate(people):
            on = person if number % 2 else person.on(other_api)
            view = await View.read(on, world.id)
            socket = await sockets.enter_async_context(on.socket())
            stream = await socket.subscribe(FOLLOW, workspaceId=world.id, after=view.cursor)
            replicas.append((person, view, stream))

        async def somebody(person: Person, number: int) -> None:
            chance = Random(number)
            for _ in range(8):
                card, anchor = chance.sample(cards[:4], 2)
                place: dict[str, Any] = chance.choice(
                    [{"before": anchor}, {"after": anchor}, {"edge": "FIRST"}, {"edge": "LAST"}]
                )
                asked = {"id": card, "statusId": chance.choice(columns), "position": place}
                payload = await person.try_("moveTask", asked)
                assert {one["code"] for one in payload["userErrors"]} <= {"INVALID"}  # the anchor went elsewhere

        await asyncio.gather(
            *(somebody(one if number % 2 else one.on(other_api), number) for number, one in enumerate(people * 2))
        )
        end = await world.owner.cursor(world.id)
        boards = []
        for person, view, stream in replicas:
            await stream.reaches(end)
            for event in stream.events:
                view.apply(event)
            fresh = await View.read(person, world.id)
            assert view.differences(fresh) == []
            boards.append(_board(view, cards))
        assert all(board == boards[0] for board in boards)
        placed = [card for column in boards[0].values() for card in column]
        assert sorted(placed) == sorted(cards)


def _board(view: View, cards: list[str]) -> dict[str, list[str]]:
    """status -> its cards in their order."""
    found: dict[str, list[str]] = {}
    tasks = [one for one in view.of_kind("Task") if one["id"] in cards]
    for task in sorted(tasks, key=lambda one: (one["rank"], one["id"])):
        found.setdefault(task["status"]["id"], []).append(task["id"])
    return found
