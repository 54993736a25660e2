"""Tasks in their columns: a place by intent is the place in a Python list, whatever came before and at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from db import tables
from db.errors import Busy
from db.ids import new_id
from db.models import Actor, ChangedField, EventKind, StatusCategory, Task
from db.pages import PageRequest
from db.task_filters import TaskFilter
from db.task_lists import TaskPage, task_pages
from db.unit_of_work import Outcome, UnitOfWork
from domain import places, tasks
from domain.errors import Invalid
from domain.merge import Base
from domain.ordering import MAX_LENGTH, Position
from tests.db.office import Office

Column = tuple[UUID | None, UUID]
FIRST, LAST = Position("first"), Position("last")


@dataclass
class Board:
    """One workspace's columns, as the database has them and as plain lists."""

    office: Office
    ann: Actor
    workspace_id: UUID
    columns: list[Column]
    lists: dict[Column, list[UUID]] = field(default_factory=lambda: defaultdict(list))

    async def tasks(self) -> list[Task]:
        """Every task, by rank."""
        scope = await self.office.scope(self.ann)
        page = TaskPage(PageRequest(500), TaskFilter())
        found = await self.office.read(task_pages, scope, "workspace", [self.workspace_id], page)
        return list(found[self.workspace_id].rows)

    async def stored(self) -> dict[Column, list[UUID]]:
        lists: dict[Column, list[UUID]] = defaultdict(list)
        for task in await self.tasks():
            lists[task.project_id, task.status_id].append(task.id)
        return lists

    async def create(self, column: Column, position: Position = LAST) -> UUID:
        task_id = await self.office.task(
            self.ann, self.workspace_id, project_id=column[0], status_id=column[1], position=position
        )
        self._put(task_id, column, position)
        return task_id

    async def move(self, task_id: UUID, column: Column, position: Position) -> None:
        patch = {ChangedField.PROJECT: column[0], ChangedField.STATUS: column[1]}
        await self.office.do(self.ann, lambda uow: tasks.move_task(uow, task_id, patch, position, Base()))
        for one in self.lists.values():
            if task_id in one:
                one.remove(task_id)
        self._put(task_id, column, position)

    def _put(self, task_id: UUID, column: Column, position: Position) -> None:
        place = self.lists[column]
        if position.kind == "first":
            place.insert(0, task_id)
        elif position.kind == "last":
            place.append(task_id)
        else:
            assert position.anchor_id is not None
            place.insert(place.index(position.anchor_id) + (position.kind == "after"), task_id)

    async def set_rank(self, task_ids: list[UUID], rank: str) -> None:
        """As two columns that met would have it."""
        async with self.office.database.transaction() as connection:
            await connection.execute(update(tables.tasks).where(tables.tasks.c.id.in_(task_ids)).values(rank=rank))


@pytest.fixture
async def board(office: Office) -> Board:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    project_id = await office.project(ann, workspace_id, "WEB")
    statuses = await office.statuses(workspace_id)
    todo, done = statuses[StatusCategory.TODO], statuses[StatusCategory.DONE]
    return Board(office, ann, workspace_id, [(None, todo), (project_id, todo), (project_id, done)])


def some_position(random: Random, place: list[UUID]) -> Position:
    if not place or random.random() < 0.3:
        return random.choice([FIRST, LAST])
    return Position(random.choice(["before", "after"]), random.choice(place))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("how_many_columns", [1, 3])
async def test_any_sequence_of_moves_leaves_what_lists_would(board: Board, how_many_columns: int, seed: int) -> None:
    random = Random(seed)
    columns = board.columns[:how_many_columns]
    for step in range(40):
        column = random.choice(columns)
        everything = [one for place in board.lists.values() for one in place]
        if step < 5 or random.random() < 0.15:
            await board.create(column, some_position(random, board.lists[column]))
        else:
            task_id = random.choice(everything)
            others = [one for one in board.lists[column] if one != task_id]
            await board.move(task_id, column, some_position(random, others))
        if step % 8 == 7:
            stored = await board.stored()
            assert {column: stored[column] for column in columns} == {column: board.lists[column] for column in columns}


async def test_a_task_that_is_where_it_is_sent_stays_as_it_is(board: Board) -> None:
    column = board.columns[0]
    one, two, three = [await board.create(column) for _ in range(3)]
    before = await board.tasks()
    told = len(board.office.committed)
    for task_id, position in (
        (one, FIRST),
        (one, Position("before", two)),
        (two, Position("after", one)),
        (two, Position("before", three)),
        (three, LAST),
    ):
        await board.move(task_id, column, position)
    assert await board.tasks() == before
    assert len(board.office.committed) == told


async def test_without_a_position_the_rank_stays(board: Board) -> None:
    here, there = board.columns[0], board.columns[1]
    one = await board.create(here)
    rank = {task.id: task.rank for task in await board.tasks()}[one]
    patch = {ChangedField.PROJECT: there[0]}
    await board.office.do(board.ann, lambda uow: tasks.move_task(uow, one, patch, None, Base()))
    (task,) = await board.tasks()
    assert (task.rank, task.project_id) == (rank, there[0])


@pytest.mark.parametrize("kind", ["before", "after"])
async def test_an_anchor_elsewhere_is_refused_whatever_it_is(board: Board, kind: Any) -> None:
    here, there = board.columns[:2]
    one, other = await board.create(here), await board.create(there)
    stranger = await board.office.person()
    hidden = await board.office.task(stranger, await board.office.workspace(stranger))
    for anchor in (other, hidden, new_id(), one):
        position = Position(kind, anchor)
        with pytest.raises(Invalid) as refused:
            await board.office.do(board.ann, lambda uow: tasks.move_task(uow, one, {}, position, Base()))  # noqa: B023
        assert refused.value.path == ("position", kind)


# ---- equal ranks


@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("gap", [1, 2, 3])
async def test_between_equal_ranks_there_is_a_place(board: Board, kind: Any, gap: int) -> None:
    column = board.columns[0]
    tied = sorted([await board.create(column) for _ in range(4)])
    above = await board.create(column)
    moved = await board.create(column)
    await board.set_rank(tied, "a0")
    board.lists[column] = [*tied, above, moved]
    anchor = tied[gap] if kind == "before" else tied[gap - 1]
    await board.move(moved, column, Position(kind, anchor))
    assert (await board.stored())[column] == board.lists[column]
    for _ in range(3):
        await board.create(column, Position(kind, anchor))
    assert (await board.stored())[column] == board.lists[column]
    ranks = [task.rank for task in await board.tasks()]
    assert ranks == sorted(ranks)


async def test_of_equal_ranks_the_last_can_go_to_the_front(board: Board) -> None:
    column = board.columns[0]
    tied = sorted([await board.create(column) for _ in range(4)])
    await board.set_rank(tied, "a0")
    board.lists[column] = tied.copy()
    for task_id, position in (
        (tied[3], FIRST),
        (tied[2], Position("after", tied[3])),
        (tied[3], Position("before", tied[1])),
    ):
        await board.move(task_id, column, position)
        assert (await board.stored())[column] == board.lists[column]
    assert {task.version for task in await board.tasks()} <= {1, 2, 3}


async def test_parting_equal_ranks_keeps_every_other_column_in_order(board: Board) -> None:
    here, there = board.columns[:2]
    ones, others = [await board.create(here) for _ in range(3)], [await board.create(there) for _ in range(3)]
    await board.set_rank([*ones, *others], "a5")
    in_order = [task.id for task in await board.tasks()]
    new = await board.create(here, Position("after", sorted(ones)[0]))
    after = [task.id for task in await board.tasks() if task.id != new]
    assert after == in_order
    assert (await board.stored())[here] == board.lists[here]


async def test_parting_equal_ranks_is_told_of_each_task_whose_rank_changes(board: Board) -> None:
    column = board.columns[0]
    tied = sorted([await board.create(column) for _ in range(3)])
    await board.set_rank(tied, "a0")
    before = {task.id: task for task in await board.tasks()}
    told = len(board.office.committed)
    await board.create(column, Position("after", tied[0]))
    after = {task.id: task for task in await board.tasks()}
    changed = {one for one in tied if after[one].rank != before[one].rank}
    assert changed == set(tied[1:])
    assert all(after[one].version == before[one].version + 1 for one in changed)
    assert after[tied[0]].version == before[tied[0]].version
    events = [event for event in board.office.committed[told:] if event.kind is EventKind.TASK]
    assert {event.entity_id for event in events} >= changed


async def test_a_move_among_equal_ranks_is_one_change_of_the_task_that_moves(board: Board) -> None:
    """Also when the task that moves has the same rank itself, in another column."""
    here, there = board.columns[:2]
    one = await board.create(here)
    moving = await board.create(there)
    two = await board.create(here)
    await board.set_rank([one, moving, two], "a0")
    assert one < moving < two
    before = {task.id: task for task in await board.tasks()}
    told = len(board.office.committed)
    await board.move(moving, here, Position("after", one))
    after = {task.id: task for task in await board.tasks()}
    assert (await board.stored())[here] == [one, moving, two]
    assert after[moving].version == before[moving].version + 1
    events = [event for event in board.office.committed[told:] if event.entity_id == moving]
    assert len(events) == 1


# ---- no room


async def test_where_no_rank_fits_the_neighbours_get_new_ones_and_it_is_told(board: Board) -> None:
    here, there = board.columns[:2]
    everything = [await board.create(column) for _ in range(4) for column in (here, there)]
    tight = "a0" + "V" * (MAX_LENGTH - 2)
    for number, task_id in enumerate(everything):
        await board.set_rank([task_id], f"{tight[:-1]}{number + 1}")
    in_order = [task.id for task in await board.tasks()]
    before = {task.id: task for task in await board.tasks()}
    told = len(board.office.committed)
    anchor = board.lists[here][1]
    new = [await board.create(here, Position("after", anchor)) for _ in range(3)]
    after = {task.id: task for task in await board.tasks()}
    assert [one for one in after if one not in new] == in_order
    assert (await board.stored())[here] == board.lists[here]
    assert max(len(task.rank) for task in after.values()) < MAX_LENGTH
    changed = {one for one in in_order if after[one].rank != before[one].rank}
    assert changed
    events = board.office.committed[told:]
    assert {one.entity_id for one in events if one.entity_id not in new} == changed
    assert all(after[one].version == before[one].version + (one in changed) for one in in_order)


async def test_where_no_rank_fits_many_drop_at_once_and_each_lands_there(board: Board) -> None:
    column = board.columns[0]
    one, two = [await board.create(column) for _ in range(2)]
    drops = [await board.create(column) for _ in range(4)]
    tight = "a0" + "V" * (MAX_LENGTH - 2)
    await board.set_rank([one], f"{tight[:-1]}1")
    await board.set_rank([two], f"{tight[:-1]}2")

    async def drop(task_id: UUID, kind: Any, anchor: UUID) -> None:
        place = Position(kind, anchor)
        while True:
            try:
                await board.office.do(board.ann, lambda uow: tasks.move_task(uow, task_id, {}, place, Base()))
                return
            except Busy:
                continue  # as a client that sends again

    await asyncio.gather(
        *(
            drop(one_, kind, one if kind == "after" else two)
            for one_, kind in zip(drops, ["after", "before"] * 2, strict=True)
        )
    )
    order = (await board.stored())[column]
    assert (order[0], order[-1]) == (one, two)
    assert sorted(order[1:-1]) == sorted(drops)


async def test_a_move_in_a_long_column_writes_one_row(board: Board) -> None:
    column = board.columns[0]
    everything = [await board.create(column) for _ in range(40)]
    before = {task.id: task for task in await board.tasks()}
    await board.move(everything[30], column, Position("after", everything[3]))
    after = {task.id: task for task in await board.tasks()}
    assert [one for one in everything if after[one] != before[one]] == [everything[30]]


# ---- at once


async def test_moves_at_once_end_in_one_order_without_a_lost_task(board: Board) -> None:
    random = Random(4)
    for column in board.columns:
        for _ in range(5):
            await board.create(column)
    everything = [one for place in board.lists.values() for one in place]

    async def somebody(seed: int) -> None:
        own = Random(seed)
        for _ in range(6):
            column = own.choice(board.columns)
            task_id = own.choice(everything)
            patch = {ChangedField.PROJECT: column[0], ChangedField.STATUS: column[1]}
            place = Position(own.choice(["before", "after", "first", "last"]), own.choice(everything))
            try:
                await board.office.do(board.ann, lambda uow: tasks.move_task(uow, task_id, patch, place, Base()))  # noqa: B023
            except Invalid:
                continue  # the anchor went elsewhere meanwhile

    await asyncio.gather(*(somebody(random.randrange(10**6)) for _ in range(6)))
    stored = await board.stored()
    assert sorted(one for place in stored.values() for one in place) == sorted(everything)
    assert set(stored) <= set(board.columns)


async def test_two_drops_at_one_place_at_once_both_land_there(board: Board) -> None:
    column = board.columns[0]
    one, two = [await board.create(column) for _ in range(2)]
    drops = [await board.create(column) for _ in range(6)]
    place = Position("after", one)
    await asyncio.gather(
        *(
            board.office.do(board.ann, lambda uow, drop=drop: tasks.move_task(uow, drop, {}, place, Base()))  # type: ignore[misc]
            for drop in drops
        )
    )
    order = (await board.stored())[column]
    assert order[0] == one
    assert order[-1] == two
    assert sorted(order[1:-1]) == sorted(drops)


async def test_a_rank_is_never_given_twice_to_neighbours(board: Board) -> None:
    """The rule itself: what it answers lies strictly between the neighbours."""
    column = board.columns[0]
    for _ in range(4):
        await board.create(column)
    in_order = board.lists[column]
    ranks = {task.id: task.rank for task in await board.tasks()}

    async def ask(uow: UnitOfWork) -> Outcome:
        for index in range(1, 4):
            low, high = in_order[index - 1], in_order[index]
            for position in (Position("after", low), Position("before", high)):
                rank = await places.rank_at(uow, board.workspace_id, column, position)
                assert ranks[low] < rank < ranks[high]
        assert await places.rank_at(uow, board.workspace_id, column, FIRST) < ranks[in_order[0]]
        assert await places.rank_at(uow, board.workspace_id, column, LAST) > ranks[in_order[-1]]
        return Outcome()

    await board.office.do(board.ann, ask)


async def test_a_deleted_task_takes_no_place(board: Board) -> None:
    column = board.columns[0]
    one, two, three = [await board.create(column) for _ in range(3)]
    async with board.office.database.transaction() as connection:
        at = select(tables.tasks.c.created_at).where(tables.tasks.c.id == two).scalar_subquery()
        await connection.execute(update(tables.tasks).where(tables.tasks.c.id == two).values(deleted_at=at))
    with pytest.raises(Invalid):
        await board.move(three, column, Position("before", two))
    board.lists[column] = [one, three]
    await board.move(three, column, Position("before", one))
    assert (await board.stored())[column] == [three, one]
