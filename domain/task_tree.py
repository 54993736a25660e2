"""Subtasks: which tasks may hang below which.

The way up from every new parent to its root is locked before it is judged, so that two moves cannot close a circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from db import tasks
from db.models import Task
from db.scope import Grant
from db.unit_of_work import UnitOfWork
from domain.errors import ErrorCode, Invalid, LimitReached, NotFound, Refusal
from domain.ids import typed

MAX_DEPTH = 5


async def allow_parent(uow: UnitOfWork, grant: Grant, child_id: UUID, parent_id: UUID) -> Task:
    """-> the task that may become the parent of another, new or locked. Raises NotFound, Invalid, LimitReached."""
    judged = await judge_parents(uow, grant, {child_id: parent_id})
    if child_id in judged.refused:
        raise judged.refused[child_id]
    return judged.parents[parent_id]


@dataclass(frozen=True, slots=True)
class Judged:
    """`refused`: child id -> why it may not hang there."""

    parents: Mapping[UUID, Task]
    refused: Mapping[UUID, Refusal]


async def judge_parents(uow: UnitOfWork, grant: Grant, hung: Mapping[UUID, UUID | None]) -> Judged:
    """Whether these tasks, new or locked, may all go below these parents at once (None: to the top).

    The number of statements does not depend on how many they are. The paths are `parentId`.
    """
    parent_ids = {one for one in hung.values() if one is not None}
    if not parent_ids:
        return Judged({}, {})
    above = await tasks.parents_above(uow, grant.workspace_id, parent_ids)
    await tasks.lock_tasks(uow, grant.workspace_id, above)
    above = await tasks.parents_above(uow, grant.workspace_id, parent_ids)
    parents = await tasks.lock_tasks(uow, grant.workspace_id, parent_ids)
    heights = await tasks.heights_below(uow, grant.workspace_id, hung)
    after = {**above, **hung}
    refused: dict[UUID, Refusal] = {}
    for child_id, parent_id in hung.items():
        if parent_id is None:
            continue
        parent = parents.get(parent_id)
        if parent is None or parent.deleted_at or not grant.sees_project(parent.project_id):
            refused[child_id] = NotFound(typed("task", parent_id), "parentId")
            continue
        chain = _chain(after, parent_id)
        if child_id in chain:
            refused[child_id] = Invalid("A task cannot be below itself.", "parentId", code=ErrorCode.CYCLE)
        elif len(chain) + heights[child_id] > MAX_DEPTH:
            refused[child_id] = LimitReached(f"Subtasks go {MAX_DEPTH} levels deep.", MAX_DEPTH, "parentId")
    return Judged(parents, refused)


def _chain(parent_by_id: Mapping[UUID, UUID | None], task_id: UUID) -> list[UUID]:
    """The task, its parent, and so on up to the root, or around once."""
    chain: list[UUID] = []
    current: UUID | None = task_id
    while current is not None and current not in chain:
        chain.append(current)
        current = parent_by_id.get(current)
    return chain
