"""Undo over the API: what a change made is taken back, and nothing else; what moved on is told, and nothing written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.world import World, ghost, make_world
from tests.people import Api, Person

TASK = "title description priority key project { id } status { id } parent { id } assignees { id } labels { id }"
SHOWN = f"tasks {{ id version {TASK} }} entities {{ id }}"


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def undo(person: Person, change_set: str, shown: str = SHOWN) -> dict[str, Any]:
    return await person.do("revertChanges", {"target": {"changeSetId": change_set}}, shown)


async def refused(person: Person, change_set: str, shown: str = SHOWN) -> dict[str, Any]:
    payload = await person.try_("revertChanges", {"target": {"changeSetId": change_set}}, shown)
    assert payload["userErrors"]
    assert payload["changeSetId"] is None
    return payload


async def see(person: Person, task: str) -> dict[str, Any]:
    found: dict[str, Any] = (
        await person.ask(f"query ($id: ID!) {{ node(id: $id) {{ ... on Task {{ {TASK} }} }} }}", id=task)
    )["node"]
    return found


async def test_a_change_is_undone_and_done_again(world: World) -> None:
    task = await world.task(projectId=world.web, labelIds=[world.bug], assigneeIds=[world.member.id])
    before = await see(world.owner, task)
    asked = {"title": "Other", "priority": "LOW", "parentId": world.web_task, "removeLabelIds": [world.bug]}
    await world.owner.do("updateTask", {"id": task, **asked, "addAssigneeIds": [world.guest.id]})
    after = await see(world.owner, task)
    change = await world.change(task)
    undone = await world.member.do("revertChanges", {"target": {"changeId": change}}, SHOWN)
    assert undone["tasks"] == [{"id": task, "version": 3, **before}]
    assert undone["entities"] == [{"id": task}]
    redone = await undo(world.guest, undone["changeSetId"])
    assert redone["tasks"] == [{"id": task, "version": 4, **after}]
    assert (await undo(world.owner, undone["changeSetId"]))["changeSetId"] is None


async def test_a_move_is_undone_with_its_place_and_key(world: World) -> None:
    task = await world.task(projectId=world.web, assigneeIds=[world.guest.id, world.member.id])
    before = await see(world.owner, task)
    position = {"projectId": world.ops, "statusId": world.statuses["DONE"], "position": {"edge": "FIRST"}}
    moved = await world.owner.do("moveTask", {"id": task, **position})
    undone = await undo(world.member, moved["changeSetId"])
    people = {one["id"] for one in undone["tasks"][0].pop("assignees")}
    assert people == {one["id"] for one in before.pop("assignees")}
    assert undone["tasks"] == [{"id": task, "version": 3, **before}]


async def test_what_others_did_since_stays(world: World) -> None:
    text = "One line here.\n\nAnother line there.\n"
    task = await world.task(description=text, labelIds=[world.bug])
    asked = {"id": task, "description": text.replace("One", "A first"), "addLabelIds": [world.label], "title": "Mine"}
    changed = await world.owner.do("updateTask", asked)
    theirs = {"description": asked["description"].replace("there", "elsewhere"), "removeLabelIds": [world.bug]}
    await world.member.do("updateTask", {"id": task, **theirs, "priority": "HIGH"})
    (found,) = (await undo(world.owner, changed["changeSetId"]))["tasks"]
    assert found["description"] == text.replace("there", "elsewhere")
    assert (found["labels"], found["priority"], found["title"]) == ([], "HIGH", "Do it")


async def test_what_moved_on_is_a_conflict_and_nothing_is_written(world: World) -> None:
    task = await world.task("First")
    changed = await world.owner.do("updateTask", {"id": task, "title": "Second", "priority": "LOW"})
    await world.member.do("updateTask", {"id": task, "title": "Third"})
    before = await world.owner.cursor(world.id)
    payload = await refused(world.owner, changed["changeSetId"])
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"], error["currentVersion"]) == (
        "CONFLICT",
        ["input", "target", "changeSetId"],
        3,
    )
    (conflict,) = error["conflicts"]
    values = (conflict["field"], conflict["base"], conflict["yours"], conflict["theirs"])
    assert values == ("TITLE", "Second", "First", "Third")
    assert conflict["changedBy"] == {"id": world.member.id}
    assert (payload["tasks"][0]["title"], payload["tasks"][0]["priority"]) == ("Third", "LOW")
    assert await world.owner.cursor(world.id) == before


async def test_deleted_things_come_back_and_go_again(world: World) -> None:
    task = await world.task("Kept")
    comment = await world.comment(task, "Said")
    gone = await world.owner.do("deleteComment", {"id": comment})
    back = await undo(world.admin, gone["changeSetId"], "entities { id ... on Comment { body } } tasks { id }")
    assert (back["entities"], back["tasks"]) == ([{"id": comment, "body": "Said"}], [])
    again = await undo(world.owner, back["changeSetId"])
    assert again["entities"] == []
    gone = await world.owner.do("deleteTask", {"id": task})
    back = await undo(world.member, gone["changeSetId"])
    assert back["tasks"][0]["title"] == "Kept"
    assert (await undo(world.member, back["changeSetId"]))["tasks"] == []
    await world.owner.do("restoreTask", {"id": task})


async def test_a_deleted_things_other_changes_are_not_there(world: World) -> None:
    task = await world.task()
    changed = await world.owner.do("updateTask", {"id": task, "title": "Other"})
    await world.owner.do("deleteTask", {"id": task})
    (error,) = (await refused(world.owner, changed["changeSetId"]))["userErrors"]
    assert error["code"] == "NOT_FOUND"


@pytest.mark.parametrize("kind", ["Project", "Status", "Label", "Workspace"])
async def test_every_kind_is_undone(world: World, kind: str) -> None:
    make = {
        "Project": lambda: world.project("Before"),
        "Status": lambda: world.add_status(name="Before"),
        "Label": lambda: world.add_label(name="Before"),
        "Workspace": lambda: world.owner.create_workspace("Before"),
    }
    thing = await make[kind]()
    changed = await world.owner.do(f"update{kind}", {"id": thing, "name": "After"})
    shown = f"entities {{ id ... on {kind} {{ version name }} }}"
    undone = await undo(world.owner, changed["changeSetId"], shown)
    assert undone["entities"] == [{"id": thing, "version": 3, "name": "Before"}]
    await world.owner.do(f"update{kind}", {"id": thing, "name": "Later"})
    payload = await refused(world.owner, changed["changeSetId"], shown)
    assert [one["conflicts"][0]["theirs"] for one in payload["userErrors"]] == ["Later"]
    assert payload["entities"] == [{"id": thing, "version": 4, "name": "Later"}]


async def test_a_name_that_was_taken_since_is_told(world: World) -> None:
    label = await world.add_label(name="Free")
    changed = await world.owner.do("updateLabel", {"id": label, "name": "Not free"})
    await world.add_label(name="Free")
    (error,) = (await refused(world.owner, changed["changeSetId"]))["userErrors"]
    assert (error["code"], error["path"]) == ("ALREADY_EXISTS", ["input", "target", "changeSetId"])


async def test_who_became_a_guest_has_their_role_and_tasks_again(world: World) -> None:
    person = await world.bring_in()
    membership = world.membership(person)
    task = await world.task(projectId=world.web, assigneeIds=[person.id])
    changed = await world.owner.do("updateMemberRole", {"id": membership, "role": "GUEST"})
    assert (await see(world.owner, task))["assignees"] == []
    shown = "entities { id ... on Membership { role } ... on Task { assignees { id } } }"
    undone = await undo(world.admin, changed["changeSetId"], shown)
    assert undone["entities"] == [
        {"id": membership, "role": "MEMBER"},
        {"id": task, "assignees": [{"id": person.id}]},
    ]


async def test_who_was_a_guest_sees_their_projects_again(world: World) -> None:
    person = await world.bring_in("GUEST", projectIds=[world.web])
    changed = await world.owner.do("updateMemberRole", {"id": world.membership(person), "role": "MEMBER"})
    await undo(world.owner, changed["changeSetId"])
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await person.ask(query, ids=[world.web, world.ops]))["nodes"] == [{"id": world.web}, None]
    removed = await world.member.do(
        "removeProjectGuest", {"projectId": world.web, "membershipId": world.membership(person)}
    )
    await undo(world.member, removed["changeSetId"])
    assert (await person.ask(query, ids=[world.web, world.ops]))["nodes"] == [{"id": world.web}, None]


async def test_what_is_gone_for_good_is_not_brought_back(world: World) -> None:
    label, status, project = await world.add_label(), await world.add_status(), await world.project()
    await world.task(labelIds=[label], statusId=status, projectId=project)
    gone = [
        await world.owner.do("deleteLabel", {"id": label}),
        await world.owner.do("deleteStatus", {"id": status, "moveTasksToStatusId": world.statuses["TODO"]}),
        await world.owner.do("deleteProject", {"id": project}),
    ]
    for payload in gone:
        (error,) = (await refused(world.owner, payload["changeSetId"]))["userErrors"]
        assert (error["code"], error["path"]) == ("INVALID", ["input", "target", "changeSetId"])


async def test_a_guest_puts_nothing_where_they_do_not_see_it(world: World) -> None:
    task = await world.task(projectId=world.web, parentId=world.ops_task)
    changed = await world.owner.do("updateTask", {"id": task, "parentId": world.web_task})
    (error,) = (await refused(world.guest, changed["changeSetId"]))["userErrors"]
    assert error["code"] == "INVALID"
    assert world.ops_task not in str(error)
    await world.owner.do("updateTask", {"id": task, "parentId": None})
    (error,) = (await refused(world.guest, changed["changeSetId"]))["userErrors"]
    (conflict,) = error["conflicts"]
    assert (conflict["base"], conflict["yours"], conflict["theirs"]) == (world.web_task, None, None)


async def test_what_was_only_made_has_nothing_to_undo(world: World) -> None:
    made = await world.owner.do("createTask", {"workspaceId": world.id, "title": "New"})
    for change_set in (made["changeSetId"], ghost("changeset")):
        (error,) = (await refused(world.owner, change_set))["userErrors"]
        assert (error["code"], error["id"]) == ("NOT_FOUND", change_set)
