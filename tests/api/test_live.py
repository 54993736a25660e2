"""Changes reach everybody at once, also across processes."""

from __future__ import annotations

import pytest

from tests.people import Api


async def test_a_change_on_one_process_reaches_a_member_on_the_other(api: Api, other_api: Api) -> None:
    ann = await api.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    bob = (await ann.bring_in(workspace_id)).on(other_api)
    async with bob.listening(workspace_id) as stream:
        task_id = await ann.create_task(workspace_id, "Write it down")
        created = await stream.event(lambda event: event["__typename"] == "TaskCreatedEvent")
        assert created["task"]["id"] == task_id
        assert created["actor"]["id"] == ann.id
        await bob.do("updateTask", {"id": task_id, "title": "Say it"})
        updated = await stream.event(lambda event: event["__typename"] == "TaskUpdatedEvent")
        assert updated["changes"] == [{"field": "TITLE", "before": "Write it down", "after": "Say it"}]


async def test_nothing_is_missed_between_a_query_and_a_subscription(api: Api) -> None:
    ann = await api.sign_up()
    workspace_id = await ann.create_workspace()
    cursor = await ann.cursor(workspace_id)
    titles = [f"Task {number}" for number in range(5)]
    for title in titles:
        await ann.create_task(workspace_id, title)
    async with ann.listening(workspace_id, after=cursor) as stream:
        assert [event["task"]["title"] for event in stream.events] == titles


async def test_a_removed_members_stream_ends_at_the_removal(api: Api, other_api: Api) -> None:
    ann = await api.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    bob = await ann.bring_in(workspace_id)
    async with bob.on(other_api).listening(workspace_id) as stream:
        await ann.create_task(workspace_id, "Before")
        await ann.do("removeMember", {"id": await ann.membership_id(workspace_id, bob.id)})
        await ann.create_task(workspace_id, "After")
        end = await stream.end()
        assert end["type"] == "error"
        assert end["payload"][0]["extensions"]["code"] == "ACCESS_REVOKED"
        assert [event["task"]["title"] for event in stream.events if "task" in event] == ["Before"]
        # The socket stays: another subscription on it still works.
        personal = await stream.socket.subscribe(
            "subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { cursor } }", id=bob.personal_workspace_id
        )
        await personal.until(lambda batch: bool(batch["cursor"]))


async def test_two_guests_with_the_same_rights_are_each_told_what_they_themselves_may_do(api: Api) -> None:
    ann = await api.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    made = await ann.do("createProject", {"workspaceId": workspace_id, "name": "Web", "key": "WEB"}, "project { id }")
    project_id = made["project"]["id"]
    gus, gwen = [await ann.bring_in(workspace_id, "GUEST", name, projectIds=[project_id]) for name in ("Gus", "Gwen")]
    query = """subscription ($id: ID!) { workspaceEvents(workspaceId: $id) { cursor caughtUp events {
      ... on TaskCreatedEvent { task { title viewerPermissions } }
      ... on TaskUpdatedEvent { task { title viewerPermissions } } } } }"""
    async with gus.socket() as one, gwen.socket() as two:
        streams = [await socket.subscribe(query, id=workspace_id) for socket in (one, two)]
        for stream in streams:
            await stream.until(lambda batch: batch["caughtUp"])
        task_ids = [
            await author.create_task(workspace_id, f"Of {author.name}", projectId=project_id) for author in (gus, gwen)
        ]
        for author, task_id in zip((gus, gwen), task_ids, strict=True):
            await ann.do("updateTask", {"id": task_id, "title": f"Ann's, of {author.name}"})
        for stream, mine, others in ((streams[0], "Gus", "Gwen"), (streams[1], "Gwen", "Gus")):
            await stream.event(lambda event: event["task"]["title"] == "Ann's, of Gwen")
            may_delete = {
                event["task"]["title"]: "TASK_DELETE" in event["task"]["viewerPermissions"] for event in stream.events
            }
            assert may_delete == {
                f"Of {mine}": True,
                f"Ann's, of {mine}": True,
                f"Of {others}": False,
                f"Ann's, of {others}": False,
            }


@pytest.mark.parametrize(
    ("code", "frames"),
    [
        (1009, ['{"type":"ping","payload":{"x":"' + "y" * 65_536 + '"}}']),
        (1013, ['{"type":"pong"}'] * 200),
    ],
)
async def test_frames_over_the_limits_close_the_socket_and_no_other(api: Api, code: int, frames: list[str]) -> None:
    ann = await api.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    async with ann.listening(workspace_id) as stream, ann.listening(workspace_id) as other:
        for frame in frames:
            await stream.socket.send(frame)
        assert (await stream.end())["code"] == code
        await ann.create_task(workspace_id, "After")
        await other.event(lambda event: event["task"]["title"] == "After")
