"""Changes reach everybody at once, also across processes."""

from __future__ import annotations

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
