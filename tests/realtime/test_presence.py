"""Who is here, over two processes on one Redis: tabs folded into people, what they do, and who is told."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from db.ids import new_id
from db.models import Role
from db.presence import ActivityMode, Attendee, presences_of
from db.scope import project_tag
from realtime import presence_room
from realtime.follow import AccessRevoked, NotVisible
from realtime.group import Group
from realtime.listener import Listener
from realtime.presence_pace import BURST, PER_SECOND, Pace
from realtime.presence_place import Place
from realtime.presence_room import BIG_ROOM, GATHER_SECONDS, Room, Viewer
from realtime.presence_state import Status
from realtime.presence_store import Doing
from realtime.topic import Inbox, Topic
from realtime.turn import turn
from tests.realtime.hall import Hall, attending
from tests.realtime.world import Manner, Node, change, eventually
from tests.stack_fixture import TestStack

MEMBERS = frozenset({"members"})


@pytest.fixture
async def node(stack: TestStack) -> AsyncIterator[Node]:
    async with attending(stack.database_url, stack.redis_url) as one:
        yield one


@pytest.fixture
async def other(stack: TestStack) -> AsyncIterator[Node]:
    async with attending(stack.database_url, stack.redis_url) as one:
        yield one


@pytest.fixture
async def hall(node: Node) -> AsyncIterator[Hall]:
    made = Hall(await node.world.workspace())
    yield made
    await made.close()


async def people(node: Node, hall: Hall, count: int = 2, role: Role = Role.MEMBER) -> list[UUID]:
    return [await node.world.member(hall.workspace_id, role) for _ in range(count)]


def editing(task: UUID, field: str | None = "TITLE", audience: frozenset[str] = MEMBERS) -> Doing:
    return Doing(task, field, ActivityMode.EDITING, audience)


async def test_an_open_tab_is_somebody_online_for_all_processes(node: Node, other: Node, hall: Hall) -> None:
    ann, bob = await people(node, hall)
    here, there = await hall.view(node, ann), await hall.view(other, ann)
    assert here.people == {}
    await hall.open(node, bob)
    for view in (here, there):
        await view.until(lambda one: one.status(bob) is Status.ONLINE)
    late = await hall.view(other, ann)
    assert late.status(bob) is Status.ONLINE
    assert late.told[0].is_snapshot
    assert not late.told[0].is_stale


async def test_a_change_is_heeded_in_the_turn_in_which_it_comes(node: Node, hall: Hall) -> None:
    (ann,) = await people(node, hall, 1)
    await hall.view(node, ann)
    topic = node.realtime.hub._topics[hall.workspace_id]
    room = node.realtime.presences._places[hall.workspace_id].room
    seen: list[tuple[int, int]] = []
    topic.listen(lambda: turn.write(lambda: seen.append((room.position, topic.last))))
    last = await node.write(hall.workspace_id)
    await eventually(lambda: bool(seen) and seen[-1][1] == last)
    assert all(heeded == heard for heeded, heard in seen)


async def test_closing_one_of_two_tabs_is_no_news(node: Node, other: Node, hall: Hall) -> None:
    ann, bob, eve = await people(node, hall, 3)
    view = await hall.view(node, ann)
    one, _ = await hall.open(node, bob), await hall.open(other, bob)
    await view.until(lambda seen: seen.status(bob))
    await hall.shut(one)
    await hall.open(node, eve)
    await view.until(lambda seen: seen.status(eve))
    assert len(view.said_of(bob)) == 1


async def test_a_workspace_everybody_has_left_leaves_nothing_that_must_be_searched_for(node: Node, hall: Hall) -> None:
    kinds = {Topic, Group, Listener, Inbox, Place, Room, Viewer, presence_room.Group}

    def left() -> int:
        return sum(type(one) in kinds for one in gc.get_objects())

    (ann,) = await people(node, hall, 1)
    gc.collect()
    before = left()
    gc.disable()
    try:
        await hall.open(node, ann)
        view = await hall.view(node, ann)
        following = await node.follow(hall.workspace_id, ann, manner=Manner.SHARED_LATER)
        await view.until(lambda one: one.status(ann))
        await eventually(lambda: node.realtime.presences._places[hall.workspace_id].swept_to)
        await following.until_seq(await node.write(hall.workspace_id))
        await eventually(lambda: following.shared)
        assert left() >= before + len(kinds)
        await following.stop()
        await hall.close()
        await eventually(lambda: left() <= before)
    finally:
        gc.enable()


async def test_the_last_tab_closed_is_one_departure_and_remembered(node: Node, other: Node, hall: Hall) -> None:
    ann, bob = await people(node, hall)
    here, there = await hall.view(node, ann), await hall.view(other, ann)
    tab = await hall.open(node, bob)
    await there.until(lambda seen: seen.status(bob))
    began = time.monotonic()
    await hall.shut(tab)
    for view in (here, there):
        await view.until(lambda seen: seen.departures(bob))
    assert time.monotonic() - began > 4, "a reload would have been told"
    assert here.departures(bob) == there.departures(bob) == 1
    assert (await hall.view(other, ann)).people == {}
    seen_at = here.said_of(bob)[-1].seen_at
    assert seen_at is not None

    async def is_kept() -> bool:
        stored = await node.database.alone(lambda session: presences_of(session, hall.workspace_id, [bob]))
        return stored[bob].last_seen_at == seen_at

    async with asyncio.timeout(30):
        while not await is_kept():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.05)


async def test_a_reload_is_no_news(node: Node, other: Node, hall: Hall) -> None:
    ann, bob, eve = await people(node, hall, 3)
    view = await hall.view(node, ann)
    tab = await hall.open(node, bob)
    await view.until(lambda seen: seen.status(bob))
    await hall.shut(tab)
    await hall.open(other, bob)
    last = await hall.open(node, eve)
    await view.until(lambda seen: seen.status(eve))
    await hall.shut(last)
    await view.until(lambda seen: seen.departures(eve))  # and bob would have gone before
    assert len(view.said_of(bob)) == 1


async def test_what_tabs_say_is_folded_into_one_status(node: Node, other: Node, hall: Hall) -> None:
    ann, bob = await people(node, hall)
    view = await hall.view(node, ann)
    one, two = await hall.open(node, bob), await hall.open(other, bob)
    await view.until(lambda seen: seen.status(bob) is Status.ONLINE)
    await hall.say(node, bob, one, Status.AWAY)
    await view.until(lambda seen: seen.status(bob) is Status.AWAY)  # the other has said nothing
    await hall.say(other, bob, two, Status.ONLINE)
    await view.until(lambda seen: seen.status(bob) is Status.ONLINE)
    await hall.say(node, bob, one, Status.DO_NOT_DISTURB)
    await view.until(lambda seen: seen.status(bob) is Status.DO_NOT_DISTURB)
    await hall.say(node, bob, one, Status.AWAY)
    await view.until(lambda seen: seen.status(bob) is Status.ONLINE)


async def test_a_tab_that_says_offline_does_not_count(node: Node, hall: Hall) -> None:
    ann, bob = await people(node, hall)
    view = await hall.view(node, ann)
    tab = await hall.open(node, bob)
    await view.until(lambda seen: seen.status(bob))
    await hall.say(node, bob, tab, Status.OFFLINE)
    await view.until(lambda seen: seen.departures(bob))
    await hall.say(node, bob, tab, Status.AWAY)
    await view.until(lambda seen: seen.status(bob) is Status.AWAY)


async def test_activities_are_kept_replaced_and_ended(node: Node, other: Node, hall: Hall) -> None:
    ann, bob = await people(node, hall)
    task, tab = new_id(), new_id()
    view = await hall.view(other, ann)
    await hall.say(node, bob, tab, doing=editing(task))
    await view.until(lambda seen: seen.doing(bob) == [(task, "TITLE", "EDITING")])
    since = view.people[bob].activities[0].since
    said = await hall.say(node, bob, tab, Status.DO_NOT_DISTURB)
    assert said is not None
    assert [one.thing_id for one in said.activities] == [task]
    await hall.say(node, bob, tab, Status.DO_NOT_DISTURB, editing(task))
    await view.until(lambda seen: seen.status(bob) is Status.DO_NOT_DISTURB)
    assert view.people[bob].activities[0].since == since
    await hall.say(node, bob, tab, doing=editing(task, "DESCRIPTION"))
    await view.until(lambda seen: seen.doing(bob) == [(task, "DESCRIPTION", "EDITING")])
    await hall.say(node, bob, tab, doing=None)
    await view.until(lambda seen: seen.doing(bob) == [])
    assert view.status(bob) is Status.ONLINE


async def test_the_same_activity_in_two_tabs_is_one(node: Node, hall: Hall) -> None:
    (bob,) = await people(node, hall, 1)
    task = new_id()
    first = await hall.say(node, bob, new_id(), doing=editing(task))
    both = await hall.say(node, bob, new_id(), doing=editing(task))
    assert first is not None
    assert both is not None
    assert both.activities == first.activities


async def test_an_activity_that_is_not_renewed_ends_after_ten_seconds(node: Node, other: Node, hall: Hall) -> None:
    ann, bob = await people(node, hall)
    task, tab = new_id(), await hall.open(node, bob)
    view = await hall.view(other, ann)
    began = time.monotonic()
    await hall.say(node, bob, tab, doing=editing(task))
    await view.until(lambda seen: seen.doing(bob))
    await view.until(lambda seen: not seen.doing(bob))
    assert time.monotonic() - began > 9
    assert view.status(bob) is Status.ONLINE


async def test_a_viewer_of_a_thing_is_told_of_those_who_do_something_with_it(node: Node, hall: Hall) -> None:
    ann, bob, eve = await people(node, hall, 3)
    task, tab = new_id(), await hall.open(node, bob)
    await hall.open(node, eve)
    whole, view = await hall.view(node, ann), await hall.view(node, ann, task)
    await whole.until(lambda seen: len(seen.people) == 2)
    assert view.people == {}
    await hall.say(node, bob, tab, doing=editing(task))
    await view.until(lambda seen: seen.doing(bob))
    await hall.say(node, bob, tab, doing=editing(new_id()))
    await view.until(lambda seen: len(seen.told) == 3)
    assert [one.person_id for batch in view.told for one in batch.presences] == [bob, bob]
    assert view.said_of(bob)[-1].status is Status.ONLINE


async def test_an_activity_on_a_thing_that_one_may_not_see_is_not_told(node: Node, hall: Hall) -> None:
    bob, guest = (await people(node, hall, 1))[0], (await people(node, hall, 1, Role.GUEST))[0]
    tab = await hall.open(node, bob)
    view = await hall.view(node, guest)
    await view.until(lambda seen: seen.status(bob))
    told = len(view.told)
    await hall.say(node, bob, tab, doing=editing(new_id()))
    await hall.say(node, bob, tab, Status.AWAY)
    await view.until(lambda seen: seen.status(bob) is Status.AWAY)
    assert view.doing(bob) == []
    assert len(view.told) == told + 1, "a change that may not be seen was told"


async def test_a_guest_is_shown_to_whole_members_and_themselves_alone(node: Node, hall: Hall) -> None:
    (ann,), (guest, stranger) = await people(node, hall, 1), await people(node, hall, 2, Role.GUEST)
    of_member = await hall.view(node, ann)
    of_stranger = await hall.view(node, stranger)
    await hall.open(node, guest)
    await of_member.until(lambda seen: seen.status(guest))
    await hall.open(node, ann)
    await of_stranger.until(lambda seen: seen.status(ann))
    assert guest not in of_stranger.people
    assert (await hall.view(node, guest)).status(guest)


async def test_a_thing_that_moves_out_of_sight_takes_its_activities_along(node: Node, other: Node, hall: Hall) -> None:
    bob, guest = (await people(node, hall, 1))[0], (await people(node, hall, 1, Role.GUEST))[0]
    everybody = frozenset({"everybody", "members"})
    moved = change(hall.workspace_id, MEMBERS, before=everybody)
    tab = await hall.open(node, bob)
    view = await hall.view(other, guest)
    await hall.say(node, bob, tab, doing=editing(moved.entity_id, audience=everybody))
    await view.until(lambda seen: seen.doing(bob))
    await node.write(hall.workspace_id, moved)
    await view.until(lambda seen: not seen.doing(bob), seconds=8)  # by itself it ends after ten
    late = await hall.view(other, guest)
    assert late.status(bob)
    assert late.doing(bob) == []


async def test_a_removed_member_vanishes_at_once_and_hears_no_more(node: Node, other: Node, hall: Hall) -> None:
    ann, bob = await people(node, hall)
    await hall.open(node, bob)
    of_ann, of_bob = await hall.view(other, ann), await hall.view(node, bob)
    await of_ann.until(lambda seen: seen.status(bob))
    await node.world.remove(hall.workspace_id, bob, writer=node.writer)
    await of_ann.until(lambda seen: seen.departures(bob))  # the tab stays open
    await of_bob.until(lambda seen: seen.error)
    assert isinstance(of_bob.error, AccessRevoked)
    assert of_ann.departures(bob) == 1
    late = await hall.view(node, ann)
    assert bob not in late.people


async def test_who_was_removed_while_nobody_looked_is_not_in_a_snapshot(node: Node, hall: Hall) -> None:
    ann, bob = await people(node, hall)
    await hall.say(node, bob, new_id())
    await node.world.remove(hall.workspace_id, bob)
    assert (await hall.view(node, ann)).people == {}


async def test_more_rights_are_followed_by_a_snapshot_of_more(node: Node, hall: Hall) -> None:
    guest, other_guest = await people(node, hall, 2, Role.GUEST)
    (member,) = await people(node, hall, 1)
    await hall.open(node, other_guest)
    everybody = await hall.view(node, member)
    await everybody.until(lambda seen: seen.status(other_guest))
    view = await hall.view(node, guest)
    assert view.people == {}
    await node.world.set_role(hall.workspace_id, guest, Role.MEMBER, writer=node.writer)
    await view.until(lambda seen: seen.status(other_guest))
    assert view.told[-1].is_snapshot


async def test_a_stranger_is_told_nothing(node: Node, hall: Hall) -> None:
    view = await hall.view(node, await node.world.person())
    assert isinstance(view.error, NotVisible)
    nowhere = Hall(new_id())
    view = await nowhere.view(node, await node.world.person())
    assert isinstance(view.error, NotVisible)
    await nowhere.close()


async def test_snapshots_come_again_and_say_where_the_batches_stand(node: Node, hall: Hall) -> None:
    ann, bob = await people(node, hall)
    view = await hall.view(node, ann, snapshot_seconds=1.0)
    tab = await hall.open(node, bob)
    await view.until(lambda seen: [one.is_snapshot for one in seen.told].count(True) == 3)
    await hall.say(node, bob, tab, Status.AWAY)
    await view.until(lambda seen: seen.status(bob) is Status.AWAY)
    assert view.told[-1].expires_at > view.told[0].expires_at


async def test_who_looks_right_after_the_last_one_stopped_sees_all(node: Node, hall: Hall) -> None:
    """Also where the room is still being read for somebody who does not want it any more."""
    ann, bob = await people(node, hall)
    await hall.view(node, ann)
    await hall.open(node, bob)
    for _ in range(3):
        batches = node.realtime.presences.watch(hall.workspace_id, ann)
        asking = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await batches.aclose()
    view = await hall.view(node, ann)
    assert not view.told[0].is_stale
    await view.until(lambda seen: seen.status(bob))


async def test_a_big_room_gathers_many_changes_and_tells_one_at_once(node: Node, other: Node, hall: Hall) -> None:
    (ann,) = await people(node, hall, 1)
    view = await hall.view(node, ann)
    crowd = [(new_id(), new_id(), Attendee(new_id(), MEMBERS, is_shown=True)) for _ in range(BIG_ROOM + 5)]

    async def say(status: Status, count: int) -> None:
        presences = other.realtime.presences
        said = [presences.update(hall.workspace_id, *one, status, False) for one in crowd[:count]]
        await asyncio.gather(*said)

    await say(Status.ONLINE, len(crowd))
    await view.until(lambda seen: len(seen.people) == len(crowd))
    took = GATHER_SECONDS
    for status in (Status.AWAY, Status.ONLINE) * 5:  # a busy machine may be late, but not each time
        await asyncio.sleep(GATHER_SECONDS)  # nothing is left to be told
        before, began = len(view.told), time.monotonic()
        await say(status, 1)
        await view.until(lambda seen, status=status: seen.status(crowd[0][0]) is status)  # type: ignore[misc]
        took = time.monotonic() - began
        assert len(view.told) == before + 1
        if took < GATHER_SECONDS:
            break
    assert took < GATHER_SECONDS
    before, began = len(view.told), time.monotonic()
    await say(Status.DO_NOT_DISTURB, 100)
    await view.until(lambda seen: [one.status for one in seen.people.values()].count(Status.DO_NOT_DISTURB) == 100)
    batches = len(view.told) - before
    assert batches <= (time.monotonic() - began) / GATHER_SECONDS + 1


def test_a_storm_of_one_person_is_limited_and_hurts_nobody_else() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    one, two = new_id(), new_id()
    allowed = sum(pace.allows(one) for _ in range(1_000))
    assert allowed == BURST
    assert pace.allows(two)
    now = 1.0
    assert sum(pace.allows(one) for _ in range(1_000)) == PER_SECOND


async def test_guests_of_a_project_see_each_other(node: Node, hall: Hall) -> None:
    """By the audience of their memberships, which names the project."""
    tag = project_tag(new_id())
    (guest,) = await people(node, hall, 1, Role.GUEST)
    member = Attendee(new_id(), frozenset({"members", tag}), is_shown=True)
    here = await node.realtime.presences.update(hall.workspace_id, guest, new_id(), member, Status.ONLINE, False)
    assert here is not None
    assert here.as_seen_by(frozenset({tag})) == here
    assert here.as_seen_by(frozenset({"everybody"})) is None
