"""Where a task goes in its column: the rank for a place that somebody means.

The place is within the target project and status; the rank counts in the one
order of the workspace.

Invariant: a rank is given between neighbours as they are at the commit, also
while others spread ranks anew.
"""

from __future__ import annotations

from uuid import UUID

from db import tasks
from db.errors import Busy
from db.models import ChangedField, Task
from db.unit_of_work import UnitOfWork
from domain import ordering
from domain.errors import Invalid
from domain.ordering import Place, Position
from domain.task_changes import write_all

Column = tuple[UUID | None, UUID]
"""(project, status)"""


async def rank_at(
    uow: UnitOfWork, workspace_id: UUID, column: Column, position: Position, *, moving: Task | None = None
) -> str:
    """A rank for this place of a column. A task that is there already keeps its rank. Raises Invalid for an anchor
    that is not in the column."""
    leave_out = None if moving is None else moving.id

    async def beside(of: Place | None, *, is_before: bool) -> Place | None:
        return await tasks.neighbour_rank(uow, workspace_id, column, of=of, is_before=is_before, leave_out=leave_out)

    low: Place | None
    high: Place | None
    if position.kind == "first":
        low, high = None, await beside(None, is_before=False)
    elif position.kind == "last":
        low, high = await beside(None, is_before=True), None
    else:
        anchor = await _anchor(uow, workspace_id, column, position, moving)
        if position.kind == "before":
            low, high = await beside(anchor, is_before=True), anchor
        else:
            low, high = anchor, await beside(anchor, is_before=False)
    if moving is not None and _is_between(low, (moving.rank, moving.id), high) and _in_column(moving, column):
        return moving.rank
    if low is not None and high is not None and not ordering.has_room(low[0], high[0]):
        return await _make_room(uow, workspace_id, low, high, leave_out)
    _hold(uow, workspace_id, [one for one in (low, high) if one is not None])
    return ordering.between(low[0] if low else None, high[0] if high else None)


def _is_between(low: Place | None, place: Place, high: Place | None) -> bool:
    return (low is None or low < place) and (high is None or place < high)


def _in_column(task: Task, column: Column) -> bool:
    return (task.project_id, task.status_id) == column


async def _anchor(
    uow: UnitOfWork, workspace_id: UUID, column: Column, position: Position, moving: Task | None
) -> Place:
    path = ("position", position.kind)
    assert position.anchor_id is not None
    if moving is not None and position.anchor_id == moving.id:
        raise Invalid("A task cannot be placed next to itself.", *path)
    found = await tasks.task_place(uow, workspace_id, column, position.anchor_id)
    if found is None:
        raise Invalid("There is no such task in the target project and status.", *path)
    return found


async def _make_room(uow: UnitOfWork, workspace_id: UUID, low: Place, high: Place, moving_id: UUID | None) -> str:
    """No rank fits between two neighbours of a column: spread those around them anew; -> a rank between.

    They are told of it like of any change. The task that moves gets its rank from who asked, once.
    """

    async def below(how_many: int) -> list[Place]:
        return await tasks.places_beside(
            uow, workspace_id, low, is_before=True, how_many=how_many, with_it=True, leave_out=moving_id
        )

    async def above(how_many: int) -> list[Place]:
        return await tasks.places_beside(
            uow, workspace_id, low, is_before=False, how_many=how_many, leave_out=moving_id
        )

    room = await ordering.with_room(below, above)
    new_ranks = {place[1]: rank for place, rank in room.moved}
    known = {*room.ids, moving_id}

    async def nobody_came() -> None:
        if not known.issuperset(await tasks.ids_between(uow, workspace_id, room.low, room.high, but=room.rank)):
            raise Busy

    # Whoever dropped something in here meanwhile did so between the old ranks.
    uow.recheck(("stretch", room.low, room.high), nobody_came)
    rows = await tasks.lock_tasks(uow, workspace_id, list(new_ranks))
    if any(rows[task_id].rank != rank for (rank, task_id), _ in room.moved):
        raise Busy  # Somebody moved one of them meanwhile: look again.
    await write_all(uow, [(rows[one], {ChangedField.RANK: rank}) for one, rank in new_ranks.items()], is_quiet=True)
    return room.rank


def _hold(uow: UnitOfWork, workspace_id: UUID, neighbours: list[Place]) -> None:
    """At the commit the neighbours must still have these ranks: whoever spreads them anew at the same time would leave
    the rank between them on one side. Judged under the head's lock, so no row needs one; the unit runs again."""
    expected = {task_id: rank for rank, task_id in neighbours}

    async def again() -> None:
        now = await tasks.ranks_of(uow, workspace_id, list(expected))
        if any(now.get(task_id) != rank for task_id, rank in expected.items()):
            raise Busy

    if expected:
        uow.recheck(("neighbours", *expected), again)
