"""What people are told: of what, once, never of their own doing, and no more than they may know."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.world import World, ghost, make_world
from tests.people import Api, Person

LIST = """query ($workspace: ID, $unread: Boolean, $mentions: Boolean, $first: Int, $after: String) {
  viewer { notifications(
    workspaceId: $workspace, unreadOnly: $unread, mentionsOnly: $mentions, first: $first, after: $after
  ) {
    unreadCount pageInfo { hasNextPage endCursor }
    nodes {
      id kind groupCount emoji createdAt readAt actor { id name } workspace { id } task { id } comment { id }
      invite { workspaceName invitedBy isForOneAddress }
    }
  } }
}"""


@pytest.fixture
async def world(api: Api) -> World:
    return await make_world(api)


async def page(person: Person, **asked: Any) -> Any:
    return (await person.ask(LIST, **{"unread": False, "mentions": False, **asked}))["viewer"]["notifications"]


async def told(person: Person, **asked: Any) -> list[Any]:
    found = await page(person, **asked)
    if not asked:
        assert found["unreadCount"] == len([one for one in found["nodes"] if one["readAt"] is None])
    return list(found["nodes"])


async def kinds(person: Person, *tasks: str) -> list[tuple[str, int]]:
    """(kind, how many in one) of what somebody is told about these tasks, the newest first."""
    return [(one["kind"], one["groupCount"]) for one in await told(person) if (one["task"] or {}).get("id") in tasks]


async def clean(*people: Person) -> None:
    """These have read everything."""
    for person in people:
        await person.do("markNotifications", {"target": {"all": True}, "read": True})


def mention(*people: Person) -> str:
    return " ".join(f"@[{one.id}]" for one in people)


async def test_an_assignment_is_told_to_those_who_get_it_and_not_to_who_gives_it(world: World) -> None:
    task = await world.owner.create_task(world.id, "Do it", projectId=world.web, assigneeIds=[world.guest.id])
    assigned = {"id": task, "addAssigneeIds": [world.member.id, world.viewer.id]}
    await world.member.do("updateTask", assigned)
    assert await kinds(world.guest, task) == [("ASSIGNED", 1)]
    assert await kinds(world.viewer, task) == [("ASSIGNED", 1)]
    assert await kinds(world.member, task) == []
    assert await kinds(world.owner, task) == []
    (found,) = [one for one in await told(world.viewer) if one["task"] == {"id": task}]
    assert found["actor"] == {"id": world.member.id, "name": "Mia"}
    assert found["workspace"] == {"id": world.id}


async def test_who_is_unassigned_before_they_read_of_it_hears_nothing(world: World) -> None:
    task = await world.task(assigneeIds=[world.member.id, world.spare.id])
    await clean(world.spare)
    await world.owner.do("updateTask", {"id": task, "removeAssigneeIds": [world.member.id, world.spare.id]})
    assert await kinds(world.member, task) == []
    assert await kinds(world.spare, task) == [("UNASSIGNED", 1), ("ASSIGNED", 1)]
    await world.owner.do("updateTask", {"id": task, "addAssigneeIds": [world.spare.id]})
    assert await kinds(world.spare, task) == [("ASSIGNED", 1), ("ASSIGNED", 1)]


async def test_a_comment_is_told_once_for_the_nearest_reason(world: World) -> None:
    task = await world.task(projectId=world.web, assigneeIds=[world.guest.id, world.viewer.id])
    root = await world.member.comment(task, "First")
    await clean(world.owner, world.member, world.guest, world.viewer)
    reply = await world.guest.comment(task, f"Well, {mention(world.viewer)}", parentId=root)
    assert await kinds(world.viewer, task) == [("MENTION", 1), ("COMMENT", 1), ("ASSIGNED", 1)]
    assert (await kinds(world.member, task))[0] == ("REPLY", 1)
    assert (await kinds(world.owner, task))[0] == ("COMMENT", 1)
    assert await kinds(world.guest, task) == [("COMMENT", 1), ("ASSIGNED", 1)]
    for person in (world.viewer, world.member, world.owner):
        assert (await told(person))[0]["comment"] == {"id": reply}


async def test_alike_ones_are_folded_until_they_are_read(world: World) -> None:
    task = await world.task()
    comments = [await world.member.comment(task, f"Number {number}") for number in range(3)]
    last = await world.admin.comment(task, "Number 3")
    (found,) = [one for one in await told(world.owner) if one["task"] == {"id": task}]
    assert (found["kind"], found["groupCount"]) == ("COMMENT", 4)
    assert (found["comment"]["id"], found["actor"]["id"]) == (last, world.admin.id)
    await world.admin.do("deleteComment", {"id": last})
    (found,) = [one for one in await told(world.owner) if one["task"] == {"id": task}]
    assert (found["groupCount"], found["comment"]["id"], found["actor"]["id"]) == (3, comments[2], world.member.id)
    await clean(world.owner)
    await world.member.comment(task, "Another")
    assert await kinds(world.owner, task) == [("COMMENT", 1), ("COMMENT", 3)]


async def test_what_a_comment_told_goes_with_it(world: World) -> None:
    task = await world.task(projectId=world.web)
    comment = await world.member.comment(task, mention(world.guest, world.viewer))
    await world.viewer.do("updateTaskSubscription", {"taskId": task, "subscribed": False})
    await world.owner.do("addReaction", {"subjectId": comment, "emoji": "\U0001f44d"})
    assert await kinds(world.member, task) == [("REACTION", 1)]
    # A mention that is edited away was none.
    await world.member.do("updateComment", {"id": comment, "body": mention(world.guest)})
    assert await kinds(world.viewer, task) == []
    await world.member.do("deleteComment", {"id": comment})
    for person in (world.guest, world.owner, world.member):
        assert await kinds(person, task) == []


async def test_a_mention_in_a_description_is_told_when_it_is_new(world: World) -> None:
    task = await world.task(projectId=world.web, description=f"For {mention(world.viewer)}")
    assert await kinds(world.viewer, task) == [("MENTION", 1)]
    await clean(world.viewer)
    described = f"For {mention(world.viewer, world.guest)}, soon"
    await world.owner.do("updateTask", {"id": task, "description": described})
    assert await kinds(world.viewer, task) == [("MENTION", 1)]
    assert await kinds(world.guest, task) == [("MENTION", 1)]


async def test_followers_hear_of_a_status(world: World) -> None:
    task = await world.task(projectId=world.web, assigneeIds=[world.guest.id])
    await world.viewer.do("updateTaskSubscription", {"taskId": task, "subscribed": True})
    await world.admin.do("updateTaskSubscription", {"taskId": task, "subscribed": True})
    await world.admin.do("updateTaskSubscription", {"taskId": task, "subscribed": False})
    for status in ("IN_PROGRESS", "DONE"):
        await world.member.do("moveTask", {"id": task, "statusId": world.statuses[status]})
    assert await kinds(world.viewer, task) == [("STATUS_CHANGED", 2)]
    assert await kinds(world.owner, task) == [("STATUS_CHANGED", 2)]
    assert await kinds(world.guest, task) == [("STATUS_CHANGED", 2), ("ASSIGNED", 1)]
    assert await kinds(world.admin, task) == []
    assert await kinds(world.member, task) == []


async def test_the_tasks_of_a_status_that_goes_are_no_news(world: World) -> None:
    status = await world.add_status()
    task = await world.task(statusId=status)
    await world.admin.do("deleteStatus", {"id": status, "moveTasksToStatusId": world.statuses["DONE"]})
    assert await kinds(world.owner, task) == []


async def test_a_reaction_is_told_to_the_author_and_taken_back_with_it(world: World) -> None:
    task = await world.task()
    reactions = ((world.member, "\U0001f44d"), (world.admin, "\U0001f389"), (world.owner, "\U0001f44d"))
    for person, emoji in reactions:
        await person.do("addReaction", {"subjectId": task, "emoji": emoji})
    assert await kinds(world.owner, task) == [("REACTION", 2)]
    (found,) = [one for one in await told(world.owner) if one["task"] == {"id": task}]
    assert found["emoji"] == "\U0001f389"
    await world.admin.do("removeReaction", {"subjectId": task, "emoji": "\U0001f389"})
    (found,) = [one for one in await told(world.owner) if one["task"] == {"id": task}]
    assert (found["groupCount"], found["actor"]["id"], found["emoji"]) == (1, world.member.id, "\U0001f44d")
    await world.member.do("removeReaction", {"subjectId": task, "emoji": "\U0001f44d"})
    assert await kinds(world.owner, task) == []


async def test_who_mutes_a_task_hears_nothing_of_it(world: World) -> None:
    task = await world.task(projectId=world.web)
    await world.viewer.do("updateTaskSubscription", {"taskId": task, "subscribed": True, "muted": True})
    await world.member.comment(task, f"Hello {mention(world.viewer)}")
    await world.member.do("updateTask", {"id": task, "addAssigneeIds": [world.viewer.id]})
    assert await kinds(world.viewer, task) == []
    await world.viewer.do("updateTaskSubscription", {"taskId": task, "muted": False})
    await world.member.comment(task, "Hello")
    assert await kinds(world.viewer, task) == [("COMMENT", 1)]


async def test_nothing_is_told_of_what_one_may_not_see_any_more(world: World) -> None:
    """Where a task goes out of sight, is deleted, or a guest loses its project, and where somebody leaves."""
    project = await world.project()
    await world.owner.do("addProjectGuest", {"projectId": project, "membershipId": world.membership(world.guest)})
    moved, deleted, lost = (
        await world.task(projectId=world.web, assigneeIds=[world.guest.id, world.member.id]),
        await world.task(projectId=world.web, assigneeIds=[world.guest.id, world.member.id]),
        await world.task(projectId=project, assigneeIds=[world.guest.id, world.member.id]),
    )
    await world.owner.do("moveTask", {"id": moved, "projectId": world.ops})
    await world.owner.do("deleteTask", {"id": deleted})
    guest = {"projectId": project, "membershipId": world.membership(world.guest)}
    await world.owner.do("removeProjectGuest", guest)
    assert await kinds(world.guest, moved, deleted, lost) == []
    assert await kinds(world.member, moved, deleted, lost) == [("ASSIGNED", 1), ("ASSIGNED", 1)]
    await world.owner.comment(moved, "Among us")
    assert await kinds(world.guest, moved) == []

    await clean(world.member)
    await world.owner.do("removeMember", {"id": world.membership(world.member)})
    assert await told(world.member) == []
    await world.owner.do("deleteWorkspace", {"id": world.id})
    for person in (world.guest, world.spare):
        assert (await page(person))["nodes"] == []
        assert (await page(person))["unreadCount"] == 0


async def test_a_read_one_is_hidden_with_its_task(world: World) -> None:
    task = await world.task(projectId=world.web, assigneeIds=[world.guest.id])
    (found,) = [one for one in await told(world.guest) if one["task"] == {"id": task}]
    await clean(world.guest)
    await world.owner.do("moveTask", {"id": task, "projectId": world.ops})
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await world.guest.ask(node, id=found["id"]))["node"] is None
    await world.owner.do("moveTask", {"id": task, "projectId": world.web})
    assert (await world.guest.ask(node, id=found["id"]))["node"] == {"id": found["id"]}
    assert (await world.member.ask(node, id=found["id"]))["node"] is None


async def test_a_removal_races_against_what_is_told(world: World) -> None:
    """Whoever was removed has nothing left of it, whichever came first."""
    people = await asyncio.gather(*[world.bring_in() for _ in range(4)])
    for person in people:
        task = await world.task()
        told_of = {"taskId": task, "body": mention(person)}
        await asyncio.gather(
            world.admin.do("removeMember", {"id": world.membership(person)}),
            *[who.try_("createComment", told_of) for who in (world.owner, world.member, world.spare)],
        )
        assert (await page(person))["unreadCount"] == 0
        assert (await page(person))["nodes"] == []


# ---- reading and marking


async def test_notifications_come_in_pages_and_by_filters(world: World) -> None:
    elsewhere = await world.owner.create_workspace("Other")
    await world.viewer.do("acceptInvite", {"token": await world.owner.invite(elsewhere)})
    tasks = [await world.task(f"Task {number}", assigneeIds=[world.viewer.id]) for number in range(5)]
    await world.owner.comment(tasks[0], mention(world.viewer))
    other = await world.owner.create_task(elsewhere, "There", assigneeIds=[world.viewer.id])
    everything = await told(world.viewer)
    assert [one["task"]["id"] for one in everything] == [other, tasks[0], *reversed(tasks)]

    seen, after = [], None
    while True:
        found = await page(world.viewer, first=3, after=after)
        seen += found["nodes"]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert seen == everything
    here = await page(world.viewer, workspace=world.id)
    assert (len(here["nodes"]), here["unreadCount"]) == (6, 6)
    mentions = await page(world.viewer, mentions=True)
    assert ([one["kind"] for one in mentions["nodes"]], mentions["unreadCount"]) == (["MENTION"], 1)
    await world.viewer.do("markNotifications", {"target": {"taskId": tasks[0]}, "read": True})
    unread = await page(world.viewer, unread=True, workspace=world.id)
    assert ([one["task"]["id"] for one in unread["nodes"]], unread["unreadCount"]) == (tasks[:0:-1], 4)
    for hidden in (world.stranger.personal_workspace_id, ghost("workspace"), "x"):
        assert await page(world.viewer, workspace=hidden) == {
            "unreadCount": 0,
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [],
        }


MARKED = "unreadCount notifications { id readAt }"


async def test_they_are_read_and_unread_by_ids_by_task_by_workspace_and_all(world: World) -> None:
    tasks = [await world.task(assigneeIds=[world.viewer.id]) for _ in range(4)]
    ids = [one["id"] for one in await told(world.viewer)]

    async def mark(target: dict[str, Any], read: bool) -> tuple[list[str], int]:
        payload = await world.viewer.do("markNotifications", {"target": target, "read": read}, MARKED)
        assert payload["eventCursor"] is None
        assert all((one["readAt"] is not None) == read for one in payload["notifications"])
        return sorted(one["id"] for one in payload["notifications"]), payload["unreadCount"]

    assert await mark({"ids": [ids[0], ids[1], ids[0]]}, True) == (sorted(ids[:2]), 2)
    assert await mark({"ids": [ids[0]]}, True) == ([], 2)
    assert await mark({"taskId": tasks[0]}, True) == ([ids[3]], 1)
    assert await mark({"ids": [ids[0]]}, False) == ([ids[0]], 2)
    assert await mark({"workspaceId": world.id}, True) == (sorted([ids[0], ids[2]]), 0)
    assert await mark({"all": True}, False) == (sorted(ids), 4)
    assert await mark({"all": True}, True) == (sorted(ids), 0)


async def test_only_ones_own_are_marked(world: World) -> None:
    await world.task(assigneeIds=[world.viewer.id])
    (found,) = await told(world.viewer)
    for target, path in (
        ({"ids": [found["id"]]}, "ids"),
        ({"ids": [ghost("notification")]}, "ids"),
        ({"ids": ["x"]}, "ids"),
        ({"taskId": world.ops_task}, "taskId"),
        ({"workspaceId": world.stranger.personal_workspace_id}, "workspaceId"),
    ):
        refusal = await world.guest.refused("markNotifications", {"target": target, "read": True})
        assert refusal == ("NOT_FOUND", ["input", "target", path])
    refusal = await world.guest.refused("markNotifications", {"target": {"all": False}, "read": True})
    assert refusal == ("INVALID", ["input", "target", "all"])
    assert (await told(world.viewer))[0]["readAt"] is None


# ---- what people want to hear

SETTINGS = """query ($id: ID!) { viewer { notificationSettings(workspaceId: $id) {
  id digest quietHours { from to } showPresence rules { scopeId kind channels } } } }"""


async def settings(person: Person, workspace_id: str) -> Any:
    return (await person.ask(SETTINGS, id=workspace_id))["viewer"]["notificationSettings"]


async def test_the_most_specific_rule_counts(world: World) -> None:
    async def rule(scope_id: str, channels: list[str] | None) -> None:
        asked = {"scopeId": scope_id, "kind": "ASSIGNED", "channels": channels}
        await world.viewer.do("updateNotificationRule", asked)

    async def is_told() -> bool:
        task = await world.task(projectId=world.web)
        await rule(task, by_task) if by_task is not None else None
        await world.owner.do("updateTask", {"id": task, "addAssigneeIds": [world.viewer.id]})
        return await kinds(world.viewer, task) == [("ASSIGNED", 1)]

    by_task: list[str] | None = None
    assert await is_told()
    await rule(world.id, [])
    assert not await is_told()
    await rule(world.web, ["IN_APP"])
    assert await is_told()
    by_task = []
    assert not await is_told()
    by_task = None
    await rule(world.web, None)
    assert not await is_told()
    await rule(world.id, None)
    assert await is_told()


async def test_settings_show_every_kind_and_what_was_set_besides(world: World) -> None:
    found = await settings(world.viewer, world.id)
    assert (found["digest"], found["quietHours"], found["showPresence"]) == ("NONE", None, True)
    defaults = {one["kind"]: one["channels"] for one in found["rules"]}
    assert {one["scopeId"] for one in found["rules"]} == {world.id}
    assert (defaults["MENTION"], defaults["COMMENT"]) == (["IN_APP", "EMAIL"], ["IN_APP"])
    assert len(defaults) == 9
    for scope, channels in ((world.id, ["EMAIL", "IN_APP"]), (world.web, []), (world.web_task, ["EMAIL"])):
        asked = {"scopeId": scope, "kind": "COMMENT", "channels": channels}
        payload = await world.viewer.do(
            "updateNotificationRule", asked, "settings { id rules { scopeId kind channels } }"
        )
    rules = [(one["scopeId"], one["channels"]) for one in payload["settings"]["rules"] if one["kind"] == "COMMENT"]
    assert sorted(rules) == sorted([(world.id, ["IN_APP", "EMAIL"]), (world.web, []), (world.web_task, ["EMAIL"])])
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await world.viewer.ask(node, id=found["id"]))["node"] == {"id": found["id"]}
    assert (await world.owner.ask(node, id=found["id"]))["node"] is None

    changes: dict[str, Any] = {"digest": "DAILY", "quietHours": {"from": "22:00", "to": "07:30"}, "showPresence": False}
    asked = {"workspaceId": world.id, **changes}
    await world.viewer.do("updateNotificationSettings", asked)
    after = await settings(world.viewer, world.id)
    assert {name: after[name] for name in changes} == changes
    await world.viewer.do("updateNotificationSettings", {"workspaceId": world.id})
    assert await settings(world.viewer, world.id) == after
    await world.viewer.do("updateNotificationSettings", {"workspaceId": world.id, "quietHours": None})
    assert (await settings(world.viewer, world.id))["quietHours"] is None
    assert (await settings(world.owner, world.id))["digest"] == "NONE"
    assert await settings(world.outsider, world.id) is None


async def test_a_preference_is_for_a_scope_that_one_sees(world: World) -> None:
    for scope in (world.ops, world.ops_task, ghost("task"), world.stranger.personal_workspace_id, "x", world.label):
        asked = {"scopeId": scope, "kind": "COMMENT", "channels": []}
        assert await world.guest.refused("updateNotificationRule", asked) == ("NOT_FOUND", ["input", "scopeId"])
    asked = {"scopeId": world.id, "kind": "INVITED", "channels": []}
    assert await world.guest.refused("updateNotificationRule", asked) == ("INVALID", ["input", "kind"])
    for hours, path in (({"from": "7:00", "to": "08:00"}, "from"), ({"from": "07:00", "to": "24:00"}, "to")):
        asked = {"workspaceId": world.id, "quietHours": hours}
        refusal = await world.guest.refused("updateNotificationSettings", asked)
        assert refusal == ("INVALID", ["input", "quietHours", path])


async def test_channels_other_than_the_app_do_not_show_in_it(world: World) -> None:
    await world.viewer.do("updateNotificationRule", {"scopeId": world.id, "kind": "ASSIGNED", "channels": ["EMAIL"]})
    task = await world.task(assigneeIds=[world.viewer.id])
    assert await kinds(world.viewer, task) == []
    assert (await page(world.viewer))["unreadCount"] == 0
