"""A change of somebody's rights takes effect in their stream exactly where it stands in the log."""

from __future__ import annotations

from uuid import UUID

import pytest

from db.models import Role
from realtime.follow import AccessRevoked, NotVisible
from realtime.log import Log, Standing
from realtime.reader import Resync
from tests.realtime.world import Manner, Node, World, change

INVITERS = {"permission:MEMBER_INVITE"}

pytestmark = pytest.mark.parametrize("node", Manner, indirect=True)


async def test_a_removed_member_gets_all_before_the_removal_and_nothing_after(node: Node, world: World) -> None:
    workspace = await world.workspace()
    removed, witness = await world.member(workspace), await world.member(workspace)
    theirs, other = await node.follow(workspace, removed), await node.follow(workspace, witness)
    start = theirs.at
    before = await node.write(workspace)
    await world.remove(workspace, removed, earlier=[change(workspace)], later=[change(workspace)], writer=node.writer)
    last = await node.write(workspace)
    await theirs.until_error(AccessRevoked)
    await other.until_seq(last)
    assert theirs.seqs == [before, before + 1]
    assert theirs.at == before + 1
    assert other.seqs == list(range(start + 1, last + 1))
    assert other.error is None


async def test_a_changed_role_holds_from_its_event_on_and_asks_for_a_resync(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace, Role.MEMBER)
    stream = await node.follow(workspace, person)
    for_inviters = await node.write(workspace, change(workspace, INVITERS))
    changed = await world.set_role(
        workspace,
        person,
        Role.VIEWER,
        earlier=[change(workspace, INVITERS)],
        later=[change(workspace, INVITERS), change(workspace)],
        writer=node.writer,
    )
    await node.write(workspace, change(workspace, INVITERS))
    last = await node.write(workspace)
    await stream.until_seq(last)
    # In that commit: one for inviters, the change itself (everybody), one for inviters, one for all members.
    assert stream.seqs == [for_inviters, changed - 3, changed - 2, changed, last]
    told = [(batch.cursor.seq, batch.resync, bool(batch.events)) for batch in stream.batches[1:]]
    assert (changed, Resync.ACCESS_CHANGED, False) in told
    assert stream.resyncs == [Resync.ACCESS_CHANGED]


async def test_wider_rights_hold_from_their_event_on(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace, Role.VIEWER)
    stream = await node.follow(workspace, person)
    await node.write(workspace, change(workspace, INVITERS))
    changed = await world.set_role(workspace, person, Role.ADMIN, writer=node.writer)
    last = await node.write(workspace, change(workspace, INVITERS))
    await stream.until_seq(last)
    assert stream.seqs == [changed, last]
    assert stream.resyncs == [Resync.ACCESS_CHANGED]


async def test_somebody_who_came_back_is_not_thrown_out_by_their_old_removal(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await node.follow(workspace, person)).cursor
    kept = await world.write(workspace)
    await world.remove(workspace, person)
    await world.write(workspace)
    await world.join(workspace, person, Role.VIEWER)
    head = await world.write(workspace)
    stream = await node.follow(workspace, person, after=start)
    await stream.until(lambda one: one.resyncs)
    assert stream.seqs == [kept]
    assert (stream.resyncs, stream.at, stream.batches[-1].is_caught_up) == ([Resync.ACCESS_CHANGED], head, True)
    last = await node.write(workspace)
    await stream.until_seq(last)
    assert stream.seqs == [kept, last]


async def test_many_old_changes_of_rights_ask_for_one_resync(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await node.follow(workspace, person)).cursor
    for role in (Role.VIEWER, Role.ADMIN, Role.MEMBER):
        await world.set_role(workspace, person, role)
    stream = await node.follow(workspace, person, after=start)
    last = await node.write(workspace)
    await stream.until_seq(last)
    assert stream.resyncs == [Resync.ACCESS_CHANGED]


async def test_a_removal_while_somebody_replays_ends_their_stream_at_its_place(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await node.follow(workspace, person)).cursor
    for _ in range(12):
        await world.write(workspace, *[change(workspace) for _ in range(100)])
    stream = await node.follow(workspace, person, after=start)
    stream.stall()
    last_seen = await world.write(workspace)
    await world.remove(workspace, person)
    await world.write(workspace)
    stream.go_on()
    await stream.until_error(AccessRevoked)
    assert stream.seqs == list(range(start.seq + 1, last_seen + 1))


@pytest.mark.parametrize("is_behind", [False, True])
async def test_a_removal_right_after_the_rights_were_read_takes_effect(
    node: Node, world: World, is_behind: bool
) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await node.follow(workspace, person)).cursor
    seen = [await world.write(workspace)] if is_behind else []

    class Slow(Log):
        """Much happens between the reading of the rights and their use."""

        is_done = False

        async def standing(self, workspace_id: UUID, person_id: UUID) -> Standing | None:
            standing = await super().standing(workspace_id, person_id)
            if not self.is_done:
                self.is_done = True
                seen.append(await world.write(workspace))
                await world.remove(workspace, person)
                await world.write(workspace)
            return standing

    node.realtime.hub.log = Slow(node.database)
    stream = await node.follow(workspace, person, after=start)
    await stream.until_error(AccessRevoked)
    assert stream.seqs == seen


async def test_a_stream_ends_at_a_removal_even_if_the_person_is_back_already(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    stream = await node.follow(workspace, person)
    stream.stall()
    await world.remove(workspace, person)
    await world.join(workspace, person)
    await world.write(workspace)
    stream.go_on()
    await stream.until_error(AccessRevoked)
    assert stream.seqs == []


async def test_a_deleted_workspace_ends_every_stream_and_is_not_found_afterwards(
    node: Node, other: Node, world: World
) -> None:
    workspace = await world.workspace()
    people = [await world.member(workspace) for _ in range(2)]
    streams = [await one.follow(workspace, person) for one in (node, other) for person in people]
    await world.delete(workspace, writer=node.writer)
    for stream in streams:
        await stream.until_error(AccessRevoked)
        assert stream.seqs == []
    late = await node.follow(workspace, people[0])
    await late.until_error(NotVisible)


# ---- where the log was cut off, rights are read again


async def test_a_log_pruned_while_somebody_replays_expires_their_cursor(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await node.follow(workspace, person)).cursor
    # More than a page and what a process remembers: on a busy machine its poll may have come in between.
    for _ in range(21):
        last = await world.write(workspace, *[change(workspace) for _ in range(100)])
    stream = await node.follow(workspace, person, after=start)
    stream.stall()
    await world.prune(workspace, last - 10)
    stream.go_on()
    await stream.until(lambda one: one.resyncs)
    assert stream.resyncs == [Resync.CURSOR_EXPIRED]
    assert stream.at == last
    seen = stream.seqs
    assert seen == list(range(start.seq + 1, start.seq + 1 + len(seen)))
    assert len(seen) < 2_100
    newest = await node.write(workspace)
    await stream.until_seq(newest)
    assert stream.seqs == [*seen, newest]


async def test_a_cursor_below_the_floor_is_expired(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await node.follow(workspace, person)).cursor
    for _ in range(4):
        last = await world.write(workspace)
    await world.prune(workspace, last - 2)
    expired = await node.follow(workspace, person, after=start.at(last - 3))
    held = await node.follow(workspace, person, after=start.at(last - 2))
    assert (expired.resyncs, expired.at) == ([Resync.CURSOR_EXPIRED], last)
    assert (held.resyncs, held.seqs) == ([], [last - 1, last])


async def test_a_removal_that_was_pruned_still_ends_the_stream(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await node.follow(workspace, person)).cursor
    # More than a page and what a process remembers: on a busy machine its poll may have come in between.
    for _ in range(21):
        last = await world.write(workspace, *[change(workspace) for _ in range(100)])
    stream = await node.follow(workspace, person, after=start)
    stream.stall()
    removed = await world.remove(workspace, person)
    assert removed > last
    await world.write(workspace)
    await world.prune(workspace, removed)
    stream.go_on()
    await stream.until_error(AccessRevoked)
    assert max(stream.seqs) <= last
