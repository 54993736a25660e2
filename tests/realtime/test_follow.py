"""What one person gets of a workspace's stream: from any cursor, live, once each, in order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from realtime.cursor import Cursor
from realtime.follow import NotVisible
from realtime.log import Log
from realtime.reader import Resync
from tests.realtime.world import Manner, Node, World, change, eventually

pytestmark = pytest.mark.parametrize("node", Manner, indirect=True)


async def test_a_stream_from_now_begins_with_an_empty_caught_up_batch(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    last = await world.write(workspace)
    stream = await node.follow(workspace, person)
    first = stream.batches[0]
    assert (first.events, first.cursor.seq, first.is_caught_up, first.resync) == ((), last, True, None)


async def test_what_another_process_commits_arrives_through_redis(node: Node, other: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace))
    start = stream.at
    for _ in range(5):
        last = await other.write(workspace)
    await stream.until_seq(last)
    assert stream.seqs == list(range(start + 1, last + 1))
    # The poll may have been quicker for some.
    await eventually(lambda: node.realtime.counters.received == 5)


async def test_what_nobody_announced_arrives_by_the_poll(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace))
    last = await world.write(workspace)
    await stream.until_seq(last)
    assert stream.seqs == [last]
    assert node.realtime.counters.refills == 1


@pytest.mark.parametrize("commits", [0, 1, 3, 700])
async def test_resuming_replays_everything_after_the_cursor_once(node: Node, world: World, commits: int) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await node.follow(workspace, person)).cursor
    last = start.seq
    for _ in range(commits // 100):
        last = await world.write(workspace, *[change(workspace) for _ in range(100)])
    for _ in range(commits % 100):
        last = await world.write(workspace)
    stream = await node.follow(workspace, person, after=start)
    await stream.until(lambda one: one.at >= last and one.batches[-1].is_caught_up)
    assert stream.seqs == list(range(start.seq + 1, last + 1))
    assert [batch.is_caught_up for batch in stream.batches] == [False] * (len(stream.batches) - 1) + [True]
    await world.write(workspace)
    await stream.until_seq(last + 1)
    assert stream.seqs == list(range(start.seq + 1, last + 2))


async def test_a_commit_is_never_split_over_two_batches(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    live = await node.follow(workspace, person)
    start = live.cursor
    for size in (1, 150, 60, 60, 1200, 3):
        last = await node.write(workspace, *[change(workspace) for _ in range(size)])
    replay = await node.follow(workspace, person, after=start)
    for stream in (live, replay):
        await stream.until_seq(last)
        assert stream.seqs == list(range(start.seq + 1, last + 1))
        for batch in stream.batches[1:]:
            assert batch.cursor.seq == batch.events[-1].event.commit_seq


async def test_a_cursor_inside_a_commit_gets_the_rest_of_it(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    live = await node.follow(workspace, person)
    start = live.cursor
    last = await node.write(workspace, *[change(workspace) for _ in range(4)])
    await live.until_seq(last)
    from_memory = await node.follow(workspace, person, after=start.at(last - 2))
    assert from_memory.seqs == [last - 1, last]


async def test_a_replay_of_recent_events_is_served_from_memory(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    live = await node.follow(workspace, person)
    last = await node.write(workspace)
    await live.until_seq(last)
    before = node.realtime.counters.replays
    again = await node.follow(workspace, person, after=live.cursor.at(last - 1))
    assert again.seqs == [last]
    assert node.realtime.counters.replays == before


async def test_many_who_resume_beyond_memory_share_a_read_of_the_log(node: Node, other: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await other.follow(workspace, person)).cursor
    for _ in range(20):
        last = await other.write(workspace)
    streams = await asyncio.gather(*(node.follow(workspace, person, after=start) for _ in range(30)))
    for stream in [*streams, await node.follow(workspace, person, after=start)]:
        await stream.until_seq(last)
        assert stream.seqs == list(range(start.seq + 1, last + 1))
    assert node.realtime.counters.replays == 1
    last = await other.write(workspace)
    await streams[0].until_seq(last)
    again = await node.follow(workspace, person, after=start.at(start.seq + 5))
    assert again.seqs == list(range(start.seq + 6, last + 1))
    assert node.realtime.counters.replays == 1


async def test_a_shared_read_outlives_whoever_began_it(node: Node, other: Node, world: World) -> None:
    workspace = await world.workspace()
    last = await other.write(workspace)
    async with node.realtime.hub.join(workspace) as topic:
        first, second = (asyncio.create_task(topic.page(last - 1, last)) for _ in range(2))
        await asyncio.sleep(0)  # both ask
        first.cancel()
        assert [commit.last for commit in await second] == [last]
        assert node.realtime.counters.replays == 1
        assert topic.recent(last - 1) == await second


async def test_a_read_of_the_log_is_not_shared_with_those_who_come_after_the_database_was_replaced(
    node: Node, other: Node, world: World
) -> None:
    workspace = await world.workspace()
    last = await other.write(workspace)
    async with node.realtime.hub.join(workspace) as topic:
        before = asyncio.create_task(topic.page(last - 1, last))
        await asyncio.sleep(0)  # it asks
        topic.start_anew("another", last)
        assert [commit.last for commit in await topic.page(last - 1, last)] == [last]
        await before
        assert node.realtime.counters.replays == 2


async def test_the_reader_gets_only_what_their_tags_see_and_is_told_how(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    stream = await node.follow(workspace, person)
    start = stream.at
    await node.write(workspace, change(workspace, {"project:x"}))
    await node.write(workspace, change(workspace, {"project:x"}, before={"members"}))
    await node.write(workspace, change(workspace, {"members"}, before={"project:x"}))
    await node.write(workspace, change(workspace, {f"person:{person}"}))
    await stream.until_seq(start + 4)
    seen = [(one.event.seq - start, one.before, one.after) for batch in stream.batches for one in batch.events]
    assert seen == [(2, True, False), (3, False, True), (4, True, True)]


async def test_what_nobody_may_see_moves_the_cursor_at_the_next_checkpoint(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace), checkpoint_seconds=0.2)
    last = await node.write(workspace, change(workspace, {"project:x"}))
    await stream.until_seq(last)
    assert stream.seqs == []
    assert stream.batches[-1].is_caught_up


async def test_an_idle_stream_sends_checkpoints(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace), checkpoint_seconds=0.1)
    await stream.until(lambda one: len(one.batches) >= 4)
    assert {batch.cursor for batch in stream.batches} == {stream.cursor}


async def test_a_replay_of_nothing_visible_still_says_caught_up(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await node.follow(workspace, person)).cursor
    last = await world.write(workspace, change(workspace, {"project:x"}))
    stream = await node.follow(workspace, person, after=start)
    assert [(batch.events, batch.cursor.seq, batch.is_caught_up) for batch in stream.batches] == [((), last, True)]


async def test_a_filter_lets_only_matching_events_through(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(
        workspace, await world.member(workspace), matches=lambda event: event.seq % 2 == 0, checkpoint_seconds=0.2
    )
    start = stream.at
    for _ in range(6):
        last = await node.write(workspace)
    await stream.until_seq(last)
    assert stream.seqs == [seq for seq in range(start + 1, last + 1) if seq % 2 == 0]


async def test_a_reader_that_stalls_catches_up_from_the_log_and_misses_nothing(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stream = await node.follow(workspace, await world.member(workspace))
    start = stream.at
    stream.stall()
    for _ in range(30):
        last = await node.write(workspace, *[change(workspace) for _ in range(100)])
    (topic,) = node.realtime.hub._topics.values()
    await eventually(lambda: topic.last == last)
    stream.go_on()
    await stream.until_seq(last)
    # What is shared goes to an outlet, which has bounds of its own.
    assert node.realtime.counters.overflows == (1 if node.manner is Manner.ALONE else 0)
    assert stream.seqs == list(range(start + 1, last + 1))


async def test_a_stranger_and_a_workspace_that_is_not_there_look_the_same(node: Node, world: World) -> None:
    workspace = await world.workspace()
    stranger = await world.person()
    for asked in (workspace, stranger):
        stream = await node.follow(asked, stranger)
        await stream.until_error(NotVisible)
        assert stream.batches == []
    assert node.realtime.hub._topics == {}


# ---- cursors the log does not hold


async def _expired(node: Node, world: World, bend: object) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    now = (await node.follow(workspace, person)).cursor
    stream = await node.follow(workspace, person, after=bend(now))  # type: ignore[operator]
    assert [(one.events, one.cursor, one.resync) for one in stream.batches] == [((), now, Resync.CURSOR_EXPIRED)]
    last = await node.write(workspace)
    await stream.until_seq(last)
    assert stream.seqs == [last]


async def test_a_cursor_ahead_of_the_log_is_expired(node: Node, world: World) -> None:
    await _expired(node, world, lambda now: now.at(now.seq + 1))


async def test_a_cursor_of_another_epoch_is_expired(node: Node, world: World) -> None:
    await _expired(node, world, lambda now: Cursor(now.workspace_id, "00000000", now.seq))


async def test_a_cursor_ahead_of_this_process_but_not_of_the_log_is_honoured(
    node: Node, other: Node, world: World
) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    here = await node.follow(workspace, person)
    last = await world.write(workspace)  # announced to nobody: this process does not know it yet
    ahead = await node.follow(workspace, person, after=here.cursor.at(last))
    assert [(one.events, one.cursor.seq, one.resync) for one in ahead.batches] == [((), last, None)]
    last = await other.write(workspace)
    await ahead.until_seq(last)
    assert ahead.seqs == [last]


async def test_many_who_join_at_once_share_a_statement_and_each_has_their_own_rights(node: Node, world: World) -> None:
    workspace = await world.workspace()
    people = [await world.member(workspace) for _ in range(5)]
    stranger = await world.person()
    statements: list[int] = []

    class Counted(Log):
        async def _read_standings(self, readers: Any) -> Any:
            statements.append(len(readers))
            return await super()._read_standings(readers)

    node.realtime.hub.log = Counted(node.database)
    await node.follow(workspace, people[0])  # so that the workspace is followed here already
    statements.clear()
    streams = await asyncio.gather(*(node.follow(workspace, person) for person in [*people, stranger] * 20))
    assert sum(isinstance(stream.error, NotVisible) for stream in streams) == 20
    assert sum(stream.batches != [] for stream in streams) == 100
    assert len(statements) <= 3
