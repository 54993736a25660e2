"""What a task filter means in SQL.

A filter is a tree of frozen values, so the same filter is the same key for the
loaders that batch pages. It finds no more than the tasks show: a parent that is
deleted or hidden is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select, true

from db.models import PRIORITIES, Priority, StatusCategory
from db.scope import Scope, visible
from db.tables import statuses, task_assignees, task_labels, tasks


@dataclass(frozen=True, slots=True)
class IdFilter:
    """Exactly one is set."""

    eq: UUID | None = None
    in_: frozenset[UUID] | None = None
    not_in: frozenset[UUID] | None = None
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class SetFilter:
    """Exactly one is set."""

    any: frozenset[UUID] | None = None
    all: frozenset[UUID] | None = None
    none: frozenset[UUID] | None = None
    is_empty: bool | None = None


@dataclass(frozen=True, slots=True)
class CategoryFilter:
    """Exactly one is set."""

    in_: frozenset[StatusCategory] | None = None
    not_in: frozenset[StatusCategory] | None = None


@dataclass(frozen=True, slots=True)
class PriorityFilter:
    """Exactly one is set."""

    in_: frozenset[Priority] | None = None
    gte: Priority | None = None
    lte: Priority | None = None


@dataclass(frozen=True, slots=True)
class TextFilter:
    """Exactly one is set."""

    contains: str | None = None
    starts_with: str | None = None
    eq: str | None = None


@dataclass(frozen=True, slots=True)
class DateFilter:
    gte: date | None = None
    lte: date | None = None
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class InstantFilter:
    gte: datetime | None = None
    lt: datetime | None = None
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Everything that is set must hold."""

    and_: tuple[TaskFilter, ...] = ()
    or_: tuple[TaskFilter, ...] | None = None
    not_: TaskFilter | None = None
    project: IdFilter | None = None
    status: IdFilter | None = None
    parent: IdFilter | None = None
    created_by: IdFilter | None = None
    status_category: CategoryFilter | None = None
    priority: PriorityFilter | None = None
    assignees: SetFilter | None = None
    labels: SetFilter | None = None
    text: TextFilter | None = None
    due_date: DateFilter | None = None
    created_at: InstantFilter | None = None
    updated_at: InstantFilter | None = None
    completed_at: InstantFilter | None = None
    is_archived: bool | None = None


Condition = ColumnElement[bool]


def matching(wanted: TaskFilter, scope: Scope) -> Condition:
    """The tasks that a filter asks for, among those that the scope sees."""
    parts: list[Condition] = [matching(one, scope) for one in wanted.and_]
    if wanted.or_ is not None:
        parts.append(or_(false(), *[matching(one, scope) for one in wanted.or_]))
    if wanted.not_ is not None:
        parts.append(not_(matching(wanted.not_, scope)))
    parts += _scalars(wanted)
    if wanted.parent is not None:
        parts.append(_parent(wanted.parent, scope))
    if wanted.assignees is not None:
        parts.append(_set(wanted.assignees, task_assignees.c.task_id, task_assignees.c.user_id))
    if wanted.labels is not None:
        parts.append(_set(wanted.labels, task_labels.c.task_id, task_labels.c.label_id))
    if wanted.is_archived is not None:
        parts.append(tasks.c.archived_at.is_not(None) if wanted.is_archived else tasks.c.archived_at.is_(None))
    return and_(true(), *parts)


def _scalars(wanted: TaskFilter) -> list[Condition]:
    parts: list[Condition] = []
    for asked, column in (
        (wanted.project, tasks.c.project_id),
        (wanted.status, tasks.c.status_id),
        (wanted.created_by, tasks.c.created_by),
    ):
        if asked is not None:
            parts.append(_id(asked, column))
    if wanted.status_category is not None:
        parts.append(_category(wanted.status_category))
    if wanted.priority is not None:
        parts.append(_priority(wanted.priority))
    if wanted.text is not None:
        parts.append(_text(wanted.text))
    if wanted.due_date is not None:
        parts += _range(wanted.due_date.gte, wanted.due_date.is_null, tasks.c.due_date)
        if wanted.due_date.lte is not None:
            parts.append(func.coalesce(tasks.c.due_date <= wanted.due_date.lte, false()))
    for span, column in (
        (wanted.created_at, tasks.c.created_at),
        (wanted.updated_at, tasks.c.updated_at),
        (wanted.completed_at, tasks.c.completed_at),
    ):
        if span is not None:
            parts += _range(span.gte, span.is_null, column)
            if span.lt is not None:
                parts.append(func.coalesce(column < span.lt, false()))
    return parts


# Comparisons with a missing value answer false, never "unknown", so that `not` of a filter is its exact complement.


def _id(asked: IdFilter, column: ColumnElement[UUID]) -> Condition:
    if asked.eq is not None:
        return func.coalesce(column == asked.eq, false())
    if asked.in_ is not None:
        return func.coalesce(column.in_(sorted(asked.in_)), false())
    if asked.not_in is not None:
        return or_(column.is_(None), column.not_in(sorted(asked.not_in)))
    return column.is_(None) if asked.is_null else column.is_not(None)


def _parent(asked: IdFilter, scope: Scope) -> Condition:
    parents = tasks.alias("parents")
    is_seen = exists(
        select(parents.c.id)
        .where(parents.c.id == tasks.c.parent_id, parents.c.deleted_at.is_(None), visible(parents, scope))
        .correlate(tasks)
    )
    if asked.not_in is not None or asked.is_null:
        return or_(_id(asked, tasks.c.parent_id), not_(is_seen))
    return and_(_id(asked, tasks.c.parent_id), is_seen)


def _range(gte: date | datetime | None, is_null: bool | None, column: ColumnElement[object]) -> list[Condition]:
    parts: list[Condition] = []
    if gte is not None:
        parts.append(func.coalesce(column >= gte, false()))
    if is_null is not None:
        parts.append(column.is_(None) if is_null else column.is_not(None))
    return parts


def _category(asked: CategoryFilter) -> Condition:
    wanted = asked.in_ if asked.in_ is not None else frozenset(StatusCategory) - (asked.not_in or frozenset())
    of_category = select(statuses.c.id).where(
        statuses.c.workspace_id == tasks.c.workspace_id,
        statuses.c.id == tasks.c.status_id,
        statuses.c.category.in_(sorted(wanted)),
    )
    return exists(of_category)


def _priority(asked: PriorityFilter) -> Condition:
    if asked.in_ is not None:
        return tasks.c.priority.in_(sorted(PRIORITIES.index(one) for one in asked.in_))
    if asked.gte is not None:
        return tasks.c.priority >= PRIORITIES.index(asked.gte)
    assert asked.lte is not None
    return tasks.c.priority <= PRIORITIES.index(asked.lte)


def _text(asked: TextFilter) -> Condition:
    if asked.contains is not None:
        return or_(
            tasks.c.title.icontains(asked.contains, autoescape=True),
            tasks.c.description.icontains(asked.contains, autoescape=True),
        )
    if asked.starts_with is not None:
        return or_(
            tasks.c.title.istartswith(asked.starts_with, autoescape=True),
            tasks.c.description.istartswith(asked.starts_with, autoescape=True),
        )
    return or_(
        func.lower(tasks.c.title) == func.lower(asked.eq), func.lower(tasks.c.description) == func.lower(asked.eq)
    )


def _set(asked: SetFilter, task_id: ColumnElement[UUID], member_id: ColumnElement[UUID]) -> Condition:
    of_task = select(member_id).where(task_id == tasks.c.id)
    if asked.any is not None:
        return exists(of_task.where(member_id.in_(sorted(asked.any))))
    if asked.all is not None:
        return and_(true(), *[exists(of_task.where(member_id == one)) for one in sorted(asked.all)])
    if asked.none is not None:
        return not_(exists(of_task.where(member_id.in_(sorted(asked.none)))))
    return not_(exists(of_task)) if asked.is_empty else exists(of_task)
