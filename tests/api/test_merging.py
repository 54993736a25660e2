"""Two people edit one object: their changes go together, or one is told what clashes; over the API, for every kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.api.world import World, make_world
from tests.people import Api

TEXT = "One line here.\n\nAnother line there.\n"


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def test_descriptions_merge_word_by_word(world: World) -> None:
    task = await world.task(description=TEXT)
    await world.member.do("updateTask", {"id": task, "description": TEXT.replace("One", "A first"), "priority": "LOW"})
    mine = {"id": task, "baseVersion": 1, "description": TEXT.replace("there", "elsewhere"), "estimate": 2}
    payload = await world.owner.do("updateTask", mine, "merged task { version description priority estimate }")
    assert payload["merged"] == ["DESCRIPTION"]
    both = "A first line here.\n\nAnother line elsewhere.\n"
    assert payload["task"] == {"version": 3, "description": both, "priority": "LOW", "estimate": 2}

    clash = {"id": task, "baseVersion": 1, "description": TEXT.replace("One", "The"), "title": "Not written"}
    refused = await world.owner.try_("updateTask", clash, "merged task { version title description }")
    (error,) = refused["userErrors"]
    assert (error["__typename"], error["code"], error["currentVersion"]) == ("ConflictError", "CONFLICT", 3)
    (conflict,) = error["conflicts"]
    assert (conflict["base"], conflict["yours"], conflict["theirs"]) == (TEXT, clash["description"], both)
    assert refused["task"] == {"version": 3, "title": "Do it", "description": both}
    assert refused["merged"] == []
    assert refused["changeSetId"] is None


async def test_dates_of_two_people_that_exclude_each_other_are_refused(world: World) -> None:
    task = await world.task(startDate="2026-03-01", dueDate="2026-03-10")
    await world.member.do("updateTask", {"id": task, "dueDate": "2026-03-05"})
    mine = {"id": task, "baseVersion": 1, "startDate": "2026-03-08", "dueDate": "2026-03-10"}
    assert await world.owner.refused("updateTask", mine) == ("INVALID", ["input", "dueDate"])


async def test_a_form_that_sends_everything_does_not_undo_what_it_did_not_touch(world: World) -> None:
    """Its other fields are as they were in the base, so they are no change."""
    form = {"title": "Do it", "priority": "NONE", "estimate": None, "description": ""}
    task = await world.task()
    await world.member.do("updateTask", {"id": task, "priority": "URGENT", "description": "Theirs", "estimate": 5})
    mine = {"id": task, "baseVersion": 1, **form, "title": "Mine"}
    payload = await world.owner.do("updateTask", mine, "merged task { title priority estimate description }")
    assert payload["task"] == {"title": "Mine", "priority": "URGENT", "estimate": 5, "description": "Theirs"}
    assert sorted(payload["merged"]) == ["DESCRIPTION", "ESTIMATE", "PRIORITY"]


Make = Callable[[World], Awaitable[str]]


async def _workspace(world: World) -> str:
    return await world.owner.create_workspace("Merged", description=TEXT)


KINDS: dict[str, tuple[Make, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "Project": (lambda world: world.project(), {"color": "#111111"}, {"name": "Mine"}, {"color": "#222222"}),
    "Status": (lambda world: world.add_status(), {"color": "#111111"}, {"category": "DONE"}, {"color": "#222222"}),
    "Label": (lambda world: world.add_label(), {"color": "#111111"}, {"name": "Mine"}, {"color": "#222222"}),
    "Workspace": (_workspace, {"name": "Theirs"}, {"key": "MINE"}, {"name": "Ours"}),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_merges_rejects_and_tells_what_clashes(world: World, kind: str) -> None:
    make, theirs, mine, clash = KINDS[kind]
    thing, update = await make(world), f"update{kind}"
    await world.owner.do(update, {"id": thing, **theirs})
    await world.owner.do(update, {"id": thing, "baseVersion": 1, **mine})
    shown = f"merged {kind.lower()} {{ version {next(iter(theirs))} {next(iter(mine))} }}"
    refused = await world.owner.try_(update, {"id": thing, "baseVersion": 1, **clash}, shown)
    assert [one["field"] for one in refused["userErrors"][0]["conflicts"]] == [next(iter(theirs)).upper()]
    assert refused[kind.lower()] == {"version": 3, **theirs, **mine}
    rejected = {"id": thing, "baseVersion": 2, "onConflict": "REJECT", **theirs}
    assert (await world.owner.refused(update, rejected))[0] == "CONFLICT"
    same = {"id": thing, "baseVersion": 1, **theirs}
    assert (await world.owner.do(update, same, shown))["merged"] == []


@pytest.mark.parametrize("kind", ["Project", "Workspace"])
async def test_descriptions_of_projects_and_workspaces_merge_too(world: World, kind: str) -> None:
    thing = await (_workspace(world) if kind == "Workspace" else world.project(description=TEXT))
    update = f"update{kind}"
    await world.owner.do(update, {"id": thing, "description": TEXT.replace("One", "A first")})
    mine = {"id": thing, "baseVersion": 1, "description": TEXT.replace("there", "elsewhere")}
    payload = await world.owner.do(update, mine, f"merged {kind.lower()} {{ description }}")
    assert payload["merged"] == ["DESCRIPTION"]
    assert payload[kind.lower()]["description"] == "A first line here.\n\nAnother line elsewhere.\n"


async def test_texts_of_comments_merge_while_they_are_short_enough_and_have_their_history(world: World) -> None:
    made = {"taskId": world.web_task, "body": TEXT}
    comment = (await world.guest.do("createComment", made, "comment { id }"))["comment"]["id"]
    await world.guest.do("updateComment", {"id": comment, "body": TEXT.replace("One", "A first")})
    mine = {"id": comment, "baseVersion": 1, "body": TEXT.replace("there", "elsewhere")}
    payload = await world.guest.do("updateComment", mine, "merged comment { version body }")
    both = "A first line here.\n\nAnother line elsewhere.\n".strip()
    assert payload["merged"] == ["BODY"]
    assert payload["comment"]["version"] == 3
    assert payload["comment"]["body"].strip() == both
    query = (
        "query ($id: ID!) { node(id: $id) { ... on Comment { history {"
        " nodes { id version entityId changes { field before after } } } } } }"
    )
    found = (await world.viewer.ask(query, id=comment))["node"]["history"]["nodes"]
    assert [(one["version"], one["entityId"]) for one in found] == [(3, comment), (2, comment)]
    assert found[0]["changes"][0]["before"] == found[1]["changes"][0]["after"]
    one = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await world.guest.ask(one, id=found[0]["id"]))["node"] == {"id": found[0]["id"]}
    assert (await world.other_guest.ask(one, id=found[0]["id"]))["node"] is None

    body = payload["comment"]["body"]
    await world.guest.do("updateComment", {"id": comment, "body": "x " * 7_000 + body})
    asked = {"id": comment, "baseVersion": 3, "body": body + " y" * 7_000}
    assert (await world.guest.refused("updateComment", asked))[0] == "CONFLICT"


async def test_roles_clash_too(world: World) -> None:
    person = await world.bring_in()
    membership = world.membership(person)
    await world.owner.do("updateMemberRole", {"id": membership, "role": "ADMIN"})
    for policy in ("MERGE", "REJECT"):
        asked = {"id": membership, "role": "VIEWER", "baseVersion": 1, "onConflict": policy}
        (error,) = (await world.owner.try_("updateMemberRole", asked))["userErrors"]
        (conflict,) = error["conflicts"]
        assert (conflict["base"], conflict["yours"], conflict["theirs"]) == ("MEMBER", "VIEWER", "ADMIN")
