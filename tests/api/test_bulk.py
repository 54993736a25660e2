"""Many tasks at once: all or nothing, every refusal at its item, one batch of events, undone as one."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.views import POLL
from tests.api.world import World, ghost, make_world
from tests.people import Api

SHOWN = "tasks { id version title priority description }"


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def test_a_hundred_change_in_one_batch_and_are_undone_as_one(world: World) -> None:
    ids = [await world.task(f"Task {number}", projectId=world.web) for number in range(100)]
    start = await world.owner.cursor(world.id)
    updates = [{"id": one, "priority": "HIGH", "addLabelIds": [world.bug]} for one in reversed(ids)]
    payload = await world.guest.do("bulkUpdateTasks", {"updates": updates}, SHOWN)
    assert [one["id"] for one in payload["tasks"]] == ids[::-1]
    assert {(one["version"], one["priority"]) for one in payload["tasks"]} == {(2, "HIGH")}
    batch = (await world.owner.ask(POLL, workspaceId=world.id, after=start, first=1))["workspaceEvents"]
    assert (len(batch["events"]), batch["cursor"]) == (100, payload["eventCursor"])
    undone = {"target": {"changeSetId": payload["changeSetId"]}}
    back = await world.member.do("revertChanges", undone, SHOWN)
    assert {(one["version"], one["priority"]) for one in back["tasks"]} == {(3, "NONE")}
    assert len(back["tasks"]) == 100

    more = {"updates": [*updates, {"id": world.web_task}]}
    assert await world.owner.refused("bulkUpdateTasks", more) == ("TOO_LONG", ["input", "updates"])


async def test_each_is_merged_with_its_own_base_or_clashes_at_its_place(world: World) -> None:
    text = "One line here.\n\nAnother line there.\n"
    ids = [await world.task(f"Task {number}", description=text) for number in range(3)]
    theirs = text.replace("One", "A first")
    await world.member.do("bulkUpdateTasks", {"updates": [{"id": one, "description": theirs} for one in ids]})
    mine: list[dict[str, Any]] = [
        {"id": one, "baseVersion": 1, "description": text.replace("there", "elsewhere")} for one in ids
    ]
    clash = [mine[0], {**mine[1], "description": text.replace("One", "The")}, {**mine[2], "onConflict": "REJECT"}]
    refused = await world.owner.try_("bulkUpdateTasks", {"updates": clash}, SHOWN)
    assert [(one["code"], one["path"]) for one in refused["userErrors"]] == [
        ("CONFLICT", ["input", "updates", "1", "baseVersion"]),
        ("CONFLICT", ["input", "updates", "2", "baseVersion"]),
    ]
    assert [(one["id"], one["description"]) for one in refused["tasks"]] == [(one, theirs) for one in ids]
    payload = await world.owner.do("bulkUpdateTasks", {"updates": mine}, SHOWN)
    both = theirs.replace("there", "elsewhere")
    assert [(one["version"], one["description"]) for one in payload["tasks"]] == [(3, both)] * 3


async def test_every_wrong_item_is_told_and_nothing_written(world: World) -> None:
    good, bad, gone = await world.task("Good"), await world.task("Bad"), ghost("task")
    before = await world.owner.cursor(world.id)
    for updates, expected in (
        ([{"id": good, "title": "New"}, {"id": bad, "title": ""}], [("REQUIRED", "1", "title")]),
        ([{"id": good, "title": "New"}, {"id": gone, "title": "New"}], [("NOT_FOUND", "1", "id")]),
        ([{"id": good, "title": "New"}, {"id": good, "title": "Newer"}], [("INVALID", "1", "id")]),
        ([{"id": good, "clientMutationId": str(uuid4())}], [("INVALID", "0", "clientMutationId")]),
        (
            [
                {"id": good, "startDate": "2026-02-02", "dueDate": "2026-01-01"},
                {"id": bad, "baseVersion": 7, "title": "x"},
            ],
            [("INVALID", "0", "dueDate"), ("INVALID", "1", "baseVersion")],
        ),
        (
            [{"id": good, "parentId": bad}, {"id": bad, "parentId": good}],
            [("CYCLE", "0", "parentId"), ("CYCLE", "1", "parentId")],
        ),
        (
            [{"id": "no id"}, {"id": good, "addAssigneeIds": [gone]}],
            [("NOT_FOUND", "0", "id"), ("NOT_FOUND", "1", "addAssigneeIds")],
        ),
    ):
        errors = (await world.owner.try_("bulkUpdateTasks", {"updates": updates}))["userErrors"]
        told = [(one["code"], one["path"]) for one in errors]
        assert told == [(code, ["input", "updates", *rest]) for code, *rest in expected]
    assert await world.owner.cursor(world.id) == before


async def test_tasks_of_several_workspaces_are_refused(world: World) -> None:
    elsewhere = await world.owner.create_workspace("Elsewhere")
    there = await world.owner.create_task(elsewhere)
    updates = [{"id": world.web_task, "title": "New"}, {"id": there, "title": "New"}]
    refusal = await world.owner.refused("bulkUpdateTasks", {"updates": updates})
    assert refusal == ("INVALID", ["input", "updates", "1", "id"])
    refusal = await world.member.refused("bulkUpdateTasks", {"updates": updates})
    assert refusal == ("NOT_FOUND", ["input", "updates", "1", "id"])


async def test_a_branch_is_rehung_at_once(world: World) -> None:
    """Judged on what comes of it: a parent and its child change places."""
    top, below = await world.task("Top"), await world.task("Below")
    await world.owner.do("updateTask", {"id": below, "parentId": top})
    updates = [{"id": top, "parentId": below}, {"id": below, "parentId": None}]
    payload = await world.owner.do("bulkUpdateTasks", {"updates": updates}, "tasks { id parent { id } }")
    assert payload["tasks"] == [{"id": top, "parent": {"id": below}}, {"id": below, "parent": None}]
