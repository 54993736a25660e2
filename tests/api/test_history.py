"""The history over the API: who changed what, for all who see the object, and nothing of what they do not see."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.api.views import POLL
from tests.api.world import World, ghost, make_world
from tests.people import Api, GraphQLFailed, Person

CHANGE = "id changeSetId at entityId version actor { id name } changes { field before after }"
HISTORY = (
    "query ($id: ID!, $first: Int, $after: String) { node(id: $id) { ... on Task { version history(first: $first,"
    f" after: $after) {{ nodes {{ {CHANGE} }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
)
AUDIT = (
    "query ($id: ID!, $first: Int, $after: String) { workspace(by: {id: $id}) { auditLog(first: $first, after: $after)"
    f" {{ nodes {{ {CHANGE} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
)


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def history(person: Person, task_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.ask(HISTORY, id=task_id))["node"]["history"]["nodes"]
    return found


def fields(change: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {one["field"]: (one["before"], one["after"]) for one in change["changes"]}


async def test_every_change_is_there_the_newest_first_with_what_it_overwrote(world: World) -> None:
    task = await world.task("First", projectId=world.web)
    long_text = "\n".join(f"Line {number} of much to say" for number in range(200))
    payload = await world.member.do("updateTask", {"id": task, "title": "Second", "description": long_text})
    await world.guest.do("updateTask", {"id": task, "title": "Third", "description": long_text + "\nand more"})
    await world.owner.do("moveTask", {"id": task, "statusId": world.statuses["DONE"]})
    await world.owner.do("deleteTask", {"id": task})
    await world.owner.do("restoreTask", {"id": task})

    found = await history(world.viewer, task)
    assert [one["version"] for one in found] == [6, 5, 4, 3, 2]
    assert {one["entityId"] for one in found} == {task}
    assert [one["actor"]["name"] for one in found] == ["Olga", "Olga", "Olga", "Gus", "Mia"]
    assert fields(found[3]) == {
        "TITLE": ("Second", "Third"),
        "DESCRIPTION": (long_text, long_text + "\nand more"),
    }
    assert fields(found[4]) == {"TITLE": ("First", "Second"), "DESCRIPTION": ("", long_text)}
    assert fields(found[2])["STATUS"] == (world.statuses["TODO"], world.statuses["DONE"])
    assert fields(found[0])["DELETED"] == (fields(found[1])["DELETED"][1], None)
    assert found[4]["changeSetId"] == payload["changeSetId"]
    assert len({one["changeSetId"] for one in found}) == 5

    pages, after = [], None
    while after != "end":
        page = (await world.owner.ask(HISTORY, id=task, first=2, after=after))["node"]["history"]
        pages += page["nodes"]
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else "end"
    assert pages == found
    nodes = await world.owner.ask(
        f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Change {{ {CHANGE} }} }} }}",
        ids=[one["id"] for one in found],
    )
    assert nodes["nodes"] == found


async def test_a_guest_reads_the_history_but_nothing_of_what_is_hidden(world: World) -> None:
    task = await world.task("Comes over", projectId=world.ops, assigneeIds=[world.other_guest.id])
    hidden, shown = await world.task("Above", projectId=world.ops), await world.task("Beside", projectId=world.web)
    await world.owner.do("updateTask", {"id": task, "parentId": hidden, "title": "Renamed"})
    await world.owner.do("updateTask", {"id": task, "parentId": shown})
    await world.owner.do("moveTask", {"id": task, "projectId": world.web})
    to_owner, to_guest = await history(world.owner, task), await history(world.guest, task)

    moved, to_shown, to_hidden = map(fields, to_owner)
    assert moved["PROJECT"] == (world.ops, world.web)
    assert moved["ASSIGNEES"] == ([world.other_guest.id], [])
    assert to_shown["PARENT"] == (hidden, shown)
    assert to_hidden["PARENT"] == (None, hidden)

    assert [one["id"] for one in to_guest] == [one["id"] for one in to_owner]
    moved_for_guest, to_shown, to_hidden = map(fields, to_guest)
    assert moved_for_guest["PROJECT"] == (None, world.web)
    assert moved_for_guest["KEY"] == (None, moved["KEY"][1])
    assert moved_for_guest["ASSIGNEES"] == ([], [])
    assert to_shown["PARENT"] == (None, shown)
    assert to_hidden["PARENT"] == (None, None)
    assert to_hidden["TITLE"] == ("Comes over", "Renamed")


async def test_a_conflict_says_nothing_of_what_is_hidden(world: World) -> None:
    task = await world.task("Below", projectId=world.web)
    hidden, shown = await world.task("Above", projectId=world.ops), await world.task("Beside", projectId=world.web)
    await world.owner.do("updateTask", {"id": task, "parentId": hidden})
    asked = {"id": task, "parentId": shown, "baseVersion": 1}
    for person, theirs in ((world.owner, hidden), (world.guest, None)):
        (error,) = (await person.try_("updateTask", asked))["userErrors"]
        (conflict,) = error["conflicts"]
        assert conflict["field"] == "PARENT"
        assert (conflict["base"], conflict["yours"], conflict["theirs"]) == (None, shown, theirs)
        assert conflict["changedBy"] == {"id": world.owner.id}


async def test_changes_are_found_by_id_only_by_those_who_see_the_object(world: World) -> None:
    await world.owner.do("updateTask", {"id": world.ops_task, "priority": "LOW"})
    (change,) = (await history(world.owner, world.ops_task))[:1]
    audit = (await world.owner.ask(AUDIT, id=world.id, first=1))["workspace"]["auditLog"]["nodes"][0]
    query = "query ($id: ID!) { node(id: $id) { id } }"
    see_task = {"owner", "admin", "member", "viewer", "other_guest"}
    for name in ("owner", "admin", "member", "viewer", "guest", "other_guest", "removed", "outsider", "stranger"):
        person: Person = getattr(world, name)
        expected = {"id": change["id"]} if name in see_task else None
        assert (await person.ask(query, id=change["id"]))["node"] == expected, name
        expected = {"id": audit["id"]} if name in {"owner", "admin"} else None
        assert (await person.ask(query, id=audit["id"]))["node"] == expected, name
    assert (await world.owner.ask(query, id=ghost("change")))["node"] is None


async def test_the_audit_log_tells_who_came_went_and_got_which_rights(api: Api) -> None:
    owner = await api.sign_up("Olga")
    workspace = await owner.create_workspace()
    project = await owner.create_project(workspace)
    _, token = await _invite(owner, workspace, "GUEST", [project])
    guest = await api.sign_up("Gus", inviteToken=token)
    membership = await owner.membership_id(workspace, guest.id)
    await owner.do("removeProjectGuest", {"projectId": project, "membershipId": membership})
    await owner.do("updateMemberRole", {"id": membership, "role": "ADMIN"})
    await guest.do("updateWorkspace", {"id": workspace, "name": "Not about rights"})
    invite, _ = await _invite(guest, workspace, "VIEWER", [])
    await owner.do("revokeInvite", {"id": invite})
    await owner.do("removeMember", {"id": membership})

    page = (await owner.ask(AUDIT, id=workspace))["workspace"]["auditLog"]
    told = [(one["actor"]["name"], one["entityId"].split("_")[0], fields(one)) for one in page["nodes"]]
    assert told[::-1] == [
        ("Olga", "membership", {"ROLE": (None, "OWNER")}),
        ("Olga", "invite", {"ROLE": (None, "GUEST"), "PROJECTS": (None, [project])}),
        ("Gus", "membership", {"ROLE": (None, "GUEST"), "PROJECTS": (None, [project])}),
        ("Olga", "membership", {"PROJECTS": ([project], [])}),
        ("Olga", "membership", {"ROLE": ("GUEST", "ADMIN")}),
        ("Gus", "invite", {"ROLE": (None, "VIEWER")}),
        ("Olga", "invite", {"ROLE": ("VIEWER", None)}),
        ("Olga", "membership", {"ROLE": ("ADMIN", None)}),
    ]
    first = (await owner.ask(AUDIT, id=workspace, first=3))["workspace"]["auditLog"]
    rest = (await owner.ask(AUDIT, id=workspace, after=first["pageInfo"]["endCursor"]))["workspace"]["auditLog"]
    assert first["nodes"] + rest["nodes"] == page["nodes"]


async def _invite(person: Person, workspace: str, role: str, projects: list[str]) -> tuple[str, str]:
    asked = {"workspaceId": workspace, "role": role, "projectIds": projects}
    payload = await person.do("createInvite", asked, "url invite { id }")
    return payload["invite"]["id"], payload["url"].split("#", 1)[1]


async def test_the_audit_log_tells_of_webhooks_and_of_no_secret(api: Api) -> None:
    owner = await api.sign_up("Olga")
    workspace = await owner.create_workspace()
    asked = {"workspaceId": workspace, "url": "https://hooks.example.com/", "kinds": ["TASK"]}
    made = await owner.do("createWebhook", asked, "secret webhook { id }")
    webhook = {"id": made["webhook"]["id"]}
    await owner.do("updateWebhook", {**webhook, "kinds": ["LABEL"], "paused": True})
    rotated = await owner.do("rotateWebhookSecret", webhook, "secret")
    await owner.do("deleteWebhook", webhook)
    page = (await owner.ask(AUDIT, id=workspace))["workspace"]["auditLog"]
    told = [fields(one) for one in page["nodes"] if one["entityId"] == webhook["id"]]
    assert told[::-1] == [
        {"URL": (None, "https://hooks.example.com/"), "KINDS": (None, ["TASK"])},
        {"KINDS": (["TASK"], ["LABEL"]), "PAUSED": (False, True)},
        {"SECRET": (None, None)},
        {"URL": ("https://hooks.example.com/", None)},
    ]
    assert made["secret"] not in str(page)
    assert rotated["secret"] not in str(page)


@pytest.mark.parametrize("name", ["member", "viewer", "guest"])
async def test_the_audit_log_is_for_those_who_manage_members(world: World, name: str) -> None:
    person: Person = getattr(world, name)
    assert (await person.ask(AUDIT, id=world.id))["workspace"]["auditLog"] is None
    assert (await world.admin.ask(AUDIT, id=world.id))["workspace"]["auditLog"]["nodes"]


async def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    audit = (await world.owner.ask(AUDIT, id=world.id))["workspace"]["auditLog"]["pageInfo"]["endCursor"]
    with pytest.raises(GraphQLFailed) as refused:
        await world.owner.ask(HISTORY, id=world.web_task, after=audit)
    assert refused.value.codes == ["BAD_REQUEST"]


async def test_events_tell_a_guest_nothing_of_what_is_hidden(world: World, other_api: Api) -> None:
    """By the stream, alone and shared by two sockets of each, and by the query."""
    task, shown = await world.task("Below", projectId=world.web), await world.task("Beside", projectId=world.web)
    passing = await world.task("Comes and goes", projectId=world.ops)
    hidden = await world.task("Above", projectId=world.ops)
    start = await world.owner.cursor(world.id)
    people = [world.owner, world.guest, world.other_guest]
    async with AsyncExitStack() as stack:
        streams = []
        for person in (*people, *people):
            streams.append(await stack.enter_async_context(person.on(other_api).listening(world.id)))
        await world.owner.do("updateTask", {"id": task, "parentId": hidden, "title": "Renamed"})
        await world.owner.do("updateTask", {"id": task, "parentId": shown})
        await world.owner.do("updateTask", {"id": task, "parentId": hidden})
        await world.owner.do("updateTask", {"id": task, "parentId": None, "priority": "HIGH"})
        await world.owner.do("moveTask", {"id": passing, "projectId": world.web})
        await world.owner.do("moveTask", {"id": passing, "projectId": world.ops})
        end = (await world.owner.do("updateLabel", {"id": world.label, "name": "The end"}))["eventCursor"]
        for stream in streams:
            await stream.reaches(end)
        for stream, person in zip(streams, (*people, *people), strict=True):
            asked = {"workspaceId": world.id, "after": start, "first": 100}
            polled = (await person.on(other_api).ask(POLL, **asked))["workspaceEvents"]["events"]
            assert told(stream.events) == told(polled)

    to_owner, to_guest, to_other_guest = (told(stream.events) for stream in streams[:3])
    assert [fields({"changes": one}).get("PARENT") for _, one in to_owner[:4]] == [
        (None, hidden),
        (hidden, shown),
        (shown, hidden),
        (hidden, None),
    ]
    assert [(name, fields({"changes": one or []})) for name, one in to_guest] == [
        ("TaskUpdatedEvent", {"PARENT": (None, None), "TITLE": ("Below", "Renamed")}),
        ("TaskUpdatedEvent", {"PARENT": (None, shown)}),
        ("TaskUpdatedEvent", {"PARENT": (shown, None)}),
        ("TaskUpdatedEvent", {"PARENT": (None, None), "PRIORITY": ("NONE", "HIGH")}),
        ("TaskCreatedEvent", {}),
        ("TaskRemovedEvent", {}),
    ]
    assert [name for name, _ in to_other_guest] == ["TaskRemovedEvent", "TaskCreatedEvent"]
    assert all(one is None for _, one in to_other_guest)


async def test_events_from_before_a_guest_came_name_nobody_whom_they_never_met(world: World) -> None:
    passing = await world.bring_in()
    task = await world.task("Passed on", projectId=world.web)
    start = await world.owner.cursor(world.id)
    people = [passing.id, world.guest.id]
    await world.owner.do("updateTask", {"id": task, "addAssigneeIds": people})
    await world.owner.do("removeMember", {"id": world.membership(passing)})
    guest = await world.bring_in("GUEST", projectIds=[world.web])
    for person, known in ((world.owner, people), (guest, people[1:])):
        batch = (await person.ask(POLL, workspaceId=world.id, after=start, first=100))["workspaceEvents"]
        changes = [fields(one) for one in batch["events"] if one.get("changes") and one.get("taskId") == task]
        assert [one["ASSIGNEES"] for one in changes] == [([], known), (known, people[1:])]


def told(events: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """(type, changes) of the events of tasks."""
    return [(one["__typename"], one.get("changes")) for one in events if one["__typename"].startswith("Task")]
