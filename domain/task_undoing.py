"""Undoing changes of tasks: many at once in a fixed number of statements, judged like the updates that they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from db import projects, tasks, workspaces
from db.models import ChangedField, Label, Permission, Project, Role, Status, Task
from db.scope import Grant
from db.unit_of_work import UnitOfWork
from domain import access, task_changes, task_fields, task_tree
from domain.archiving import is_restorable
from domain.errors import Conflict, Forbidden, LimitReached, Refusal, Refusals
from domain.task_fields import current, shown
from domain.tasks import MAX_ASSIGNEES, MAX_LABELS
from domain.undoing import GONE, Target, Undo, wanted_back

Wanted = dict[ChangedField, Any]


async def undo_tasks(
    uow: UnitOfWork, target: Target, undos: Sequence[Undo], grants_after: Mapping[UUID, Grant]
) -> list[Refusal]:
    """Take back changes of tasks of one workspace; -> conflicts, and then nothing is to be written.

    `grants_after`: what people may see whose rights are given back in the same unit. A task that is deleted is seen
    only where that is what is taken back. Members of sets that are not there any more stay away. Raises NotFound,
    Forbidden, Refusals.
    """
    grant, rows = await _locked(uow, target, undos)
    _allow(uow, target, grant, undos, rows)
    asked: list[tuple[Task, Wanted]] = []
    conflicts: list[Refusal] = []
    for undo in undos:
        try:
            asked.append((rows[undo.entity_id], await _wanted(uow, undo, rows[undo.entity_id])))
        except Conflict as conflict:
            conflicts.append(conflict)
    if conflicts:
        return conflicts
    with target.undone():
        await _allow_values(uow, target, grant, asked, grants_after)
        await task_changes.write_all(uow, asked)
    return []


async def _locked(uow: UnitOfWork, target: Target, undos: Sequence[Undo]) -> tuple[Grant, dict[UUID, Task]]:
    workspace_id = undos[0].workspace_id
    grant = await access.permitted(uow, workspace_id, None, hidden=target.asked, path=target.path[0])
    rows = await tasks.lock_tasks(uow, workspace_id, [one.entity_id for one in undos])
    for undo in undos:
        task = rows.get(undo.entity_id)
        if task is None or not grant.sees_project(task.project_id):
            raise target.missing()
        if task.deleted_at is not None and not (undo.touches(ChangedField.DELETED) and is_restorable(uow, task)):
            raise target.missing()
    return grant, rows


def _allow(uow: UnitOfWork, target: Target, grant: Grant, undos: Sequence[Undo], rows: Mapping[UUID, Task]) -> None:
    """Raises Forbidden."""
    needed = {Permission.TASK_WRITE}
    for undo in undos:
        is_own = (
            grant.role is Role.GUEST
            and rows[undo.entity_id].created_by == uow.actor.ref
            and grant.may_use(Permission.TASK_DELETE)
        )
        if undo.touches(ChangedField.DELETED) and not is_own:
            needed.add(Permission.TASK_DELETE)
    for permission in sorted(needed):
        access.require(uow, grant, permission, target.asked, target.path[0])
    for project_id in {one.project_id for one in rows.values()}:
        access.keep_seeing(uow, grant, project_id, target.asked, target.path[0])


async def _wanted(uow: UnitOfWork, undo: Undo, task: Task) -> Wanted:
    """The values that its row gets. A task that goes back to a project has its old key again. Raises Conflict."""
    keys = [one for one in undo.fields if one.field is ChangedField.KEY]
    fields = tuple(one for one in undo.fields if one.field is not ChangedField.KEY)
    now = {one.field: shown(one.field, current(task, one.field)) for one in fields}
    undo = Undo(undo.kind, undo.workspace_id, undo.entity_id, undo.version, fields)
    back = await wanted_back(uow, undo, task.version, now)
    wanted: Wanted = {field: task_fields.value_of(field, value) for field, value in back.items()}
    if ChangedField.PROJECT in wanted and keys:
        wanted[ChangedField.KEY] = keys[0].before
    if wanted.get(ChangedField.DELETED) is not None:
        wanted[ChangedField.DELETED] = uow.now  # Deleted from now on, not from then: so long it can be restored.
    return wanted


async def _allow_values(
    uow: UnitOfWork,
    target: Target,
    grant: Grant,
    asked: Sequence[tuple[Task, Wanted]],
    grants_after: Mapping[UUID, Grant],
) -> None:
    """What is pointed at is there, and seen; sets are cut to that. Raises Refusals, NotFound, Forbidden, Invalid."""
    status_ids = {wanted[ChangedField.STATUS] for _, wanted in asked if ChangedField.STATUS in wanted}
    await access.pointed_at(uow, Status, grant, sorted(status_ids), "statusId")
    project_ids = {wanted[ChangedField.PROJECT] for _, wanted in asked if ChangedField.PROJECT in wanted}
    if None in project_ids and grant.role is Role.GUEST:
        raise Forbidden(Permission.TASK_WRITE, "A guest's tasks are in one of the guest's projects.")
    await access.pointed_at(uow, Project, grant, sorted(project_ids - {None}), "projectId")
    hung = {task.id: wanted[ChangedField.PARENT] for task, wanted in asked if ChangedField.PARENT in wanted}
    judged = await task_tree.judge_parents(uow, grant, hung)
    if judged.refused:
        raise Refusals(list(judged.refused.values()))
    is_cut = await _cut_sets(uow, grant, asked, grants_after)
    if is_cut and not any(_differs(task, wanted) for task, wanted in asked):
        raise target.impossible(GONE)


def _differs(task: Task, wanted: Wanted) -> bool:
    return any(
        tuple(value) != current(task, field) if isinstance(value, tuple) else True for field, value in wanted.items()
    )


async def _cut_sets(
    uow: UnitOfWork, grant: Grant, asked: Sequence[tuple[Task, Wanted]], grants_after: Mapping[UUID, Grant]
) -> bool:
    """Whether somebody or something was left out."""
    people = {one for task, wanted in asked for one in _assignees(task, wanted)}
    members = await workspaces.members_of(uow, grant.workspace_id, people, for_share=True) if people else {}
    members = {**members, **grants_after}
    label_ids = {one for _, wanted in asked for one in wanted.get(ChangedField.LABELS, ())}
    labels = await projects.lock_rows(uow, Label, grant.workspace_id, label_ids, for_share=True) if label_ids else {}
    is_cut = False
    for task, wanted in asked:
        project_id = wanted.get(ChangedField.PROJECT, task.project_id)
        before = _assignees(task, wanted)
        after = tuple(one for one in before if one in members and members[one].sees_project(project_id))
        if before:
            wanted[ChangedField.ASSIGNEES] = after
        if ChangedField.LABELS in wanted:
            found = tuple(one for one in wanted[ChangedField.LABELS] if one in labels)
            is_cut = is_cut or found != wanted[ChangedField.LABELS]
            wanted[ChangedField.LABELS] = found
        is_cut = is_cut or after != before
        _within_limits(wanted)
    return is_cut


def _assignees(task: Task, wanted: Wanted) -> tuple[UUID, ...]:
    """Whom a task is to have, where that changes or has to be looked at, as it goes to another project."""
    if ChangedField.ASSIGNEES in wanted:
        found: tuple[UUID, ...] = wanted[ChangedField.ASSIGNEES]
        return found
    return task.assignee_ids if ChangedField.PROJECT in wanted else ()


def _within_limits(wanted: Wanted) -> None:
    for field, limit in ((ChangedField.ASSIGNEES, MAX_ASSIGNEES), (ChangedField.LABELS, MAX_LABELS)):
        if len(wanted.get(field, ())) > limit:
            raise LimitReached(f"A task has at most {limit} {field.value.lower()}.", limit, "target")
