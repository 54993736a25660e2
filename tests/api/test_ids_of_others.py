"""Ids inside an input that lead where one may not see: of another workspace, or of a guest's hidden surroundings.

Each answers in every letter as an id that leads to nothing, and nothing is written. The list of places comes from the
schema: a new one without a case, here or among the rows of `rights_cases`, fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.asking import as_ghosts, document, id_inputs, renamed
from tests.api.views import View
from tests.api.world import World, make_world
from tests.people import Api, Person

MINTED = {
    "createComment.id",
    "createTask.id",
    "createProject.id",
    "createLabel.id",
    "createStatus.id",
    "createWorkspace.id",
}
"""Made by clients. That one is taken is told whoever took it: ids are random."""

OBJECTS = {
    f"{mutation}.{path}"
    for mutation, paths in {
        "signOut": ("sessionId",),
        "updateWorkspace": ("id",),
        "deleteWorkspace": ("id",),
        "leaveWorkspace": ("id",),
        "transferWorkspace": ("id",),
        "createInvite": ("workspaceId",),
        "revokeInvite": ("id",),
        "updateMemberRole": ("id",),
        "removeMember": ("id",),
        "addProjectGuest": ("projectId",),
        "removeProjectGuest": ("projectId",),
        "createProject": ("workspaceId",),
        "updateProject": ("id",),
        "deleteProject": ("id",),
        "createStatus": ("workspaceId",),
        "updateStatus": ("id",),
        "deleteStatus": ("id",),
        "createLabel": ("workspaceId",),
        "updateLabel": ("id",),
        "deleteLabel": ("id",),
        "createApiToken": ("workspaceId",),
        "updateApiToken": ("id",),
        "revokeApiToken": ("id",),
        "createTask": ("workspaceId",),
        "updateTask": ("id",),
        "bulkUpdateTasks": ("updates.id",),
        "moveTask": ("id",),
        "archiveTask": ("id",),
        "restoreTask": ("id",),
        "deleteTask": ("id",),
        "createComment": ("taskId",),
        "updateComment": ("id",),
        "deleteComment": ("id",),
        "addReaction": ("subjectId",),
        "removeReaction": ("subjectId",),
        "updateTaskSubscription": ("taskId",),
        "updatePresence": ("workspaceId",),
        "updateNotificationRule": ("scopeId",),
        "updateNotificationSettings": ("workspaceId",),
        "createWebhook": ("workspaceId",),
        "updateWebhook": ("id",),
        "rotateWebhookSecret": ("id",),
        "replayWebhook": ("id",),
        "testWebhook": ("id",),
        "deleteWebhook": ("id",),
    }.items()
    for path in paths
}
"""What the rows of `rights_cases` ask for."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another workspace's things."""

    owner: Person
    project: str
    task: str
    loose_task: str
    status: str
    label: str
    membership: str
    comment: str
    notification: str
    change: str
    change_set: str


@dataclass(frozen=True, slots=True)
class Place:
    """`path` of an input holds an id that `person` may not see; the code is the refusal's, None: it does nothing."""

    person: Person
    mutation: str
    path: str
    input: dict[str, Any]
    foreign_id: str
    code: str | None = "NOT_FOUND"

    @property
    def name(self) -> str:
        return f"{self.mutation}.{self.path}"


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


@pytest.fixture(scope="module")
async def foreign(world: World) -> Foreign:
    stan = world.stranger
    there = await stan.create_workspace("Elsewhere")
    project, label, statuses, membership = await asyncio.gather(
        stan.create_project(there),
        stan.do("createLabel", {"workspaceId": there, "name": "idea"}, "label { id }"),
        stan.statuses(there),
        stan.membership_id(there),
    )
    task = await stan.create_task(there, projectId=project)
    changed = await stan.do("updateTask", {"id": task, "title": "Other"})
    history = "query ($id: ID!) { node(id: $id) { ... on Task { history { nodes { id } } } } }"
    change = (await stan.ask(history, id=task))["node"]["history"]["nodes"][0]["id"]
    return Foreign(
        owner=stan,
        project=project,
        task=task,
        loose_task=await stan.create_task(there),
        status=statuses["TODO"],
        label=label["label"]["id"],
        membership=membership,
        comment=await stan.comment(task),
        notification=(await world.member.notification_ids())[0],
        change=change,
        change_set=changed["changeSetId"],
    )


def places(world: World, foreign: Foreign) -> list[Place]:
    """Every place of an input that names something else than the object itself."""
    mia, gus, olga = world.member, world.guest, world.owner
    found: list[Place] = []

    def add(person: Person, mutation: str, path: str, given: dict[str, Any], ids: list[str], code: str | None) -> None:
        for one in ids:
            value: Any = [one] if path.endswith(("Ids", ".ids")) else one
            outer, _, inner = path.partition(".")
            asked = {**given, outer: {inner: value} if inner else value}
            found.append(Place(person, mutation, path, asked, one, code))

    new = {"workspaceId": world.id, "title": "New"}
    here = {"id": world.web_task}
    tasks, hidden_tasks = [foreign.task, foreign.loose_task], [world.ops_task, world.loose_task]
    for mutation, given in (("createTask", new), ("updateTask", here)):
        gone = "add" if mutation == "updateTask" else ""
        assignees = f"{gone}AssigneeIds" if gone else "assigneeIds"
        labels = f"{gone}LabelIds" if gone else "labelIds"
        of_gus = {**given, **({"projectId": world.web} if mutation == "createTask" else {})}
        add(mia, mutation, "parentId", given, tasks, "NOT_FOUND")
        add(gus, mutation, "parentId", of_gus, hidden_tasks + tasks, "NOT_FOUND")
        add(mia, mutation, "statusId", given, [foreign.status], "NOT_FOUND")
        add(mia, mutation, labels, given, [foreign.label], "NOT_FOUND")
        outsiders = [world.outsider.id, world.removed.id, foreign.owner.id]
        add(mia, mutation, assignees, given, outsiders, "NOT_FOUND")
        add(gus, mutation, assignees, of_gus, [*outsiders, world.other_guest.id], "NOT_FOUND")
    add(mia, "createTask", "projectId", new, [foreign.project], "NOT_FOUND")
    add(gus, "createTask", "projectId", new, [foreign.project, world.ops], "NOT_FOUND")
    for anchor in ("before", "after"):
        add(mia, "createTask", f"position.{anchor}", new, tasks, "INVALID")
        of_gus = {**new, "projectId": world.web}
        add(gus, "createTask", f"position.{anchor}", of_gus, hidden_tasks + tasks, "INVALID")
        add(gus, "moveTask", f"position.{anchor}", here, hidden_tasks + tasks, "INVALID")
        status = {"workspaceId": world.id, "name": "New", "category": "TODO"}
        add(mia, "createStatus", f"position.{anchor}", status, [foreign.status], "INVALID")
        own_status = {"id": world.statuses["TODO"]}
        add(mia, "updateStatus", f"position.{anchor}", own_status, [foreign.status], "INVALID")
    add(mia, "updateTask", "removeAssigneeIds", here, [foreign.owner.id], None)
    add(mia, "updateTask", "removeLabelIds", here, [foreign.label], None)
    found += [
        Place(one.person, "bulkUpdateTasks", f"updates.{one.path}", {"updates": [one.input]}, one.foreign_id, one.code)
        for one in found
        if one.mutation == "updateTask"
    ]
    add(mia, "moveTask", "projectId", here, [foreign.project], "NOT_FOUND")
    add(gus, "moveTask", "projectId", here, [foreign.project, world.ops], "NOT_FOUND")
    add(mia, "moveTask", "statusId", here, [foreign.status], "NOT_FOUND")
    add(mia, "deleteProject", "moveTasksToProjectId", {"id": world.web}, [foreign.project], "NOT_FOUND")
    add(mia, "deleteStatus", "moveTasksToStatusId", own_status, [foreign.status], "NOT_FOUND")
    add(olga, "transferWorkspace", "toMembershipId", {"id": world.id}, [foreign.membership], "NOT_FOUND")
    client = {"workspaceId": world.id, "clientId": "6b1b36cb-0c1f-4b9e-9f0e-55f8bf2b5a11"}
    for person, hidden in ((mia, tasks), (gus, hidden_tasks + tasks)):
        for one in hidden:
            given = {**client, "activity": {"taskId": one, "mode": "VIEWING"}}
            found.append(Place(person, "updatePresence", "activity.taskId", given, one))
    guest_invite = {"workspaceId": world.id, "role": "GUEST"}
    add(mia, "createInvite", "projectIds", guest_invite, [foreign.project], "NOT_FOUND")
    said = {"taskId": world.web_task, "body": "Well"}
    add(mia, "createComment", "parentId", said, [foreign.comment], "NOT_FOUND")
    add(mia, "revertChanges", "target.changeId", {}, [foreign.change], "NOT_FOUND")
    add(mia, "revertChanges", "target.changeSetId", {}, [foreign.change_set], "NOT_FOUND")
    read = {"read": True}
    add(gus, "markNotifications", "target.ids", read, [foreign.notification], "NOT_FOUND")
    add(gus, "markNotifications", "target.taskId", read, hidden_tasks + tasks, "NOT_FOUND")
    elsewhere = [foreign.owner.personal_workspace_id]
    add(gus, "markNotifications", "target.workspaceId", read, elsewhere, "NOT_FOUND")
    for mutation in ("addProjectGuest", "removeProjectGuest"):
        add(mia, mutation, "membershipId", {"projectId": world.web}, [foreign.membership], "NOT_FOUND")
    return found


async def test_every_place_for_an_id_has_a_case(world: World, foreign: Foreign) -> None:
    cases = {one.name for one in places(world, foreign)} | OBJECTS | MINTED
    assert {f"{mutation}.{path}" for mutation, path in id_inputs()} == cases


async def test_an_id_that_one_may_not_see_answers_as_one_that_leads_to_nothing(world: World, foreign: Foreign) -> None:
    before, there = await View.read(world.owner, world.id), await _heads(foreign.owner)
    wrong = [one for place in places(world, foreign) for one in await _try(place)]
    assert not wrong, "\n".join(wrong)
    after = await View.read(world.owner, world.id)
    assert before.differences(after) == []
    assert (before.cursor, there) == (after.cursor, await _heads(foreign.owner))


async def _try(place: Place) -> list[str]:
    query = document(f"Mutation.{place.mutation}")
    ghostly, other = as_ghosts({"input": place.input}, place.foreign_id)
    found, nothing = await asyncio.gather(
        place.person.answer(query, input=place.input), place.person.answer(query, **ghostly)
    )
    wrong = []
    for one in (found, nothing):
        del one["extensions"]  # what is left to spend
    if found != renamed(nothing, other, place.foreign_id):
        wrong.append(f"{place}: {found}, but for nothing {nothing}")
    if "errors" in found:
        return [*wrong, f"{place}: {found}"]
    path = place.path.replace("updates.", "updates.0.")
    errors = [(one["code"], one["path"]) for one in found["data"]["it"]["userErrors"]]
    expected = [] if place.code is None else [(place.code, ["input", *path.split(".")])]
    if errors != expected:
        wrong.append(f"{place.name} of {place.person.name}: {errors}")
    return wrong


async def _heads(person: Person) -> Any:
    return await person.ask("{ viewer { workspaces { id version eventCursor } } }")


async def test_an_id_that_is_taken_anywhere_is_taken(world: World, foreign: Foreign) -> None:
    mia = world.member
    for mutation, asked in (
        ("createTask", {"id": foreign.task, "title": "Mine"}),
        ("createProject", {"id": foreign.project, "name": "Mine", "key": "MINE"}),
        ("createLabel", {"id": foreign.label, "name": "Mine"}),
        ("createStatus", {"id": foreign.status, "name": "Mine", "category": "TODO"}),
    ):
        refusal = await mia.refused(mutation, {"workspaceId": world.id, **asked})
        assert refusal == ("ALREADY_EXISTS", ["input", "id"])
    assert await mia.refused("createWorkspace", {"id": world.id, "name": "Mine"}) == ("ALREADY_EXISTS", ["input", "id"])


FOUND = """query ($id: ID!, $filter: TaskFilter) {
  workspace(by: {id: $id}) { tasks(filter: $filter) { totalCount nodes { id } } }
  searchTasks(workspaceId: $id, query: "task", filter: $filter) { totalCount nodes { id } }
}"""
Filter = Callable[[str], dict[str, Any]]
ID_FILTERS: dict[str, Filter] = {
    "eq": lambda one: {"eq": one},
    "in": lambda one: {"in": [one]},
    "notIn": lambda one: {"notIn": [one]},
}
SET_FILTERS: dict[str, Filter] = {
    "any": lambda one: {"any": [one]},
    "all": lambda one: {"all": [one]},
    "none": lambda one: {"none": [one]},
}


async def test_a_filter_by_what_one_may_not_see_finds_what_a_filter_by_nothing_finds(
    world: World, foreign: Foreign
) -> None:
    # A task of the guest hangs below one that they do not see, and a hidden task below one of theirs.
    below = await world.task("A task below", projectId=world.web, parentId=world.ops_task)
    await world.task("A hidden task below", projectId=world.ops, parentId=world.web_task)
    gus, mia = world.guest, world.member

    async def same(person: Person, field: str, filters: dict[str, Filter], hidden: str) -> None:
        _, other = as_ghosts({}, hidden)
        for make in filters.values():
            asked, nothing = {field: make(hidden)}, {field: make(other)}
            found = await person.ask(FOUND, id=world.id, filter=asked)
            assert found == await person.ask(FOUND, id=world.id, filter=nothing), (person.name, asked)

    checks: list[Awaitable[None]] = [
        same(gus, "project", ID_FILTERS, world.ops),
        same(gus, "parent", ID_FILTERS, world.ops_task),
        same(mia, "project", ID_FILTERS, foreign.project),
        same(mia, "parent", ID_FILTERS, foreign.task),
        same(mia, "status", ID_FILTERS, foreign.status),
        same(mia, "createdBy", ID_FILTERS, foreign.owner.id),
        same(mia, "labels", SET_FILTERS, foreign.label),
        same(mia, "assignees", SET_FILTERS, foreign.owner.id),
    ]
    await asyncio.gather(*checks)
    top = await gus.ask(FOUND, id=world.id, filter={"parent": {"isNull": True}})
    assert below in [one["id"] for one in top["workspace"]["tasks"]["nodes"]]


async def test_the_subtasks_of_a_deleted_task_are_at_the_top(world: World) -> None:
    parent = await world.task("Above")
    child = await world.task("Below", parentId=parent)
    query = """query ($id: ID!) { workspace(by: {id: $id}) {
      tasks(first: 500, filter: {parent: {isNull: true}}) { nodes { id } } } }"""
    for mutation, is_top in (("deleteTask", True), ("restoreTask", False)):
        await world.owner.do(mutation, {"id": parent})
        nodes = (await world.member.ask(query, id=world.id))["workspace"]["tasks"]["nodes"]
        assert (child in [one["id"] for one in nodes]) == is_top


async def test_a_guest_finds_and_counts_only_what_they_see(world: World) -> None:
    found = await world.guest.ask(FOUND, id=world.id, filter={"archived": None})
    seen = {one["id"] for one in (await View.read(world.guest, world.id)).of_kind("Task")}
    listed = {one["id"] for one in found["workspace"]["tasks"]["nodes"]}
    assert listed == seen
    assert found["workspace"]["tasks"]["totalCount"] == len(seen)
    hits = found["searchTasks"]
    assert {one["id"] for one in hits["nodes"]} <= seen
    assert hits["totalCount"] == len(hits["nodes"])
    assert world.web_task in seen
    assert seen.isdisjoint({world.ops_task, world.loose_task})


async def test_neighbours_that_one_may_not_see_are_not_there(world: World) -> None:
    child = await world.task("Below", projectId=world.web, parentId=world.loose_task, assigneeIds=[world.member.id])
    hidden = await world.task("Hidden", projectId=world.ops, parentId=world.web_task)
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Task {
      id parent { id } subtaskCount subtasks { totalCount nodes { id } } } } }"""
    for person, parent, count in ((world.guest, None, 0), (world.member, {"id": world.loose_task}, 1)):
        seen_child, seen_parent = (await person.ask(query, ids=[child, world.web_task]))["nodes"]
        assert seen_child["parent"] == parent
        below = [one["id"] for one in seen_parent["subtasks"]["nodes"]]
        assert (hidden in below) == bool(count)
        assert seen_parent["subtaskCount"] == seen_parent["subtasks"]["totalCount"] == len(below)
