"""Changing up to a hundred tasks of one workspace at once: all of it or nothing, in one transaction.

Every refusal leads to its item. What is asked and judged takes as many statements for many tasks as for a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db import projects, tasks, workspaces
from db.models import ChangedField, Label, Permission, Status, Task
from db.scope import Grant
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, mentions, task_changes, task_fields, task_tree
from domain.errors import ErrorCode, Invalid, LimitReached, NotFound, Refusal, Refusals, within
from domain.ids import typed
from domain.merge import Base
from domain.tasks import SetPatch, wanted_sets

MAX_UPDATES = 100


@dataclass(frozen=True, slots=True)
class Edit:
    """What one task is to become; `place`: which item of the input it is."""

    place: int
    task_id: UUID
    patch: Mapping[ChangedField, Any]
    sets: SetPatch
    base: Base


class Problems:
    """Collects the refusals of items."""

    def __init__(self) -> None:
        self._refusals: list[tuple[int, Refusal]] = []

    def at(self, place: int, refused: Refusal | Refusals) -> None:
        self._refusals += [(place, one) for one in within(refused, "updates", str(place))]

    def done(self) -> None:
        """Raises Refusals, in the order of the items."""
        if self._refusals:
            raise Refusals([one for _, one in sorted(self._refusals, key=lambda found: found[0])])


def within_limit(how_many: int) -> None:
    """Raises Invalid(TOO_LONG)."""
    if how_many > MAX_UPDATES:
        raise Invalid(f"At most {MAX_UPDATES} updates fit.", "updates", code=ErrorCode.TOO_LONG)


async def update_tasks(uow: UnitOfWork, edits: Sequence[Edit]) -> Outcome:
    """Change fields of many tasks. Records an update of each that differs. Raises Refusals."""
    if not edits:
        return Outcome({"tasks": []})
    problems = Problems()
    _each_once(problems, edits)
    grant, rows = await _locked(uow, problems, edits)
    wanted: dict[UUID, dict[ChangedField, Any]] = {}
    for edit in edits:
        try:
            wanted[edit.task_id] = {
                **task_fields.checked(edit.patch),
                **wanted_sets(rows[edit.task_id], edit.sets),
            }
        except (Refusal, Refusals) as refused:
            problems.at(edit.place, refused)
    problems.done()
    await _allow_values(uow, problems, grant, [(edit, rows[edit.task_id], wanted[edit.task_id]) for edit in edits])
    problems.done()
    places = {edit.task_id: edit.place for edit in edits}
    asked = [(rows[edit.task_id], wanted[edit.task_id]) for edit in edits]
    bases = {edit.task_id: edit.base for edit in edits}
    await task_changes.write_all(uow, asked, bases, on_refused=lambda one, refused: problems.at(places[one], refused))
    problems.done()
    return Outcome({"tasks": [str(edit.task_id) for edit in edits]})


def _each_once(problems: Problems, edits: Sequence[Edit]) -> None:
    seen: set[UUID] = set()
    for edit in edits:
        if edit.task_id in seen:
            problems.at(edit.place, Invalid("This task is among the updates already.", "id"))
        seen.add(edit.task_id)
    problems.done()


async def _locked(uow: UnitOfWork, problems: Problems, edits: Sequence[Edit]) -> tuple[Grant, dict[UUID, Task]]:
    """Lock the tasks, in the order of their ids. Raises Refusals."""
    workspace_by_task = await tasks.workspace_ids_by_task_ids(uow, [one.task_id for one in edits])
    grants = {one.workspace_id: one for one in await access.grants_of(uow, uow.actor)}
    rows: dict[UUID, Task] = {}
    for workspace_id in sorted(set(workspace_by_task.values()) & grants.keys()):
        ids = [one for one, found in workspace_by_task.items() if found == workspace_id]
        rows |= await tasks.lock_tasks(uow, workspace_id, ids)
    seen = {
        one: task
        for one, task in rows.items()
        if task.deleted_at is None and grants[task.workspace_id].sees_project(task.project_id)
    }
    grant: Grant | None = None
    for edit in edits:
        task = seen.get(edit.task_id)
        if task is None:
            problems.at(edit.place, NotFound(typed("task", edit.task_id), "id"))
            continue
        grant = grant or grants[task.workspace_id]
        if task.workspace_id != grant.workspace_id:
            problems.at(edit.place, Invalid("All tasks have to be in one workspace.", "id"))
    problems.done()
    assert grant is not None
    first = typed("task", edits[0].task_id)
    try:
        access.require(uow, grant, Permission.TASK_WRITE, first, "updates")
    except Refusal as refused:
        problems.at(edits[0].place, refused)
    problems.done()
    for project_id in {one.project_id for one in seen.values()}:
        access.keep_seeing(uow, grant, project_id, first, "updates")
    return grant, seen


async def _allow_values(
    uow: UnitOfWork,
    problems: Problems,
    grant: Grant,
    items: Sequence[tuple[Edit, Task, Mapping[ChangedField, Any]]],
) -> None:
    """What the values point at is there, is seen, and stays so until the commit."""
    hung = {task.id: wanted[ChangedField.PARENT] for _, task, wanted in items if ChangedField.PARENT in wanted}
    judged = await task_tree.judge_parents(uow, grant, hung)
    status_ids = {wanted[ChangedField.STATUS] for _, _, wanted in items if ChangedField.STATUS in wanted}
    label_ids = {one for edit, _, _ in items for one in edit.sets.add_labels}
    mentioned = {
        task.id: mentions.newly_mentioned(task.description, wanted.get(ChangedField.DESCRIPTION, ""))
        for _, task, wanted in items
    }
    people = {one for edit, task, _ in items for one in (*edit.sets.add_assignees, *mentioned[task.id])}
    workspace_id = grant.workspace_id
    statuses = await projects.lock_rows(uow, Status, workspace_id, status_ids, for_share=True) if status_ids else {}
    labels = await projects.lock_rows(uow, Label, workspace_id, label_ids, for_share=True) if label_ids else {}
    members = await workspaces.members_of(uow, workspace_id, people, for_share=True) if people else {}

    def unseen(task: Task, user_ids: Iterable[UUID]) -> list[UUID]:
        return [one for one in user_ids if one not in members or not members[one].sees_project(task.project_id)]

    for edit, task, wanted in items:
        if task.id in judged.refused:
            problems.at(edit.place, judged.refused[task.id])
        status_id = wanted.get(ChangedField.STATUS)
        missing = [("statusId", "status", one) for one in [status_id] if one is not None and one not in statuses]
        missing += [("addLabelIds", "label", one) for one in edit.sets.add_labels if one not in labels]
        missing += [("addAssigneeIds", "user", one) for one in unseen(task, edit.sets.add_assignees)]
        if len(mentioned[task.id]) > mentions.MAX_MENTIONS:
            most = mentions.MAX_MENTIONS
            problems.at(edit.place, LimitReached(f"At most {most} people are mentioned at once.", most, "description"))
        missing += [("description", "user", one) for one in unseen(task, mentioned[task.id])]
        for path, kind, one in missing[:1]:
            problems.at(edit.place, NotFound(typed(kind, one), path))
