"""Talking about a task: threads, mentions, reactions, and who follows it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.world import World, ghost, make_world, minted
from tests.people import Api, Person

TALK = """query ($id: ID!) { task(by: {id: $id}) {
  version commentCount subscribers { id } viewerSubscribed viewerMuted
  reactions { emoji count viewerReacted users { id } }
  comments(first: 100) { totalCount nodes {
    id version body resolvedAt editedAt author { id } parent { id } mentions { id }
    reactions { emoji count viewerReacted users { id } }
  } }
} }"""
LIKE, HEART = "\U0001f44d", "\u2764\ufe0f"
FLAG, FAMILY = "\U0001f1e9\U0001f1ea", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def talk(person: Person, task_id: str) -> Any:
    return (await person.ask(TALK, id=task_id))["task"]


def mention(*people: Person) -> str:
    return " ".join(f"@[{one.id}]" for one in people)


async def test_threads_have_two_levels(world: World) -> None:
    task = await world.task(projectId=world.web)
    first = await world.member.comment(task, "First")
    second = await world.guest.comment(task, "Second", parentId=first)
    third = await world.owner.comment(task, "Third", parentId=second)
    found = await talk(world.viewer, task)
    assert [(one["body"], one["parent"], one["author"]["id"]) for one in found["comments"]["nodes"]] == [
        ("First", None, world.member.id),
        ("Second", {"id": first}, world.guest.id),
        ("Third", {"id": first}, world.owner.id),
    ]
    assert found["commentCount"] == found["comments"]["totalCount"] == 3
    assert found["version"] == 1

    await world.member.do("deleteComment", {"id": first})
    left = await talk(world.viewer, task)
    assert [(one["id"], one["parent"]) for one in left["comments"]["nodes"]] == [(second, None), (third, None)]
    assert left["commentCount"] == 2
    late = await world.owner.comment(task, "Late", parentId=third)
    assert (await talk(world.owner, task))["comments"]["nodes"][-1]["parent"] == {"id": third}
    assert await world.owner.refused("updateComment", {"id": late, "resolved": True}) == (
        "INVALID",
        ["input", "resolved"],
    )


async def test_a_reply_belongs_to_a_comment_of_the_same_task(world: World) -> None:
    elsewhere = await world.comment(world.web_task)
    for parent in (elsewhere, ghost("comment"), world.web_task):
        asked = {"taskId": world.ops_task, "parentId": parent, "body": "Well"}
        assert await world.owner.refused("createComment", asked) == ("NOT_FOUND", ["input", "parentId"])


@pytest.mark.parametrize(
    ("body", "code"), [("", "REQUIRED"), (" \n", "REQUIRED"), ("x" * 20_001, "TOO_LONG"), ("a\0b", "INVALID")]
)
async def test_a_comment_says_something_within_bounds(world: World, body: str, code: str) -> None:
    asked = {"taskId": world.web_task, "body": body}
    assert await world.owner.refused("createComment", asked) == (code, ["input", "body"])


async def test_an_id_made_by_the_client_stays_and_is_taken_once(world: World) -> None:
    made = minted("comment")
    assert await world.owner.comment(world.web_task, id=made) == made
    refusal = await world.member.refused("createComment", {"taskId": world.web_task, "id": made, "body": "Mine"})
    assert refusal == ("ALREADY_EXISTS", ["input", "id"])


async def test_only_members_who_see_the_task_can_be_mentioned(world: World) -> None:
    seen = mention(world.guest, world.viewer, world.owner)
    comment = await world.member.comment(world.web_task, f"{seen} and {seen}")
    (found,) = [one for one in (await talk(world.owner, world.web_task))["comments"]["nodes"] if one["id"] == comment]
    assert [one["id"] for one in found["mentions"]] == [world.guest.id, world.viewer.id, world.owner.id]
    for hidden in (world.other_guest, world.outsider, world.stranger, world.removed):
        body = {"body": f"Hello {mention(hidden)}"}
        asked = {"taskId": world.web_task, **body}
        assert await world.member.refused("createComment", asked) == ("NOT_FOUND", ["input", "body"])
        assert await world.member.refused("updateComment", {"id": comment, **body}) == ("NOT_FOUND", ["input", "body"])
        described = {"description": f"For {mention(hidden)}"}
        for mutation, target in (("updateTask", {"id": world.web_task}), ("createTask", {"workspaceId": world.id})):
            more = {"title": "New", "projectId": world.web} if mutation == "createTask" else {}
            refusal = await world.member.refused(mutation, {**target, **described, **more})
            assert refusal == ("NOT_FOUND", ["input", "description"])


async def test_a_text_keeps_its_mention_of_somebody_who_left(world: World) -> None:
    person = await world.bring_in()
    task = await world.task(projectId=world.web, description=f"With {mention(person)}")
    comment = await world.comment(task, f"Ask {mention(person)}")
    await world.owner.do("removeMember", {"id": world.membership(person)})
    await world.owner.do("updateComment", {"id": comment, "body": f"Do ask {mention(person)}"})
    await world.owner.do("updateTask", {"id": task, "description": f"Still with {mention(person)}"})
    assert await world.owner.refused("createComment", {"taskId": task, "body": mention(person)}) == (
        "NOT_FOUND",
        ["input", "body"],
    )


async def test_at_most_a_hundred_are_mentioned_at_once(world: World) -> None:
    body = " ".join(f"@[{ghost('user')}]" for _ in range(101))
    asked = {"taskId": world.web_task, "body": body}
    assert await world.owner.refused("createComment", asked) == ("LIMIT_REACHED", ["input", "body"])


async def test_a_comment_is_changed_by_its_author_and_judged_by_its_version(world: World) -> None:
    comment = await world.member.comment(world.web_task, "One")
    await world.owner.do("updateComment", {"id": comment, "baseVersion": 1, "resolved": True})
    await world.member.do("updateComment", {"id": comment, "baseVersion": 1, "body": "Two"})
    payload = await world.member.try_(
        "updateComment", {"id": comment, "baseVersion": 2, "body": "Three"}, "comment { body }"
    )
    assert payload["userErrors"][0]["code"] == "CONFLICT"
    assert payload["comment"] == {"body": "Two"}
    (found,) = [one for one in (await talk(world.owner, world.web_task))["comments"]["nodes"] if one["id"] == comment]
    assert (found["version"], found["body"]) == (3, "Two")
    assert found["resolvedAt"] is not None
    assert found["editedAt"] is not None


async def test_a_comment_goes_and_comes_with_its_task(world: World) -> None:
    task = await world.task(projectId=world.web)
    comment = await world.comment(task)
    node = "query ($id: ID!) { node(id: $id) { id } }"
    await world.owner.do("deleteTask", {"id": task})
    assert (await world.owner.ask(node, id=comment))["node"] is None
    assert await world.owner.refused("updateComment", {"id": comment, "resolved": True}) == (
        "NOT_FOUND",
        ["input", "id"],
    )
    await world.owner.do("restoreTask", {"id": task})
    assert (await world.owner.ask(node, id=comment))["node"] == {"id": comment}
    await world.owner.do("moveTask", {"id": task, "projectId": world.ops})
    assert (await world.guest.ask(node, id=comment))["node"] is None


async def test_reactions_are_one_of_a_kind_for_each_person(world: World) -> None:
    task = await world.task(projectId=world.web)
    for person, emoji in ((world.member, LIKE), (world.guest, LIKE), (world.guest, HEART), (world.guest, LIKE)):
        payload = await person.do("addReaction", {"subjectId": task, "emoji": emoji}, "reactions { emoji count }")
    assert payload["reactions"] == [{"emoji": LIKE, "count": 2}, {"emoji": HEART, "count": 1}]
    assert payload["eventCursor"] is None
    found = await talk(world.member, task)
    assert found["reactions"] == [
        {"emoji": LIKE, "count": 2, "viewerReacted": True, "users": [{"id": world.guest.id}, {"id": world.member.id}]},
        {"emoji": HEART, "count": 1, "viewerReacted": False, "users": [{"id": world.guest.id}]},
    ]
    assert found["version"] == 1
    payload = await world.member.do("removeReaction", {"subjectId": task, "emoji": LIKE}, "reactions { emoji count }")
    assert payload["reactions"] == [{"emoji": LIKE, "count": 1}, {"emoji": HEART, "count": 1}]


@pytest.mark.parametrize("emoji", ["", "x", "ok", "<b>", LIKE + "x", LIKE * 20, LIKE + HEART, "1", " ", "!", FLAG * 2])
async def test_one_reacts_with_an_emoji_alone(world: World, emoji: str) -> None:
    refusal = await world.owner.refused("addReaction", {"subjectId": world.web_task, "emoji": emoji})
    assert refusal == ("INVALID", ["input", "emoji"])


@pytest.mark.parametrize("emoji", [LIKE, HEART, "1\ufe0f\u20e3", FLAG, "\U0001f44d\U0001f3fd", "\u203c\ufe0f", FAMILY])
async def test_an_emoji_may_be_made_of_several_characters(world: World, emoji: str) -> None:
    task = await world.task()
    payload = await world.owner.do("addReaction", {"subjectId": task, "emoji": emoji}, "reactions { emoji }")
    assert payload["reactions"] == [{"emoji": emoji}]


async def test_at_most_fifty_emojis_are_on_one_thing(world: World) -> None:
    task = await world.task()
    for number in range(50):
        await world.owner.do("addReaction", {"subjectId": task, "emoji": chr(0x1F600 + number)})
    refusal = await world.owner.refused("addReaction", {"subjectId": task, "emoji": LIKE})
    assert refusal == ("LIMIT_REACHED", ["input", "emoji"])
    await world.member.do("addReaction", {"subjectId": task, "emoji": chr(0x1F600)})


async def test_who_has_to_do_with_a_task_follows_it(world: World) -> None:
    task = await world.owner.create_task(
        world.id, "Do it", projectId=world.web, assigneeIds=[world.guest.id], description=mention(world.viewer)
    )
    await world.member.comment(task, f"{mention(world.admin)}, see")
    await world.owner.do("updateTask", {"id": task, "addAssigneeIds": [world.spare.id]})
    names = ("owner", "guest", "viewer", "member", "admin", "spare")
    everybody = [getattr(world, name).id for name in names]
    assert [one["id"] for one in (await talk(world.owner, task))["subscribers"]] == everybody
    for name in names:
        assert (await talk(getattr(world, name), task))["viewerSubscribed"]

    # What somebody has said stands, whatever happens.
    await world.spare.do("updateTaskSubscription", {"taskId": task, "subscribed": False})
    await world.spare.comment(task, "Not for me")
    await world.owner.do("moveTask", {"id": task, "projectId": world.ops})
    left = ["owner", "viewer", "member", "admin"]
    found = await talk(world.spare, task)
    assert [one["id"] for one in found["subscribers"]] == [getattr(world, name).id for name in left]
    assert not found["viewerSubscribed"]


async def test_muting_is_apart_from_following(world: World) -> None:
    task = await world.task()
    await world.owner.do("updateTaskSubscription", {"taskId": task, "muted": True})
    found = await talk(world.owner, task)
    assert (found["viewerSubscribed"], found["viewerMuted"]) == (True, True)
    await world.owner.do("updateTaskSubscription", {"taskId": task, "subscribed": False, "muted": False})
    found = await talk(world.owner, task)
    assert (found["viewerSubscribed"], found["viewerMuted"]) == (False, False)


async def test_who_comes_back_follows_nothing(world: World) -> None:
    person = await world.bring_in()
    await person.do("updateTaskSubscription", {"taskId": world.web_task, "subscribed": True})
    await world.owner.do("removeMember", {"id": world.membership(person)})
    await person.do("acceptInvite", {"token": await world.owner.invite(world.id)})
    assert not (await talk(person, world.web_task))["viewerSubscribed"]


SEARCH = """query ($id: ID!, $words: String!) {
  searchTasks(workspaceId: $id, query: $words) { totalCount nodes { id } } }"""


async def test_a_search_finds_what_was_said(world: World) -> None:
    talked, titled, hidden = await world.task(), await world.task("A quokka"), await world.task(projectId=world.ops)
    said = await world.comment(talked, "I saw a quokka yesterday")
    await world.comment(hidden, "No quokka here")

    async def found(person: Person, words: str) -> list[str]:
        page = (await person.ask(SEARCH, id=world.id, words=words))["searchTasks"]
        assert page["totalCount"] == len(page["nodes"])
        return [one["id"] for one in page["nodes"]]

    assert (await found(world.owner, "quokk"))[0] == titled
    assert set(await found(world.owner, "quokka")) == {talked, titled, hidden}
    assert await found(world.owner, '"saw a quokka"') == [talked]
    assert await found(world.guest, "quokka") == []
    await world.owner.do("updateComment", {"id": said, "body": "I saw nothing"})
    assert set(await found(world.owner, "quokka")) == {titled, hidden}
