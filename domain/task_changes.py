"""Writing changes of tasks: row, version, history and event together, so that they never disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from db import projects, tasks
from db.history import changes_since_each
from db.models import Change, ChangedField, EventKind, FieldChange, Status, StatusCategory, Task
from db.unit_of_work import UnitOfWork
from domain import events, following, notices, task_fields
from domain.errors import Conflict, Refusal
from domain.mentions import newly_mentioned
from domain.merge import Base, Versioned, settle, values_to_store
from domain.task_fields import current, shown, stored

Wanted = Mapping[ChangedField, Any]
"""field -> the value that its row shall have"""

_ANY_BASE = Base()
_SETS = ((ChangedField.ASSIGNEES, "assignees"), (ChangedField.LABELS, "labels"))


async def write(uow: UnitOfWork, task: Task, wanted: Wanted, base: Base = _ANY_BASE) -> tuple[Task, list[ChangedField]]:
    """Bring a locked task to the wanted values. -> (the task after it, merged fields). See `write_all`."""
    after, merged = await write_all(uow, [(task, wanted)], {task.id: base})
    return after.get(task.id, task), merged


async def write_all(
    uow: UnitOfWork,
    asked: Sequence[tuple[Task, Wanted]],
    bases: Mapping[UUID, Base] | None = None,
    *,
    is_quiet: bool = False,
    on_refused: Callable[[UUID, Refusal], None] | None = None,
) -> tuple[dict[UUID, Task], list[ChangedField]]:
    """Bring locked tasks of one workspace to the wanted values, in a fixed number of statements.

    What is as wanted already is not written, and then nothing is recorded. `is_quiet`: it is no news for anybody
    personally. `on_refused`: hears of each task that is refused instead of the first being raised; nothing is written
    then. -> (id -> the changed tasks after it, merged fields). Raises Conflict, Invalid.
    """
    bases = bases or {}
    known = await _changes_since(uow, [task for task, _ in asked], bases)
    refused: dict[UUID, Refusal] = {}
    changes_by_id: dict[UUID, list[FieldChange]] = {}
    merged: list[ChangedField] = []
    changing: list[tuple[Task, Wanted]] = []
    for task, wanted in asked:
        values = {field: (shown(field, current(task, field)), shown(field, value)) for field, value in wanted.items()}
        base = bases.get(task.id, _ANY_BASE)
        thing = Versioned(task.workspace_id, task.id, task.version)
        try:
            changes, merged_here = await settle(uow, thing, base, values, known.get(task.id))
            _within_dates(task, wanted, {change.field for change in changes})
        except Refusal as error:
            if isinstance(error, Conflict):
                error.row = task
            refused[task.id] = error
            continue
        merged += merged_here
        if changes:
            changes_by_id[task.id] = changes
            changing.append((task, values_to_store(wanted, changes)))
    for task_id, refusal in refused.items():
        if on_refused is None:
            raise refusal
        on_refused(task_id, refusal)
    if refused or not changing:
        return {}, merged
    workspace_id = changing[0][0].workspace_id
    await _write_sets(uow, changing)
    after = await _write_columns(uow, changing, changes_by_id)
    for task, _ in changing:
        exact = [
            FieldChange(one.field, one.before, shown(one.field, current(after[task.id], one.field)))
            for one in changes_by_id[task.id]
        ]
        uow.remember(EventKind.TASK, workspace_id, task.id, after[task.id].version, exact)
        events.task_changed(uow, task, after[task.id], exact)
        await _follow(uow, task, after[task.id])
        await notices.task_changed(uow, task, after[task.id], is_quiet=is_quiet)
    await _tell_subtasks(uow, [(task, after[task.id]) for task, _ in changing])
    return after, merged


async def _changes_since(uow: UnitOfWork, rows: Sequence[Task], bases: Mapping[UUID, Base]) -> dict[UUID, list[Change]]:
    """Of many tasks at once, what changed since their bases."""
    versions = {
        task.id: version
        for task in rows
        if (version := bases.get(task.id, _ANY_BASE).version) is not None and 0 < version < task.version
    }
    return {} if len(versions) < 2 else await changes_since_each(uow, rows[0].workspace_id, versions)


def _within_dates(task: Task, wanted: Wanted, changed: set[ChangedField]) -> None:
    """Judged on what comes of it, as another's date may have stayed."""
    start, due = (
        wanted[field] if field in changed else current(task, field)
        for field in (ChangedField.START_DATE, ChangedField.DUE_DATE)
    )
    if changed & {ChangedField.START_DATE, ChangedField.DUE_DATE}:
        task_fields.within_dates(start, due)


async def _follow(uow: UnitOfWork, before: Task, after: Task) -> None:
    """Who was assigned to a task or mentioned in it follows it."""
    assigned = [one for one in after.assignee_ids if one not in before.assignee_ids]
    await following.begin(uow, after, [*assigned, *newly_mentioned(before.description, after.description)])


async def _tell_subtasks(uow: UnitOfWork, changed: Sequence[tuple[Task, Task]]) -> None:
    """Who sees a task come or go sees its subtasks change, too: they have a parent now, or none."""
    sight = {after.id: events.sight_changed(before, after) for before, after in changed}
    parent_ids = [task_id for task_id, audience in sight.items() if audience]
    if not parent_ids:
        return
    workspace_id = changed[0][1].workspace_id
    ids = await tasks.subtask_ids(uow, workspace_id, parent_ids)
    # Locked, so that what is told of them is not older than what others tell. Those that change as well tell enough.
    found = await tasks.lock_tasks(uow, workspace_id, [one for one in ids if one not in sight])
    for _, task in sorted(found.items()):
        if task.parent_id in sight:
            events.subtask_rehung(uow, task, sight[task.parent_id])


async def _write_columns(
    uow: UnitOfWork, changing: Sequence[tuple[Task, Wanted]], changes: Mapping[UUID, list[FieldChange]]
) -> dict[UUID, Task]:
    """-> id -> the tasks after it; their sets are written already."""
    workspace_id = changing[0][0].workspace_id
    statuses = await _new_statuses(uow, changing)
    rows_by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    keys: list[tuple[str, UUID]] = []
    for task, wanted in changing:
        changed = {change.field for change in changes[task.id]}
        row = {
            task_fields.COLUMNS[field]: stored(field, wanted[field])
            for field in task_fields.COLUMNS
            if field in changed
        }
        if ChangedField.STATUS in changed:
            is_done = statuses[wanted[ChangedField.STATUS]].category is StatusCategory.DONE
            row["completed_at"] = (task.completed_at or uow.now) if is_done else None
        if ChangedField.KEY in changed:
            keys.append((wanted[ChangedField.KEY], task.id))
        rows_by_columns[tuple(row)].append({"id": task.id, **row})
    if keys:
        await tasks.add_task_keys(uow, workspace_id, keys)
    if len(changing) == 1:
        ((row,),) = rows_by_columns.values()
        return {row["id"]: await tasks.update_task(uow, row, uow.now)}
    for rows in rows_by_columns.values():
        await tasks.update_tasks(uow, rows, uow.now)
    return await tasks.read_tasks(uow, workspace_id, list(changes))


async def _new_statuses(uow: UnitOfWork, changing: Sequence[tuple[Task, Wanted]]) -> dict[UUID, Status]:
    ids = {wanted[ChangedField.STATUS] for _, wanted in changing if ChangedField.STATUS in wanted}
    if not ids:
        return {}
    return await projects.lock_rows(uow, Status, changing[0][0].workspace_id, ids, for_share=True)


async def _write_sets(uow: UnitOfWork, changing: Sequence[tuple[Task, Wanted]]) -> None:
    for field, table in _SETS:
        add: list[tuple[UUID, UUID]] = []
        remove: list[tuple[UUID, UUID]] = []
        for task, wanted in changing:
            if field in wanted:
                before, after = current(task, field), wanted[field]
                add += [(task.id, one) for one in after if one not in before]
                remove += [(task.id, one) for one in before if one not in after]
        if add or remove:
            await tasks.change_members(uow, table, changing[0][0].workspace_id, add=add, remove=remove, at=uow.now)
