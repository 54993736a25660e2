"""The keys of projects that nobody chose."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.world import World, make_world
from tests.people import Api


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def key_of(world: World, name: str, **more: str | None) -> str:
    asked = {"workspaceId": world.id, "name": name, **more}
    key: str = (await world.member.do("createProject", asked, "project { key }"))["project"]["key"]
    return key


async def test_a_key_that_nobody_chose_reads_like_the_name_and_is_free(world: World) -> None:
    assert await key_of(world, "Über 9 Dinge") == "UBER"
    assert await key_of(world, "Übersetzung", key=None) == "UBER2"
    assert await key_of(world, "日本") == "TASK"
    assert await key_of(world, "Chosen", key="UBER3") == "UBER3"
    assert await key_of(world, "über") == "UBER4"


async def test_projects_made_at_once_get_different_keys(world: World) -> None:
    keys = await asyncio.gather(*[key_of(world, "Race") for _ in range(8)])
    assert sorted(keys) == ["RACE", *[f"RACE{number}" for number in range(2, 9)]]


async def test_a_key_that_was_chosen_is_not_changed_in_silence(world: World) -> None:
    await key_of(world, "Mine", key="MINE")
    asked = {"workspaceId": world.id, "name": "Mine too", "key": "MINE"}
    assert await world.member.refused("createProject", asked) == ("ALREADY_EXISTS", ["input", "key"])
    assert await world.member.refused("createProject", {**asked, "key": ""}) == ("REQUIRED", ["input", "key"])
