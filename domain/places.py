"""Where a task goes in its column: the rank for a place that somebody means.

The place is within the target project and status; the rank counts in the one
order of the workspace.
"""

from __future__ import annotations

from uuid import UUID

from db import tasks
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
    if low is not None and high is not None and low[0] == high[0]:
        return await _part(uow, workspace_id, low, leave_out)
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


async def _part(uow: UnitOfWork, workspace_id: UUID, low: Place, moving_id: UUID | None) -> str:
    """Two neighbours have one rank (two columns met): give those after `low` ranks of their own; -> one before them.

    The task that moves gets its rank from who asked, once.
    """
    rank = low[0]
    tied = [one for one in await tasks.ids_of_rank(uow, workspace_id, rank) if one > low[1] and one != moving_id]
    higher = await tasks.next_rank(uow, workspace_id, rank)
    ours, *theirs = ordering.spread(rank, higher, len(tied) + 1)
    rows = await tasks.lock_tasks(uow, workspace_id, tied)
    await write_all(uow, [(rows[one], {ChangedField.RANK: place}) for one, place in zip(tied, theirs, strict=True)])
    return ours
