"""The stream by polling: the same batches, read on the caller's own snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from db.log import read_epoch
from db.models import Role
from realtime.cursor import Cursor
from realtime.follow import NotVisible, read_batch
from realtime.reader import Batch, Resync, everything
from tests.realtime.world import Node, World, change, rights


class Poller:
    """Somebody who asks for batches, each on a snapshot of its own."""

    def __init__(self, world: World, workspace: UUID, person: UUID, first: int = 100) -> None:
        self._world, self._workspace, self._person, self._first = world, workspace, person, first

    async def read(self, after: Cursor, matches: object = everything) -> Batch:
        session = self._world.database.reading()
        try:
            tags = await rights(self._workspace, self._person)(session)
            assert tags is not None
            return await read_batch(
                session,
                self._workspace,
                self._person,
                tags,
                after,
                self._first,
                matches,  # type: ignore[arg-type]
            )
        finally:
            await session.close()

    async def read_all(self, after: Cursor) -> AsyncIterator[Batch]:
        while True:
            batch = await self.read(after)
            yield batch
            after = batch.cursor
            if batch.is_caught_up:
                return


async def _beginning(world: World, workspace: UUID) -> Cursor:
    return Cursor(workspace, await world.database.alone(read_epoch), 0)


async def test_polling_gives_what_the_stream_gives(node: Node, world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    stream = await node.follow(workspace, person)
    for size in (1, 40, 3, 700, 2):
        last = await node.write(workspace, *[change(workspace) for _ in range(size)])
        await node.write(workspace, change(workspace, {"project:x"}))
    await stream.until_seq(last)
    poller = Poller(world, workspace, person, first=50)
    batches = [batch async for batch in poller.read_all(stream.batches[0].cursor)]
    assert [seen for batch in batches for seen in batch.events] == [
        seen for batch in stream.batches for seen in batch.events
    ]
    assert [len(batch.events) for batch in batches] == [44, 700, 2]
    assert [batch.is_caught_up for batch in batches] == [False, False, True]
    assert batches[-1].cursor.seq == last + 1


async def test_nothing_new_is_an_empty_caught_up_batch_with_the_same_cursor(world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await _beginning(world, workspace)).at(1)
    batch = await Poller(world, workspace, person).read(start)
    assert batch == Batch((), start, True)


async def test_a_filter_skips_events_but_moves_the_cursor(world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = await _beginning(world, workspace)
    last = await world.write(workspace)
    batch = await Poller(world, workspace, person).read(start.at(1), lambda event: False)
    assert batch == Batch((), start.at(last), True)


@pytest.mark.parametrize("bend", ["ahead", "epoch", "floor"])
async def test_a_cursor_the_log_does_not_hold_is_expired(world: World, bend: str) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    await world.write(workspace)
    last = await world.write(workspace)
    await world.prune(workspace, last - 1)
    now = (await _beginning(world, workspace)).at(last)
    bent = {"ahead": now.at(last + 1), "epoch": Cursor(workspace, "00000000", last), "floor": now.at(last - 2)}
    batch = await Poller(world, workspace, person).read(bent[bend])
    assert batch == Batch((), now, True, Resync.CURSOR_EXPIRED)
    assert await Poller(world, workspace, person).read(now) == Batch((), now, True)


async def test_changed_rights_come_after_what_was_before_them(world: World) -> None:
    workspace = await world.workspace()
    person = await world.member(workspace)
    start = (await _beginning(world, workspace)).at(1)
    before = await world.write(workspace)
    await world.set_role(workspace, person, Role.VIEWER)
    head = await world.write(workspace)
    batches = [batch async for batch in Poller(world, workspace, person).read_all(start)]
    assert [([seen.event.seq for seen in batch.events], batch.cursor.seq, batch.resync) for batch in batches] == [
        ([before], before, None),
        ([], head, Resync.ACCESS_CHANGED),
    ]


async def test_a_workspace_without_a_log_is_not_visible(world: World) -> None:
    person = await world.person()
    session = world.database.reading()
    try:
        with pytest.raises(NotVisible):
            await read_batch(session, person, person, frozenset(), await _beginning(world, person), 10)
    finally:
        await session.close()
