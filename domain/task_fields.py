"""How each field of a task is checked, stored, and shown in a change.

The names of what people send (`statusId`) are the paths of refusals.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from db.models import PRIORITIES, ChangedField, Priority, Task
from domain import fields
from domain.errors import Invalid
from domain.ids import typed

COLUMNS: dict[ChangedField, str] = {
    ChangedField.TITLE: "title",
    ChangedField.DESCRIPTION: "description",
    ChangedField.STATUS: "status_id",
    ChangedField.PRIORITY: "priority",
    ChangedField.START_DATE: "start_date",
    ChangedField.DUE_DATE: "due_date",
    ChangedField.ESTIMATE: "estimate",
    ChangedField.PARENT: "parent_id",
    ChangedField.PROJECT: "project_id",
    ChangedField.RANK: "rank",
    ChangedField.KEY: "key",
    ChangedField.ARCHIVED: "archived_at",
    ChangedField.DELETED: "deleted_at",
}
"""The scalar fields; ASSIGNEES and LABELS are tables of their own."""

_ID_KINDS = {
    ChangedField.STATUS: "status",
    ChangedField.PARENT: "task",
    ChangedField.PROJECT: "project",
}

_RULES: dict[ChangedField, tuple[str, Any]] = {
    ChangedField.TITLE: ("title", fields.title),
    ChangedField.DESCRIPTION: ("description", fields.description),
    ChangedField.STATUS: ("statusId", fields.required),
    ChangedField.PRIORITY: ("priority", fields.required),
    ChangedField.ESTIMATE: ("estimate", fields.estimate),
    ChangedField.START_DATE: ("startDate", fields.any_value),
    ChangedField.DUE_DATE: ("dueDate", fields.any_value),
    ChangedField.PARENT: ("parentId", fields.any_value),
}


def checked(patch: Mapping[ChangedField, Any]) -> dict[ChangedField, Any]:
    """The values as they are stored. Raises Refusals naming every field that is wrong."""
    good = fields.checked({_RULES[field][0]: (_RULES[field][1], value) for field, value in patch.items()})
    return {field: good[_RULES[field][0]] for field in patch}


def within_dates(start: date | None, due: date | None) -> None:
    """Raises Invalid for work that is to be done before it begins."""
    if start is not None and due is not None and due < start:
        raise Invalid("The due date cannot be before the start date.", "dueDate")


def shown(field: ChangedField, value: Any) -> Any:
    """A field's value as a change shows it: typed ids, names, ISO dates."""
    if value is None:
        return None
    if field in _ID_KINDS:
        return typed(_ID_KINDS[field], value)
    if field is ChangedField.ASSIGNEES:
        return [typed("user", one) for one in value]
    if field is ChangedField.LABELS:
        return [typed("label", one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.isoformat() if hasattr(value, "isoformat") else value


def value_of(field: ChangedField, value: Any) -> Any:
    """The value of which a change shows this."""
    if value is None:
        return None
    if field in _ID_KINDS:
        return _uuid(value)
    if field in {ChangedField.ASSIGNEES, ChangedField.LABELS}:
        return tuple(_uuid(one) for one in value)
    if field in {ChangedField.START_DATE, ChangedField.DUE_DATE}:
        return date.fromisoformat(value)
    if field in {ChangedField.ARCHIVED, ChangedField.DELETED}:
        return datetime.fromisoformat(value)
    return Priority(value) if field is ChangedField.PRIORITY else value


def _uuid(global_id: str) -> UUID:
    return UUID(global_id.partition("_")[2])


def current(task: Task, field: ChangedField) -> Any:
    """A field's value as the row has it."""
    if field is ChangedField.ASSIGNEES:
        return task.assignee_ids
    if field is ChangedField.LABELS:
        return task.label_ids
    return getattr(task, COLUMNS[field])


def stored(field: ChangedField, value: Any) -> Any:
    """A field's value as its column holds it."""
    return PRIORITIES.index(Priority(value)) if field is ChangedField.PRIORITY else value


def after_adding(current_ids: tuple[UUID, ...], add: list[UUID], remove: list[UUID]) -> tuple[UUID, ...]:
    """A set after adding and removing; what is there keeps its place, also if it is to be removed and added."""
    kept = [one for one in current_ids if one not in remove or one in add]
    return tuple(dict.fromkeys((*kept, *add)))
