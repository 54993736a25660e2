"""The history over the API: who changed what, for all who see the object, and nothing of what they do not see."""

from __future__ import annotations

from typing import Any

import pytest

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
