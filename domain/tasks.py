"""Creating and changing tasks.

A change is worked out on the locked row here and written by `task_changes`
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from db import projects, tasks, workspaces
from db.errors import Duplicate
from db.models import (
    ChangedField,
    Label,
    Permission,
    Priority,
    Project,
    Role,
    Status,
    StatusCategory,
    Task,
)
from db.scope import Grant
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, events, fields, following, mentions, notices, places, task_changes, task_fields, task_tree
from domain.errors import ErrorCode, Forbidden, Invalid, LimitReached
from domain.ids import typed
from domain.merge import Base
from domain.ordering import LAST, Position
from domain.task_fields import after_adding, current, stored

MAX_ASSIGNEES = 50
MAX_LABELS = 50


@dataclass(frozen=True, slots=True)
class NewTask:
    """All that a new task can be given. `id` is new; `project_id` None with a parent: the parent's project."""

    id: UUID
    workspace_id: UUID
    title: str
    description: str | None = None
    project_id: UUID | None = None
    parent_id: UUID | None = None
    status_id: UUID | None = None
    priority: Priority | None = None
    start_date: date | None = None
    due_date: date | None = None
    estimate: float | None = None
    assignee_ids: Sequence[UUID] = ()
    label_ids: Sequence[UUID] = ()
    position: Position = LAST


async def create_task(uow: UnitOfWork, new: NewTask) -> Outcome:
    """Records a task created. Raises NotFound, Forbidden, Invalid, LimitReached, Refusals."""
    grant = await access.permitted(uow, new.workspace_id, Permission.TASK_WRITE)
    texts = task_fields.checked(
        {
            ChangedField.TITLE: new.title,
            ChangedField.DESCRIPTION: new.description,
            ChangedField.ESTIMATE: new.estimate,
        }
    )
    task_fields.within_dates(new.start_date, new.due_date)
    assignee_ids = fields.ids_up_to(MAX_ASSIGNEES, "assignees")(list(dict.fromkeys(new.assignee_ids)), "assigneeIds")
    label_ids = fields.ids_up_to(MAX_LABELS, "labels")(list(dict.fromkeys(new.label_ids)), "labelIds")
    project_id = new.project_id
    if new.parent_id is not None:
        parent = await task_tree.allow_parent(uow, grant, new.id, new.parent_id)
        project_id = project_id or parent.project_id
    prefix = await _key_prefix(uow, grant, project_id)
    status = await _status(uow, grant, new.status_id)
    await access.pointed_at(uow, Label, grant, label_ids, "labelIds")
    await access.who_see(uow, grant.workspace_id, project_id, assignee_ids, "assigneeIds")
    mentioned = mentions.mentioned(texts[ChangedField.DESCRIPTION])
    await mentions.allow_mentions(uow, grant.workspace_id, project_id, mentioned, "description")
    rank = await places.rank_at(uow, grant.workspace_id, (project_id, status.id), new.position)
    (key,) = await tasks.next_keys(uow, grant.workspace_id, prefix)
    row = {
        "id": new.id,
        "created_at": uow.now,
        "updated_at": uow.now,
        "workspace_id": grant.workspace_id,
        "key": key,
        "project_id": project_id,
        "parent_id": new.parent_id,
        "status_id": status.id,
        "priority": stored(ChangedField.PRIORITY, new.priority or Priority.NONE),
        "start_date": new.start_date,
        "due_date": new.due_date,
        "rank": rank,
        "created_by_kind": uow.actor.ref.kind.value,
        "created_by": uow.actor.ref.id,
        "completed_at": uow.now if status.category is StatusCategory.DONE else None,
        **{task_fields.COLUMNS[field]: value for field, value in texts.items()},
    }
    try:
        await tasks.insert_task(uow, row)
    except Duplicate as error:
        raise Invalid("This id is taken.", "id", code=ErrorCode.ALREADY_EXISTS) from error
    for table, ids in (("assignees", assignee_ids), ("labels", label_ids)):
        members = [(new.id, one) for one in ids]
        await tasks.change_members(uow, table, grant.workspace_id, add=members, remove=[], at=uow.now)
    task = (await tasks.read_tasks(uow, grant.workspace_id, [new.id]))[new.id]
    events.task_changed(uow, None, task)
    await following.begin(uow, task, [*following.person_of(uow), *assignee_ids, *mentioned])
    notices.task_created(uow, task)
    return Outcome({"task": str(task.id)})


@dataclass(frozen=True, slots=True)
class SetPatch:
    """What joins and what leaves a task's sets."""

    add_assignees: Sequence[UUID] = ()
    remove_assignees: Sequence[UUID] = ()
    add_labels: Sequence[UUID] = ()
    remove_labels: Sequence[UUID] = ()


async def update_task(
    uow: UnitOfWork, task_id: UUID, patch: Mapping[ChangedField, Any], sets: SetPatch, base: Base
) -> Outcome:
    """Change the fields in `patch`, and no other. Records a task updated if anything differs.

    Raises NotFound, Forbidden, Invalid, LimitReached, Conflict, Refusals.
    """
    grant, task = await access.visible_task(uow, task_id, Permission.TASK_WRITE)
    wanted: dict[ChangedField, Any] = task_fields.checked(patch)
    if wanted.get(ChangedField.PARENT) is not None:
        await task_tree.allow_parent(uow, grant, task.id, wanted[ChangedField.PARENT])
    if ChangedField.STATUS in wanted:
        await _status(uow, grant, wanted[ChangedField.STATUS])
    await access.pointed_at(uow, Label, grant, list(sets.add_labels), "addLabelIds")
    await access.who_see(uow, grant.workspace_id, task.project_id, list(sets.add_assignees), "addAssigneeIds")
    mentioned = mentions.newly_mentioned(task.description, wanted.get(ChangedField.DESCRIPTION, ""))
    await mentions.allow_mentions(uow, grant.workspace_id, task.project_id, mentioned, "description")
    wanted |= wanted_sets(task, sets)
    after, merged = await task_changes.write(uow, task, wanted, base)
    return Outcome({"task": str(task_id)}, tuple(field.value for field in merged), rows={task_id: after})


def wanted_sets(task: Task, sets: SetPatch) -> dict[ChangedField, Any]:
    """What the sets of a locked task become, those that are named. Raises LimitReached."""
    wanted: dict[ChangedField, Any] = {}
    for field, add, remove in (
        (ChangedField.ASSIGNEES, sets.add_assignees, sets.remove_assignees),
        (ChangedField.LABELS, sets.add_labels, sets.remove_labels),
    ):
        if add or remove:
            wanted[field] = after_adding(current(task, field), list(add), list(remove))
    _within_limit(wanted.get(ChangedField.ASSIGNEES, ()), MAX_ASSIGNEES, "assignees", "addAssigneeIds")
    _within_limit(wanted.get(ChangedField.LABELS, ()), MAX_LABELS, "labels", "addLabelIds")
    return wanted


def _within_limit(members: Sequence[UUID], limit: int, what: str, path: str) -> None:
    if len(members) > limit:
        raise LimitReached(f"A task has at most {limit} {what}.", limit, path)


async def _key_prefix(uow: UnitOfWork, grant: Grant, project_id: UUID | None) -> str:
    """The prefix of keys in a project, or in none. A guest's tasks are always in a project of theirs."""
    if project_id is None:
        if grant.role is Role.GUEST:
            raise Forbidden(Permission.TASK_WRITE, "A guest's tasks are in one of the guest's projects: name it.")
        workspace = await workspaces.workspace_by_id(uow, grant.workspace_id)
        assert workspace is not None
        return workspace.key
    project = (await access.pointed_at(uow, Project, grant, [project_id], "projectId"))[project_id]
    access.keep_seeing(uow, grant, project_id, typed("project", project_id), "projectId")
    return project.key


async def _status(uow: UnitOfWork, grant: Grant, status_id: UUID | None) -> Status:
    """The named status, else the first to do, else the first of all."""
    if status_id is not None:
        return (await access.pointed_at(uow, Status, grant, [status_id], "statusId"))[status_id]
    everything = await projects.statuses_of(uow, grant.workspace_id)
    to_do = [one for one in everything if one.category is StatusCategory.TODO]
    chosen = (to_do or everything)[0]
    return (await access.pointed_at(uow, Status, grant, [chosen.id], "statusId"))[chosen.id]


async def move_task(
    uow: UnitOfWork,
    task_id: UUID,
    patch: Mapping[ChangedField, Any],
    position: Position | None,
    base: Base,
) -> Outcome:
    """Change project, status and place in one step; `patch` holds PROJECT and STATUS where they were given.

    Another project means another key; the old one keeps leading here. Who cannot see the task in its new
    project is no longer assigned. Raises NotFound, Forbidden, Invalid, Conflict.
    """
    grant, task = await access.visible_task(uow, task_id, Permission.TASK_WRITE)
    wanted: dict[ChangedField, Any] = dict(patch)
    project_id = wanted.get(ChangedField.PROJECT, task.project_id)
    if ChangedField.STATUS in wanted:
        fields.required(wanted[ChangedField.STATUS], "statusId")
        await _status(uow, grant, wanted[ChangedField.STATUS])
    if project_id != task.project_id:
        prefix = await _key_prefix(uow, grant, project_id)
        wanted |= await _in_project(uow, task, project_id, prefix)
    if position is not None:
        column = (project_id, wanted.get(ChangedField.STATUS, task.status_id))
        wanted[ChangedField.RANK] = await places.rank_at(uow, grant.workspace_id, column, position, moving=task)
    _, merged = await task_changes.write(uow, task, wanted, base)
    return Outcome({"task": str(task_id)}, tuple(field.value for field in merged))


async def _in_project(uow: UnitOfWork, task: Task, project_id: UUID | None, prefix: str) -> dict[ChangedField, Any]:
    """What else changes when a task goes to another project."""
    (key,) = await tasks.next_keys(uow, task.workspace_id, prefix)
    members = await workspaces.members_of(uow, task.workspace_id, task.assignee_ids)
    return _arrived(task, project_id, key, members)


def _arrived(task: Task, project_id: UUID | None, key: str, members: Mapping[UUID, Grant]) -> dict[ChangedField, Any]:
    still = tuple(one for one in task.assignee_ids if one in members and members[one].sees_project(project_id))
    return {ChangedField.PROJECT: project_id, ChangedField.KEY: key, ChangedField.ASSIGNEES: still}


async def send_tasks_to_project(uow: UnitOfWork, workspace_id: UUID, from_id: UUID, to: Project | None) -> None:
    """Every task of a project goes to another one, or to none; deleted ones too, as they may be restored."""
    workspace = await workspaces.workspace_by_id(uow, workspace_id)
    assert workspace is not None
    ids = await tasks.task_ids_where(uow, workspace_id, project_id=from_id)
    if not ids:
        return
    rows = list((await tasks.lock_tasks(uow, workspace_id, ids)).values())
    keys = await tasks.next_keys(uow, workspace_id, workspace.key if to is None else to.key, len(rows))
    members = await workspaces.members_of(uow, workspace_id, {one for task in rows for one in task.assignee_ids})
    project_id = None if to is None else to.id
    wanted = [(task, _arrived(task, project_id, key, members)) for task, key in zip(rows, keys, strict=True)]
    await task_changes.write_all(uow, wanted, is_quiet=True)


async def send_tasks_to_status(uow: UnitOfWork, workspace_id: UUID, from_id: UUID, to: Status) -> None:
    """Every task of a status goes to another one; deleted ones too, as they may be restored."""
    ids = await tasks.task_ids_where(uow, workspace_id, status_id=from_id)
    rows = await tasks.lock_tasks(uow, workspace_id, ids)
    await task_changes.write_all(uow, [(task, {ChangedField.STATUS: to.id}) for task in rows.values()], is_quiet=True)


async def take_label_off(uow: UnitOfWork, workspace_id: UUID, label_id: UUID) -> None:
    """No task has this label any more."""
    ids = await tasks.task_ids_by_member(uow, "labels", workspace_id, label_id)
    rows = await tasks.lock_tasks(uow, workspace_id, ids)
    await task_changes.write_all(
        uow,
        [
            (task, {ChangedField.LABELS: tuple(one for one in task.label_ids if one != label_id)})
            for task in rows.values()
        ],
        is_quiet=True,
    )


async def release_assignments(uow: UnitOfWork, workspace_id: UUID, user_id: UUID, grant: Grant | None) -> None:
    """Somebody is no longer assigned to the tasks that they cannot see under `grant` (None: any)."""
    ids = await tasks.task_ids_by_member(uow, "assignees", workspace_id, user_id)
    rows = await tasks.lock_tasks(uow, workspace_id, ids)
    await task_changes.write_all(
        uow,
        [
            (task, {ChangedField.ASSIGNEES: tuple(one for one in task.assignee_ids if one != user_id)})
            for task in rows.values()
            if grant is None or not grant.sees_project(task.project_id)
        ],
        is_quiet=True,
    )
