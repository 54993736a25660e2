"""Due dates: who is told of them, once, in the morning where they live, and when it is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.ids import new_id
from db.models import NotificationKind
from db.reminders import Due, delete_old_reminders
from db.session import Database
from db.unit_of_work import Writer
from domain import reminders
from jobs.reminders import remind
from realtime.counters import Counters
from realtime.publisher import Publisher
from tests.api.test_notification_events import following, until_kinds
from tests.api.test_notifications import told
from tests.api.world import World, make_world
from tests.people import Api, Person
from tests.stack_fixture import TestStack

DUE = date(2031, 5, 14)
EVENING = datetime(2031, 5, 13, 20, 0, tzinfo=UTC)
"""Of the day before."""
LATE = datetime(2031, 5, 15, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "soon", "late"),
    [
        ("UTC", datetime(2031, 5, 13, 7, 59, tzinfo=UTC), False, False),
        ("UTC", datetime(2031, 5, 13, 8, 0, tzinfo=UTC), True, False),
        ("UTC", datetime(2031, 5, 14, 23, 59, tzinfo=UTC), True, False),
        ("UTC", datetime(2031, 5, 15, 7, 59, tzinfo=UTC), False, False),
        ("UTC", datetime(2031, 5, 15, 8, 0, tzinfo=UTC), False, True),
        ("UTC", datetime(2031, 5, 21, 23, 0, tzinfo=UTC), False, True),
        ("UTC", datetime(2031, 5, 22, 8, 0, tzinfo=UTC), False, False),
        ("Asia/Tokyo", datetime(2031, 5, 12, 23, 0, tzinfo=UTC), True, False),
        ("Asia/Tokyo", datetime(2031, 5, 14, 23, 0, tzinfo=UTC), False, True),
        ("America/Los_Angeles", datetime(2031, 5, 13, 14, 59, tzinfo=UTC), False, False),
        ("America/Los_Angeles", datetime(2031, 5, 15, 6, 59, tzinfo=UTC), True, False),
        ("America/Los_Angeles", datetime(2031, 5, 15, 15, 0, tzinfo=UTC), False, True),
    ],
)
def test_the_time_to_tell_of_a_date_is_a_morning_where_one_lives(
    zone: str, at: datetime, soon: bool, late: bool
) -> None:
    found = reminders.window(zone, at)
    assert (found.soon[0] <= DUE <= found.soon[1], found.late[0] <= DUE <= found.late[1]) == (soon, late)


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    """One for all tests, each of which looks only at its own tasks."""
    return await make_world(api)


@pytest.fixture
async def database(stack: TestStack) -> AsyncIterator[Database]:
    opened = Database(stack.database_url)
    yield opened
    await opened.close()


async def run(database: Database, at: datetime) -> None:
    await remind(Writer(database, lambda events: None), database, at)


async def due(person: Person, *tasks: str) -> list[str]:
    """The kinds of reminders that somebody sees of these tasks, the newest first."""
    return [
        one["kind"]
        for one in await told(person)
        if one["kind"] in {"DUE_SOON", "OVERDUE"} and one["task"]["id"] in tasks
    ]


def dated(*people: Person, **more: Any) -> dict[str, Any]:
    return {"dueDate": DUE.isoformat(), "assigneeIds": [one.id for one in people], **more}


async def test_assignees_are_told_once_that_it_is_due_soon_and_that_it_is_overdue(
    world: World, database: Database
) -> None:
    task = await world.task(**dated(world.member, world.viewer, world.owner))
    undated = await world.task(assigneeIds=[world.member.id])
    await run(database, EVENING - timedelta(days=1))
    assert await due(world.member, task) == []
    for _ in range(3):
        await run(database, EVENING)
    for person in (world.member, world.viewer, world.owner):
        assert await due(person, task) == ["DUE_SOON"]
    assert await due(world.admin, task) == []
    assert await due(world.member, undated) == []
    (found,) = [one for one in await told(world.member) if one["kind"] == "DUE_SOON" and one["task"]["id"] == task]
    assert (found["actor"]["name"], found["groupCount"]) == ("Tutti", 1)

    await world.viewer.do("markNotifications", {"target": {"taskId": task}, "read": True})
    for hours in (0, 1, 30):
        await run(database, LATE + timedelta(hours=hours))
    # That it was soon to be due is no news once it was.
    assert await due(world.member, task) == ["OVERDUE"]
    assert await due(world.viewer, task) == ["OVERDUE", "DUE_SOON"]
    await world.owner.do("updateTask", {"id": task, "addAssigneeIds": [world.spare.id]})
    await run(database, LATE)
    assert await due(world.spare, task) == ["OVERDUE"]
    assert await due(world.member, task) == ["OVERDUE"]


async def test_followers_who_need_not_do_it_are_not_told(world: World, database: Database) -> None:
    task = await world.task(**dated(world.member))
    await world.viewer.do("updateTaskSubscription", {"taskId": task, "subscribed": True})
    await run(database, EVENING)
    assert await due(world.viewer, task) == []
    assert await due(world.owner, task) == []


@pytest.mark.parametrize("how", ["DONE", "CANCELED", "archived", "deleted", "undated", "unassigned"])
async def test_what_is_told_is_taken_back_with_its_cause_and_not_told_without_it(
    world: World, database: Database, how: str
) -> None:
    before, after = [await world.task(**dated(world.member)) for _ in range(2)]

    async def end(task: str) -> None:
        if how in world.statuses:
            await world.owner.do("moveTask", {"id": task, "statusId": world.statuses[how]})
        elif how == "archived":
            await world.owner.do("archiveTask", {"id": task})
        elif how == "deleted":
            await world.owner.do("deleteTask", {"id": task})
        elif how == "undated":
            await world.owner.do("updateTask", {"id": task, "dueDate": None})
        else:
            await world.owner.do("updateTask", {"id": task, "removeAssigneeIds": [world.member.id]})

    await end(before)
    await run(database, EVENING)
    assert await due(world.member, before, after) == ["DUE_SOON"]
    await end(after)
    assert await due(world.member, before, after) == []
    await run(database, EVENING)
    await run(database, LATE)
    assert await due(world.member, before, after) == []


async def test_a_date_that_moves_is_told_anew_and_one_that_comes_back_unless_it_was_read(
    world: World, database: Database
) -> None:
    task = await world.task(**dated(world.member, world.spare))
    await run(database, EVENING)
    await world.spare.do("markNotifications", {"target": {"taskId": task}, "read": True})
    later = DUE + timedelta(days=10)
    await world.owner.do("updateTask", {"id": task, "dueDate": later.isoformat()})
    assert await due(world.member, task) == []
    await run(database, LATE)
    assert await due(world.member, task) == []
    await world.owner.do("updateTask", {"id": task, "dueDate": DUE.isoformat()})
    await run(database, EVENING)
    assert await due(world.member, task) == ["DUE_SOON"]
    assert await due(world.spare, task) == ["DUE_SOON"]
    await world.owner.do("updateTask", {"id": task, "dueDate": later.isoformat()})
    await run(database, EVENING + timedelta(days=10))
    assert await due(world.member, task) == ["DUE_SOON"]
    assert await due(world.spare, task) == ["DUE_SOON", "DUE_SOON"]


async def test_who_mutes_it_or_wants_none_of_its_kind_is_not_told(world: World, database: Database) -> None:
    task = await world.task(**dated(world.member, world.viewer, world.spare))
    await world.member.do("updateTaskSubscription", {"taskId": task, "subscribed": True, "muted": True})
    rule = {"scopeId": task, "kind": "DUE_SOON", "channels": []}
    await world.viewer.do("updateNotificationRule", rule)
    await run(database, EVENING)
    assert [await due(one, task) for one in (world.member, world.viewer, world.spare)] == [[], [], ["DUE_SOON"]]


async def test_who_is_removed_or_sees_it_no_longer_is_not_told(api: Api, database: Database) -> None:
    world = await make_world(api)
    tasks = [await world.task(**dated(world.spare, world.guest, projectId=world.web)) for _ in range(2)]
    await run(database, EVENING)
    assert await due(world.guest, *tasks) == ["DUE_SOON", "DUE_SOON"]
    await world.owner.do("removeMember", {"id": world.membership(world.spare)})
    assert await due(world.spare, *tasks) == []
    await world.owner.do("moveTask", {"id": tasks[0], "projectId": world.ops})
    guest = {"projectId": world.web, "membershipId": world.membership(world.guest)}
    await world.owner.do("removeProjectGuest", guest)
    await run(database, LATE)
    assert await told(world.spare) == []
    assert await due(world.guest, *tasks) == []


async def test_processes_that_run_at_once_tell_it_once(world: World, database: Database) -> None:
    tasks = [await world.task(f"Task {number}", **dated(world.member, world.spare)) for number in range(8)]
    await asyncio.gather(*[run(database, EVENING) for _ in range(4)])
    for person in (world.member, world.spare):
        assert await due(person, *tasks) == ["DUE_SOON"] * 8
        counts = [one["groupCount"] for one in await told(person) if (one["task"] or {}).get("id") in tasks]
        assert set(counts) == {1}


async def test_whoever_listens_hears_it_at_once_from_another_process(
    world: World, database: Database, stack: TestStack
) -> None:
    """By the publisher alone, as the jobs' process has nothing else of real time."""
    counters = Counters()
    publisher = Publisher(stack.redis_url, counters)
    publishing = asyncio.create_task(publisher.run())
    try:
        task = await world.task(**dated(world.spare))
        async with following(world.spare) as stream:
            before = len(stream.batches)
            writer = Writer(database, publisher.announce, publisher.announce_heads)
            await remind(writer, database, EVENING)
            await until_kinds(stream, task, ("ASSIGNED", 1, False), ("DUE_SOON", 1, False))
            assert len(stream.batches) > before
            assert (counters.published > 0, counters.publish_failures, counters.publish_skipped) == (True, 0, 0)
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)


async def test_a_change_between_finding_and_telling_counts(world: World, database: Database) -> None:
    task = await world.task(**dated(world.member))
    raw = [UUID(one.rpartition("_")[2]) for one in (world.id, task, world.member.id)]
    stale = Due(raw[0], raw[1], NotificationKind.DUE_SOON, DUE - timedelta(days=1), (raw[2], new_id()))
    writer = Writer(database, lambda events: None)
    await writer.run(reminders.SYSTEM, lambda uow: reminders.remind(uow, stale))
    assert await due(world.member, task) == []


async def test_what_was_told_long_ago_is_forgotten(world: World, database: Database) -> None:
    task = await world.task(**dated(world.member))
    await run(database, EVENING)
    limit = reminders.forgotten_before(LATE + timedelta(days=100))
    assert limit > DUE
    await database.alone(lambda session: delete_old_reminders(session, limit))
    await run(database, LATE + timedelta(days=100))
    assert await due(world.member, task) == ["DUE_SOON"]
