"""Tasks: keys, statuses, trees, sets, archive and deletion, and lists in order, page by page."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.api.world import World, make_world, minted
from tests.people import Api, GraphQLFailed, Person

TASK = """query ($id: ID!) { task(by: {id: $id}) {
  id key title completedAt archivedAt rank status { id category } project { id } parent { id }
  subtaskCount completedSubtaskCount subtasks { nodes { id } } assignees { id } labels { id } } }"""
DELETED = """query ($id: ID!, $first: Int, $after: String) { workspace(by: {id: $id}) {
  deletedTasks(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id title key deletedAt history(first: 1) { nodes { actor { id } changes { field after } } } } } } }"""
LIST = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $filter: TaskFilter,
    $orderBy: [TaskOrder!]) {
  workspace(by: {id: $id}) {
    tasks(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
      totalCount nodes { id title } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def read(person: Person, task_id: str) -> Any:
    return (await person.ask(TASK, id=task_id))["task"]


async def listed(person: Person, world: World, **more: Any) -> Any:
    return (await person.ask(LIST, id=world.id, **more))["workspace"]["tasks"]


async def test_a_new_workspace_has_statuses_of_every_category(world: World) -> None:
    data = await world.owner.ask(
        "query ($id: ID!) { workspace(by: {id: $id}) { statuses { name category } } }", id=world.id
    )
    categories = [one["category"] for one in data["workspace"]["statuses"]]
    assert categories == ["BACKLOG", "TODO", "IN_PROGRESS", "DONE", "CANCELED"]
    assert set(world.statuses) == set(categories)


async def test_keys_count_up_by_project_and_go_along_when_it_changes(world: World) -> None:
    project = await world.owner.create_project(world.id, "Keys", "KEYS")
    made = await asyncio.gather(*[world.task(projectId=project) for _ in range(10)])
    keys = {(await read(world.owner, one))["key"] for one in made}
    assert keys == {f"KEYS-{number}" for number in range(1, 11)}
    await world.owner.do("moveTask", {"id": made[0], "projectId": world.ops})
    moved = await read(world.owner, made[0])
    assert moved["key"].startswith("OPS-")
    await world.owner.do("updateProject", {"id": project, "key": "NEW"})
    assert (await read(world.owner, made[1]))["key"].startswith("KEYS-")
    assert (await read(world.owner, await world.task(projectId=project)))["key"].startswith("NEW-")
    loose = (await read(world.owner, await world.task()))["key"]
    assert loose.startswith("ACME-")


async def test_a_task_is_found_by_its_key_whatever_its_case(world: World) -> None:
    task = await read(world.owner, world.web_task)
    query = "query ($by: TaskBy!) { task(by: $by) { id } }"
    slug = await world.slug()
    for key in (task["key"], task["key"].lower()):
        found = await world.guest.ask(query, by={"key": {"workspaceSlug": slug, "key": key}})
        assert found["task"] == {"id": world.web_task}
    for key in ("WEB-999", "WEB", "-1", "WEB-0", "WEB-" + "9" * 30, ""):
        found = await world.guest.ask(query, by={"key": {"workspaceSlug": slug, "key": key}})
        assert found["task"] is None, key


async def test_the_category_of_the_status_says_whether_it_is_completed(world: World) -> None:
    task = await world.task(statusId=world.statuses["DONE"])
    done = await read(world.owner, task)
    assert done["completedAt"] is not None
    await world.owner.do("updateTask", {"id": task, "title": "Still done"})
    assert (await read(world.owner, task))["completedAt"] == done["completedAt"]
    await world.owner.do("moveTask", {"id": task, "statusId": world.statuses["IN_PROGRESS"]})
    assert (await read(world.owner, task))["completedAt"] is None
    default = await read(world.owner, await world.task())
    assert default["status"]["category"] == "TODO"


async def test_below_a_task_are_five_levels_at_most_and_no_circle(world: World) -> None:
    chain = [await world.task("Top")]
    for depth in range(1, 6):
        chain.append(await world.task(f"{depth}", parentId=chain[-1]))
    refusal = await world.owner.refused("createTask", {"workspaceId": world.id, "title": "6", "parentId": chain[-1]})
    assert refusal[1] == ["input", "parentId"]
    for child in chain:
        refusal = await world.owner.refused("updateTask", {"id": chain[0], "parentId": child})
        assert refusal == ("CYCLE", ["input", "parentId"])
    top = await read(world.owner, chain[0])
    assert (top["subtaskCount"], top["completedSubtaskCount"]) == (1, 0)
    await world.owner.do("updateTask", {"id": chain[1], "statusId": world.statuses["DONE"]})
    assert (await read(world.owner, chain[0]))["completedSubtaskCount"] == 1


async def test_a_subtask_takes_its_parents_project_unless_it_says_otherwise(world: World) -> None:
    child = await world.task(parentId=world.web_task)
    assert (await read(world.owner, child))["project"] == {"id": world.web}
    child = await world.task(parentId=world.web_task, projectId=world.ops)
    assert (await read(world.owner, child))["project"] == {"id": world.ops}


async def test_who_is_added_and_removed_at_once_stays_and_nothing_is_told(world: World) -> None:
    task = await world.task(assigneeIds=[world.member.id, world.admin.id])
    both = {"id": task, "addAssigneeIds": [world.member.id], "removeAssigneeIds": [world.member.id]}
    payload = await world.owner.do("updateTask", both, "task { version assignees { id } }")
    assert payload["eventCursor"] is None
    assert payload["task"] == {"version": 1, "assignees": [{"id": world.member.id}, {"id": world.admin.id}]}


async def test_two_who_label_at_once_both_win(world: World) -> None:
    task = await world.task()
    labels = await asyncio.gather(*[world.add_label() for _ in range(8)])
    await asyncio.gather(*[world.owner.do("updateTask", {"id": task, "addLabelIds": [one]}) for one in labels])
    assert {one["id"] for one in (await read(world.owner, task))["labels"]} == set(labels)


async def test_an_archived_task_is_out_of_the_lists_and_can_be_changed(world: World) -> None:
    task = await world.task("Put away", labelIds=[world.bug])
    await world.owner.do("archiveTask", {"id": task})
    wanted = {"labels": {"any": [world.bug]}, "text": {"eq": "Put away"}}
    assert (await listed(world.owner, world, filter=wanted))["nodes"] == []
    for archived in (True, None):
        found = await listed(world.owner, world, filter={**wanted, "archived": archived})
        assert [one["id"] for one in found["nodes"]] == [task]
    assert (await read(world.owner, task))["archivedAt"] is not None
    await world.owner.do("restoreTask", {"id": task})
    assert (await read(world.owner, task))["archivedAt"] is None


async def test_a_deleted_task_is_not_there_until_it_is_restored(world: World) -> None:
    task = await world.task("Gone", projectId=world.web)
    await world.owner.do("deleteTask", {"id": task})
    assert await read(world.owner, task) is None
    for mutation in ("updateTask", "moveTask", "archiveTask", "deleteTask"):
        assert await world.owner.refused(mutation, {"id": task}) == ("NOT_FOUND", ["input", "id"])
    await world.owner.do("restoreTask", {"id": task})
    assert (await read(world.owner, task))["title"] == "Gone"


async def deleted(person: Person, world: World, **more: Any) -> Any:
    return (await person.ask(DELETED, id=world.id, **more))["workspace"]["deletedTasks"]


async def test_deleted_tasks_are_listed_page_by_page_until_they_are_restored(api: Api) -> None:
    world = await make_world(api)
    made = [await world.task(f"Gone {number}", projectId=world.web) for number in range(5)]
    await world.comment(made[0], "It comes back with its task")
    for one in made:
        await world.member.do("deleteTask", {"id": one})
    found = await deleted(world.owner, world)
    assert [one["id"] for one in found["nodes"]] == made[::-1]  # the last deleted first
    assert found["totalCount"] == 5
    at = [one["deletedAt"] for one in found["nodes"]]
    assert sorted(at, reverse=True) == at
    (change,) = found["nodes"][0]["history"]["nodes"]
    assert change["actor"]["id"] == world.member.id
    assert change["changes"] == [{"field": "DELETED", "after": at[0]}]

    walked: list[str] = []
    after = None
    while True:
        page = await deleted(world.owner, world, first=2, after=after)
        walked += [one["id"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        await world.owner.do("deleteTask", {"id": await world.task("Meanwhile")})  # shifts no page
    assert walked == made[::-1]

    await world.admin.do("restoreTask", {"id": made[0]})
    assert made[0] not in [one["id"] for one in (await deleted(world.owner, world))["nodes"]]
    query = "query ($id: ID!) { task(by: {id: $id}) { deletedAt commentCount } }"
    assert (await world.owner.ask(query, id=made[0]))["task"] == {"deletedAt": None, "commentCount": 1}


async def test_who_may_restore_a_task_finds_it_among_the_deleted_ones_and_nobody_else(api: Api) -> None:
    world = await make_world(api)
    own = await world.guest.create_task(world.id, "The guest's", projectId=world.web)
    lost = await world.guest.create_task(world.id, "No longer seen", projectId=world.web)
    await world.owner.do("moveTask", {"id": lost, "projectId": world.ops})
    by_token = await world.token.create_task(world.id, "The token's", projectId=world.web)
    every = {own, lost, by_token, world.web_task, world.ops_task, world.loose_task}
    for one in every:
        await world.owner.do("deleteTask", {"id": one})
    scopes = {"TASK_READ", "TASK_WRITE", "TASK_DELETE"}
    tokens = {}
    for missing in ("TASK_WRITE", "TASK_DELETE"):
        tokens[missing] = replace(world.owner, token=(await world.add_token(sorted(scopes - {missing})))[1])
    seen: dict[str, tuple[Person, set[str] | None]] = {
        "owner": (world.owner, every),
        "admin": (world.admin, every),
        "member": (world.member, every),
        "token": (world.token, every),
        "guest": (world.guest, {own}),
        "other guest": (world.other_guest, set()),
        "viewer": (world.viewer, None),
        "reader": (world.reader, None),
        "token that may not write": (tokens["TASK_WRITE"], None),
        "token that may not delete": (tokens["TASK_DELETE"], None),
    }
    for name, (person, expected) in seen.items():
        found = await deleted(person, world)
        assert (None if found is None else {one["id"] for one in found["nodes"]}) == expected, name
        assert found is None or found["totalCount"] == len(expected or ()), name
        for one in every - (expected or set()):
            code, _ = await person.refused("restoreTask", {"id": one})
            assert code in {"NOT_FOUND", "FORBIDDEN"}, name
    for person in (world.stranger, world.outsider, world.removed):
        assert (await person.ask(DELETED, id=world.id))["workspace"] is None
    assert {one["id"] for one in (await deleted(world.guest, world))["nodes"]} == {own}
    await world.guest.do("restoreTask", {"id": own})


async def test_a_page_of_deleted_tasks_takes_only_its_own_cursors(world: World) -> None:
    await world.owner.do("deleteTask", {"id": await world.task()})
    cursor = (await listed(world.owner, world, first=1))["pageInfo"]["endCursor"]
    for wrong in ({"after": cursor}, {"first": 0}, {"first": 501}):
        with pytest.raises(GraphQLFailed) as failed:
            await deleted(world.owner, world, **wrong)
        assert failed.value.codes == ["BAD_REQUEST"]


async def test_moves_by_intent_put_a_task_where_they_say(world: World) -> None:
    status = await world.add_status()
    one, two, three = [await world.task(name, statusId=status) for name in ("one", "two", "three")]

    async def order() -> list[str]:
        found = await listed(world.owner, world, filter={"status": {"eq": status}}, orderBy=[{"field": "RANK"}])
        return [task["title"] for task in found["nodes"]]

    assert await order() == ["one", "two", "three"]
    for moved, position, expected in (
        (three, {"before": two}, ["one", "three", "two"]),
        (one, {"after": two}, ["three", "two", "one"]),
        (two, {"edge": "FIRST"}, ["two", "three", "one"]),
        (two, {"edge": "LAST"}, ["three", "one", "two"]),
    ):
        await world.member.do("moveTask", {"id": moved, "position": position})
        assert await order() == expected
    refusal = await world.member.refused("moveTask", {"id": one, "position": {"after": world.web_task}})
    assert refusal[0] == "INVALID"


async def test_lists_go_both_ways_and_have_everything_once(world: World) -> None:
    label = await world.add_label()
    made = [await world.task(f"{'ABC'[number % 3]} {number}", labelIds=[label]) for number in range(11)]
    wanted = {"labels": {"any": [label]}}
    order = [{"field": "TITLE", "direction": "DESC"}]
    whole = [one["id"] for one in (await listed(world.owner, world, filter=wanted, orderBy=order, first=500))["nodes"]]
    assert set(whole) == set(made)

    forward: list[str] = []
    after = None
    while True:
        page = await listed(world.owner, world, filter=wanted, orderBy=order, first=4, after=after)
        assert page["totalCount"] == 11
        assert page["pageInfo"]["hasPreviousPage"] == bool(forward)
        forward += [one["id"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert forward == whole

    backward: list[str] = []
    before = None
    while True:
        page = await listed(world.owner, world, filter=wanted, orderBy=order, last=4, before=before)
        backward = [one["id"] for one in page["nodes"]] + backward
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert backward == whole


async def test_a_task_made_meanwhile_moves_no_page(world: World) -> None:
    label = await world.add_label()
    made = [await world.task(f"{number}", labelIds=[label]) for number in range(6)]
    asked: dict[str, Any] = {"filter": {"labels": {"any": [label]}}, "orderBy": [{"field": "RANK"}]}
    first = await listed(world.owner, world, first=3, **asked)
    await world.task("in front", labelIds=[label], position={"edge": "FIRST"})
    rest = await listed(world.owner, world, first=3, after=first["pageInfo"]["endCursor"], **asked)
    assert [one["id"] for one in first["nodes"] + rest["nodes"]] == made


@pytest.mark.parametrize(
    "asked",
    [
        {"first": 2, "last": 2},
        {"first": 0},
        {"last": 501},
        {"after": "nonsense"},
        {"after": "x", "before": "y"},
        {"filter": {"or": []}},
        {"orderBy": [{"field": "RANK"}, {"field": "RANK"}]},
    ],
)
async def test_a_list_that_cannot_be_meant_is_refused(world: World, asked: dict[str, Any]) -> None:
    with pytest.raises(GraphQLFailed) as failed:
        await listed(world.owner, world, **asked)
    assert failed.value.codes == ["BAD_REQUEST"]


async def test_ones_own_tasks_come_from_all_workspaces(api: Api, world: World) -> None:
    here = await world.task("Here", assigneeIds=[world.spare.id])
    elsewhere = await world.spare.create_workspace("Elsewhere")
    there = await world.spare.create_task(elsewhere, "There", assigneeIds=[world.spare.id])
    query = "{ viewer { assignedTasks(first: 100) { totalCount nodes { id workspace { id } } } } }"
    found = (await world.spare.ask(query))["viewer"]["assignedTasks"]
    assert {here, there} <= {one["id"] for one in found["nodes"]}
    assert found["totalCount"] == len(found["nodes"])


async def test_limits_of_one_task_are_told(world: World) -> None:
    asked = {"workspaceId": world.id, "title": "x" * 501}
    assert await world.owner.refused("createTask", asked) == ("TOO_LONG", ["input", "title"])
    many = [minted("user") for _ in range(51)]
    refusal = await world.owner.refused("createTask", {"workspaceId": world.id, "title": "New", "assigneeIds": many})
    assert refusal[1] == ["input", "assigneeIds"]
    long = {"id": await world.task(), "description": "é" * 100_000}
    await world.owner.do("updateTask", long)
    refusal = await world.owner.refused("updateTask", {**long, "description": "é" * 100_001})
    assert refusal == ("TOO_LONG", ["input", "description"])
    dates = {"id": long["id"], "startDate": "2026-03-02", "dueDate": "2026-03-01"}
    assert (await world.owner.refused("updateTask", dates))[0] == "INVALID"
