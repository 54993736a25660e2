"""Followers served as one get what each would get alone: all of it, once, in order, as far as they may see it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from db.ids import new_id
from db.log import numbered, read_events
from db.models import ActorKind, ActorRef, Role
from db.unit_of_work import now
from realtime import group
from realtime.commits import commits_of
from realtime.counters import Counters
from realtime.cursor import Cursor
from realtime.follow import AccessRevoked, follow
from realtime.group import CannotShare, Seat, take_seat
from realtime.messages import encode
from realtime.reader import Batch, Reader
from realtime.topic import Topic
from tests.realtime.world import (
    MEMBERS,
    BatchRenderer,
    Following,
    Manner,
    Node,
    Shared,
    World,
    change,
    eventually,
    running,
)
from tests.stack_fixture import TestStack

SHARED = [Manner.SHARED_AT_ONCE, Manner.SHARED_LATER]
AUDIENCES = ({"members"}, {"members"}, {"permission:MEMBER_INVITE"}, {"permission:TOKEN_ADMIN"}, {"everybody"})


def told(following: Following) -> list[tuple[int, bool, bool]]:
    return [(seen.event.seq, seen.before, seen.after) for batch in following.batches for seen in batch.events]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_the_shared_are_told_what_the_lonely_are(node: Node, world: World, seed: int) -> None:
    chance = random.Random(seed)
    workspace = await world.workspace()
    people = [await world.member(workspace, role) for role in (Role.ADMIN, Role.MEMBER, Role.MEMBER, Role.VIEWER)]
    pairs: list[tuple[UUID, list[Following]]] = []
    cursors = [(await node.follow(workspace, people[0])).cursor]

    async def come(person: UUID) -> None:
        after = chance.choice(cursors)
        pairs.append((person, [await node.follow(workspace, person, after=after, manner=how) for how in Manner]))

    for person in people:
        await come(person)
    last, gone = 0, set[UUID]()
    for _ in range(60):
        match chance.randrange(12):
            case 0 if len(pairs) < 14:
                await come(chance.choice([one for one in people if one not in gone]))
            case 1:
                last = await world.set_role(
                    workspace, people[2], chance.choice([Role.VIEWER, Role.MEMBER, Role.ADMIN]), writer=node.writer
                )
            case 2 if not gone and chance.random() < 0.3:
                gone.add(people[3])
                await world.remove(workspace, people[3], earlier=[change(workspace)], writer=node.writer)
            case 3:
                person = chance.choice(people)
                last = await node.write(workspace, change(workspace, {f"person:{person}"}), change(workspace))
            case _:
                count = chance.choice([1, 1, 1, 3, 40])
                new = [change(workspace, chance.choice(AUDIENCES)) for _ in range(count)]
                last = await node.write(workspace, *new)
        if chance.random() < 0.4:
            await asyncio.sleep(chance.random() * 0.01)
        live = [following for _, some in pairs for following in some if following.error is None]
        cursors.append(chance.choice(live).cursor)
    last = await node.write(workspace)
    for person, (alone, *shared) in pairs:
        for one in (alone, *shared):
            if person in gone:
                await one.until_error(AccessRevoked)
            else:
                await one.until_seq(last)
        for one in shared:
            assert told(one) == told(alone)
            assert one.resyncs == alone.resyncs
    assert sum(one.shared for _, some in pairs for one in some) > 0
    assert node.realtime.counters.groups_ended == 0


@pytest.mark.parametrize("manner", SHARED)
async def test_many_are_served_by_one_rendering(node: Node, world: World, manner: Manner) -> None:
    workspace = await world.workspace()
    members = [await world.member(workspace) for _ in range(20)]
    streams = [await node.follow(workspace, one, manner=manner) for one in members]
    (topic,) = node.realtime.hub._topics.values()
    await eventually(lambda: len(topic.groups) == 1)
    for _ in range(5):
        last = await node.write(workspace)
        await asyncio.gather(*(one.until_seq(last) for one in streams))
    counters = node.realtime.counters
    assert counters.group_deliveries == 20 * counters.group_batches
    assert counters.group_batches <= 5
    assert all(one.shared == counters.group_batches + 1 for one in streams), "the first batch is made once as well"


async def test_other_rights_and_other_wishes_are_other_groups(node: Node, world: World) -> None:
    workspace = await world.workspace()
    member, viewer = await world.member(workspace), await world.member(workspace, Role.VIEWER)
    nothing: Callable[..., bool] = lambda event: False  # noqa: E731
    plain = await node.follow(workspace, member, manner=Manner.SHARED_AT_ONCE)
    other = await node.follow(workspace, viewer, manner=Manner.SHARED_AT_ONCE)
    picky = await node.follow(workspace, member, manner=Manner.SHARED_AT_ONCE, matches=nothing)
    last = await node.write(workspace, change(workspace, {"permission:MEMBER_INVITE"}))
    seen = await node.write(workspace)
    await plain.until_seq(seen)
    await other.until_seq(seen)
    assert (plain.seqs, other.seqs, picky.seqs) == ([last, seen], [seen], [])


async def test_groups_who_see_the_same_share_a_rendering_and_nobody_else_does(node: Node, world: World) -> None:
    workspace = await world.workspace()
    people = [await world.member(workspace, role) for role in (Role.ADMIN, Role.MEMBER, Role.VIEWER)]
    await node.write(workspace)
    admin, member, viewer = [await node.follow(workspace, one, manner=Manner.SHARED_AT_ONCE) for one in people]
    (topic,) = node.realtime.hub._topics.values()
    await eventually(lambda: len(topic.groups) == 3)
    last = await node.write(workspace)
    await asyncio.gather(*(one.until_seq(last) for one in (admin, member, viewer)))
    assert admin.payload is member.payload is viewer.payload
    # One of them has not seen it before, so it is new to them and a change to others.
    invite = {"permission:MEMBER_INVITE"}
    last = await node.write(workspace, change(workspace, before=invite))
    await asyncio.gather(*(one.until_seq(last) for one in (admin, member, viewer)))
    assert admin.payload is member.payload
    assert admin.payload != viewer.payload
    assert topic.shown == {}


async def test_a_group_ends_with_its_last_follower_and_begins_anew(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stays = await node.follow(workspace, await world.member(workspace))
    member = await world.member(workspace)
    (topic,) = node.realtime.hub._topics.values()
    for _ in range(3):
        stream = await node.follow(workspace, member, manner=Manner.SHARED_LATER)
        last = await node.write(workspace)
        await stream.until_seq(last)
        assert len(topic.groups) == 1
        await stream.stop()
        await eventually(lambda: not topic.groups)
    await stays.until_seq(last)


async def test_checkpoints_come_to_the_shared_too(node: Node, world: World) -> None:
    workspace = await world.workspace()
    streams = [
        await node.follow(workspace, await world.member(workspace), manner=manner, checkpoint_seconds=0.2)
        for manner in SHARED
    ]
    for one in streams:
        await one.until(lambda it: sum(not batch.events for batch in it.batches) >= 4)
        assert one.shared >= 3


@dataclass(frozen=True, slots=True)
class Failing(BatchRenderer):
    """Cannot make every third batch for all."""

    error: type[Exception]

    def at_once(self, batch: Batch) -> bytes | None:
        return None

    async def later(self, batch: Batch) -> bytes:
        if batch.events and batch.cursor.seq % 3 == 0:
            raise self.error
        return await BatchRenderer.later(self, batch)


@dataclass(frozen=True, slots=True)
class FailingShared(Shared):
    error: type[Exception] = CannotShare

    def renderer(self, tags: frozenset[str]) -> BatchRenderer:
        return Failing(self.manner, self.error)


async def test_what_cannot_be_shared_reaches_each_alone(node: Node, world: World) -> None:
    workspace = await world.workspace()
    followings = []
    for _ in range(4):
        following = Following()
        terms = FailingShared(following, Manner.SHARED_LATER, "failing", CannotShare)
        following.begin(follow(node.realtime.hub, workspace, await world.member(workspace), terms=terms))
        node._followings.append(following)
        followings.append(following)
    for one in followings:
        await one.until(lambda it: it.batches)
    start = max(one.at for one in followings)
    for _ in range(20):
        last = await node.write(workspace)
    for one in followings:
        await one.until_seq(last)
        assert [seq for seq in one.seqs if seq > start] == list(range(start + 1, last + 1))
    assert node.realtime.counters.groups_ended > 0


@dataclass(frozen=True, slots=True)
class Gated(BatchRenderer):
    """Waits at a gate."""

    gate: asyncio.Event

    async def later(self, batch: Batch) -> bytes:
        await self.gate.wait()
        return await BatchRenderer.later(self, batch)


@dataclass(frozen=True, slots=True)
class GatedShared(Shared):
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def renderer(self, tags: frozenset[str]) -> BatchRenderer:
        return Gated(self.manner, self.gate)


async def test_who_comes_while_the_group_lags_gets_only_what_is_new_to_them(node: Node, world: World) -> None:
    workspace = await world.workspace()
    gate = asyncio.Event()
    gate.set()

    async def come() -> Following:
        following = Following()
        terms = GatedShared(following, Manner.SHARED_LATER, "gated", gate)
        following.begin(follow(node.realtime.hub, workspace, await world.member(workspace), terms=terms))
        node._followings.append(following)
        return following

    first = await come()
    await first.until(lambda it: it.batches)
    (topic,) = node.realtime.hub._topics.values()
    start = topic.last
    gate.clear()
    await node.write(workspace)  # is being rendered
    second_start = await node.write(workspace)  # waits behind it
    await eventually(lambda: topic.last == second_start)
    second = await come()
    (made,) = topic.groups.values()
    await eventually(lambda: len(made._seats) == 2)
    last = await node.write(workspace)
    await eventually(lambda: topic.last == last)
    gate.set()
    await first.until_seq(last)
    await second.until_seq(last)
    assert first.seqs == list(range(start + 1, last + 1))
    came_at = second.batches[0].cursor.seq  # with their own joining, which is an event as well
    assert came_at > second_start
    assert second.seqs == list(range(came_at + 1, last + 1))


async def test_who_comes_after_the_database_was_restored_gets_nothing_of_the_life_that_was_lost(
    node: Node, world: World
) -> None:
    workspace = await world.workspace()
    member = await world.member(workspace)
    known = await node.follow(workspace, member, manner=Manner.ALONE)
    start, tags = known.at, frozenset({"members"})
    for _ in range(2):
        last = await world.write(workspace)
    logged = await node.database.alone(lambda it: read_events(it, workspace, after=start, through=last))
    first, second = (encode(commit.events) for commit in commits_of(logged))

    topic = Topic(workspace, node.realtime.hub.log, Counters())
    topic.open("00000001", start)
    gate = asyncio.Event()

    def come() -> tuple[Following, Seat]:
        following = Following()
        terms = GatedShared(following, Manner.SHARED_LATER, "gated", gate)
        here = Cursor(workspace, topic.epoch, topic.last)
        taken = take_seat(topic, terms, Reader(member, tags, topic.last), here, 15)
        assert taken is not None
        taken[1].open()
        return following, taken[1]

    before, old_seat = come()
    topic.hear(first)
    await eventually(lambda: next(iter(topic.groups.values()))._work)  # is being rendered
    topic.start_anew("00000002", start)
    after, new_seat = come()
    gate.set()
    await old_seat.left
    assert {batch.cursor.epoch for batch in before.batches} <= {"00000001"}
    assert after.batches == []
    topic.hear(first)
    topic.hear(second)
    await after.until_seq(last)
    assert after.seqs == [start + 1, start + 2]
    assert {batch.cursor.epoch for batch in after.batches} == {"00000002"}
    for group_ in list(topic.groups.values()):
        group_.leave(new_seat)
    assert not topic.groups


async def test_the_end_of_a_burst_does_not_wait_for_what_comes_next(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace), manner=Manner.SHARED_AT_ONCE)
    (topic,) = node.realtime.hub._topics.values()
    await eventually(lambda: topic.groups)
    start = topic.last
    for _ in range(5):
        last = await world.write(workspace, *(change(workspace) for _ in range(60)))  # announced to nobody
    logged = await node.database.alone(lambda it: read_events(it, workspace, after=start, through=last))
    commits = [encode(commit.events) for commit in commits_of(logged)]
    for message in commits[:3]:  # more than is told at once
        node.realtime.hub.receive(workspace, message)
    await asyncio.sleep(0)
    for message in commits[3:]:  # while the rest of that waits
        node.realtime.hub.receive(workspace, message)
    await stream.until_seq(last)
    assert stream.seqs == list(range(start + 1, last + 1))


class Collecting:
    """An outlet that counts."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def deliver(self, payload: bytes, events: int) -> None:
        self.payloads.append(payload)


async def test_a_seat_holds_what_comes_before_it_is_opened() -> None:
    outlet = Collecting()
    seat = Seat(outlet, UUID(int=1), frozenset(), 5)
    seat.give(b"six", 1, 6)
    seat.give(b"seven", 1, 7)
    assert outlet.payloads == []
    seat.open()
    seat.give(b"eight", 1, 8)
    assert outlet.payloads == [b"six", b"seven", b"eight"]
    assert seat.position == 8


async def test_a_seat_that_is_full_takes_nothing_more_and_says_where_to_go_on() -> None:
    outlet = Collecting()
    seat = Seat(outlet, UUID(int=1), frozenset(), 5)
    seat.give(b"x", group.HELD_EVENTS, 6)
    seat.give(b"y", 1, 7)
    assert seat.is_full
    assert seat.position == 6
    seat.open()
    assert outlet.payloads == [b"x"]


async def test_a_long_fan_out_lets_others_have_their_turn(node: Node) -> None:
    workspace, reader, count = new_id(), new_id(), 2 * group.FANOUT_AT_ONCE + 100
    topic = Topic(workspace, node.realtime.hub.log, Counters())
    topic.open("00000001", 0)
    here = Cursor(workspace, topic.epoch, 0)
    outlets = [Collecting() for _ in range(count)]
    seats: list[tuple[group.Group, Seat]] = []
    for outlet in outlets:
        terms = Shared(outlet, Manner.SHARED_AT_ONCE, "many")  # type: ignore[arg-type]
        taken = take_seat(topic, terms, Reader(reader, MEMBERS, 0), here, 15)
        assert taken is not None
        taken[1].open()
        seats.append(taken)
    assert len({id(made) for made, _ in seats}) == 1
    actor = ActorRef(ActorKind.SYSTEM, new_id())
    topic.hear(
        encode(numbered([change(workspace)], last_seq=1, occurred_at=now(), actor=actor, client_mutation_id=None))
    )
    served, most = 0, 0
    async with asyncio.timeout(30):
        while served < count:
            await asyncio.sleep(0)
            before, served = served, sum(len(one.payloads) for one in outlets)
            most = max(most, served - before)
    assert most == group.FANOUT_AT_ONCE
    assert all(len(one.payloads) == 1 for one in outlets)
    for made, seat in seats:
        made.leave(seat)


async def test_another_database_sends_everybody_to_look_for_themselves(stack: TestStack) -> None:
    async with running(stack.database_url, stack.redis_url) as node:
        world = node.world
        workspace = await world.workspace()
        stream = await node.follow(workspace, await world.member(workspace), manner=Manner.SHARED_AT_ONCE)
        (topic,) = node.realtime.hub._topics.values()
        assert isinstance(topic, Topic)
        topic.start_anew("00000000", topic.last)
        await eventually(lambda: not topic.groups)
        topic.start_anew(stream.cursor.epoch, topic.last)
        last = await node.write(workspace)
        await stream.until(lambda it: it.resyncs or it.at >= last)
        last = await node.write(workspace)
        await stream.until_seq(last)
