"""A workspace full of random tasks, written straight into the tables, and a model in Python of what a filter means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from sqlalchemy import insert

from db import tables
from db.ids import new_id
from db.models import PRIORITIES, Actor, ActorRef, Priority, Role, StatusCategory, Task
from db.scope import Scope
from db.task_filters import (
    CategoryFilter,
    DateFilter,
    IdFilter,
    InstantFilter,
    PriorityFilter,
    SetFilter,
    TaskFilter,
    TextFilter,
)
from tests.db.office import Office

DAY_ZERO = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
TEXTS = ("", "Login", "log out", "100% of it", "snake_case", "back\\slash", "Éclair", "éclair", "ship it", "SHIP IT!")


@dataclass
class Crowd:
    """`tasks` are what the tables hold of it, deleted ones left out."""

    workspace_id: UUID
    owner: Actor
    whole: Scope
    """Sees everything."""
    guest: Scope
    """Sees the first project."""
    people: list[UUID]
    projects: list[UUID]
    labels: list[UUID]
    category_by_status: dict[UUID, StatusCategory]
    tasks: list[Task]

    @cached_property
    def filters(self) -> st.SearchStrategy[TaskFilter]:
        """Any filter on these tasks: every field, every operator, nested."""
        return st.recursive(
            _flat(self),
            lambda inner: st.builds(
                _joined,
                _flat(self),
                st.lists(inner, max_size=2).map(tuple),
                st.none() | st.lists(inner, min_size=0, max_size=3).map(tuple),
                st.none() | inner,
            ),
            max_leaves=6,
        )


async def make_crowd(office: Office, how_many: int, seed: int) -> Crowd:
    """Many tasks that share most of their values, so that every filter and every tie is met."""
    random = Random(seed)
    owner = await office.person()
    workspace_id = await office.workspace(owner)
    projects = [await office.project(owner, workspace_id, key) for key in ("ONE", "TWO")]
    guest = await office.member(owner, workspace_id, Role.GUEST, projects[0])
    bob = await office.member(owner, workspace_id, Role.MEMBER)
    labels = [await office.label(owner, workspace_id, name) for name in ("bug", "help", "later")]
    statuses = await office.statuses(workspace_id)
    crowd = Crowd(
        workspace_id=workspace_id,
        owner=owner,
        whole=await office.scope(owner),
        guest=await office.scope(guest),
        people=[owner.user_id, bob.user_id, guest.user_id],
        projects=projects,
        labels=labels,
        category_by_status={status_id: category for category, status_id in statuses.items()},
        tasks=[],
    )
    await add_tasks(office, crowd, how_many, random)
    return crowd


async def add_tasks(office: Office, crowd: Crowd, how_many: int, random: Random) -> list[Task]:
    """More of them; every tenth is deleted from the beginning."""
    made = [_random_task(crowd, random, index) for index in range(how_many)]
    async with office.database.transaction() as connection:
        await connection.execute(insert(tables.tasks), [_row(task) for task in made])
        for table, column, ids_of in (
            (tables.task_assignees, "user_id", "assignee_ids"),
            (tables.task_labels, "label_id", "label_ids"),
        ):
            rows = [
                {
                    "workspace_id": crowd.workspace_id,
                    "task_id": task.id,
                    column: one,
                    "added_at": MIDNIGHT + timedelta(seconds=place),
                }
                for task in made
                for place, one in enumerate(getattr(task, ids_of))
            ]
            if rows:
                await connection.execute(insert(table), rows)
    live = [task for task in made if task.deleted_at is None]
    crowd.tasks += live
    return live


def _random_task(crowd: Crowd, random: Random, index: int) -> Task:
    at = MIDNIGHT + timedelta(hours=random.randrange(4), microseconds=random.choice([0, 1, 999]))
    status_id = random.choice(list(crowd.category_by_status))
    earlier = [task.id for task in crowd.tasks]
    return Task(
        id=new_id(),
        version=1,
        created_at=at,
        updated_at=at + timedelta(hours=random.randrange(3)),
        workspace_id=crowd.workspace_id,
        key=f"X-{index}",
        project_id=random.choice([None, *crowd.projects]),
        parent_id=random.choice(earlier) if earlier and random.random() < 0.5 else None,
        title=random.choice(TEXTS[1:]),
        description=random.choice(TEXTS),
        status_id=status_id,
        priority=random.choice(PRIORITIES),
        start_date=None,
        due_date=random.choice([None, *[DAY_ZERO + timedelta(days=days) for days in range(4)]]),
        estimate=None,
        rank=f"a{random.randrange(5)}",
        created_by=ActorRef(crowd.owner.ref.kind, random.choice(crowd.people)),
        completed_at=random.choice([None, at]),
        archived_at=random.choice([None, None, at]),
        deleted_at=at if index % 10 == 9 else None,
        assignee_ids=tuple(random.sample(crowd.people, random.randrange(3))),
        label_ids=tuple(random.sample(crowd.labels, random.randrange(3))),
    )


def _row(task: Task) -> dict[str, Any]:
    sets = {"assignee_ids", "label_ids", "created_by", "priority"}
    row = {name: getattr(task, name) for name in Task.__dataclass_fields__ if name not in sets}
    by = task.created_by
    return {**row, "priority": PRIORITIES.index(task.priority), "created_by": by.id, "created_by_kind": by.kind.value}


# ---- the model


def as_seen(tasks: list[Task]) -> list[Task]:
    """Tasks as somebody sees them who sees no others: without parents that are not among them."""
    ids = {task.id for task in tasks}
    return [task if task.parent_id in ids else replace(task, parent_id=None) for task in tasks]


def matches(crowd: Crowd, task: Task, wanted: TaskFilter) -> bool:
    """Whether a task is what a filter asks for, in plain Python."""
    return (
        all(matches(crowd, task, one) for one in wanted.and_)
        and (wanted.or_ is None or any(matches(crowd, task, one) for one in wanted.or_))
        and (wanted.not_ is None or not matches(crowd, task, wanted.not_))
        and _id(wanted.project, task.project_id)
        and _id(wanted.status, task.status_id)
        and _id(wanted.parent, task.parent_id)
        and _id(wanted.created_by, task.created_by.id)
        and _category(wanted.status_category, crowd.category_by_status[task.status_id])
        and _priority(wanted.priority, task.priority)
        and _set(wanted.assignees, set(task.assignee_ids))
        and _set(wanted.labels, set(task.label_ids))
        and _text(wanted.text, task)
        and _range(wanted.due_date, task.due_date)
        and _range(wanted.created_at, task.created_at)
        and _range(wanted.updated_at, task.updated_at)
        and _range(wanted.completed_at, task.completed_at)
        and (wanted.is_archived is None or wanted.is_archived == (task.archived_at is not None))
    )


def _id(asked: IdFilter | None, value: UUID | None) -> bool:
    if asked is None:
        return True
    if asked.eq is not None:
        return value == asked.eq
    if asked.in_ is not None:
        return value in asked.in_
    if asked.not_in is not None:
        return value not in asked.not_in
    return (value is None) == asked.is_null


def _category(asked: CategoryFilter | None, value: StatusCategory) -> bool:
    if asked is None:
        return True
    return value in asked.in_ if asked.in_ is not None else value not in (asked.not_in or ())


def _priority(asked: PriorityFilter | None, value: Priority) -> bool:
    if asked is None:
        return True
    if asked.in_ is not None:
        return value in asked.in_
    at = PRIORITIES.index(value)
    return at >= PRIORITIES.index(asked.gte) if asked.gte is not None else at <= PRIORITIES.index(asked.lte or value)


def _set(asked: SetFilter | None, values: set[UUID]) -> bool:
    if asked is None:
        return True
    if asked.any is not None:
        return bool(values & asked.any)
    if asked.all is not None:
        return values >= asked.all
    if asked.none is not None:
        return not values & asked.none
    return (not values) == asked.is_empty


def _text(asked: TextFilter | None, task: Task) -> bool:
    if asked is None:
        return True
    texts = [task.title.lower(), task.description.lower()]
    if asked.contains is not None:
        return any(asked.contains.lower() in text for text in texts)
    if asked.starts_with is not None:
        return any(text.startswith(asked.starts_with.lower()) for text in texts)
    return (asked.eq or "").lower() in texts


def _range(asked: DateFilter | InstantFilter | None, value: Any) -> bool:
    if asked is None:
        return True
    is_right = asked.is_null is None or asked.is_null == (value is None)
    if asked.gte is not None:
        is_right &= value is not None and value >= asked.gte
    if isinstance(asked, DateFilter) and asked.lte is not None:
        is_right &= value is not None and value <= asked.lte
    if isinstance(asked, InstantFilter) and asked.lt is not None:
        is_right &= value is not None and value < asked.lt
    return is_right


def sort_key(task: Task, field: str) -> Any:
    """What a task is ordered by; those without a due date come last in an ascending order."""
    return {
        "RANK": task.rank,
        "CREATED_AT": task.created_at,
        "UPDATED_AT": task.updated_at,
        "DUE_DATE": task.due_date or date.max,
        "PRIORITY": PRIORITIES.index(task.priority),
        "TITLE": task.title.lower(),
    }[field]


def in_order(tasks: Sequence[Task], order: Sequence[tuple[str, bool]]) -> list[Task]:
    """Sorted by keys of (field, is descending), ties by the id in the direction of the last key."""
    keys = list(order) or [("RANK", False)]
    result = sorted(tasks, key=lambda task: task.id.bytes, reverse=keys[-1][1])
    for field, is_descending in reversed(keys):
        if field == "DUE_DATE" and is_descending:
            result.sort(key=lambda task: task.due_date or date.min, reverse=True)
        else:
            result.sort(key=lambda task, by=field: sort_key(task, by), reverse=is_descending)  # type: ignore[misc]
    return result


# ---- random filters


def _joined(flat: TaskFilter, and_: Any, or_: Any, not_: Any) -> TaskFilter:
    return replace(flat, and_=and_, or_=or_, not_=not_)


def _one_of(kind: type, **operators: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(*[st.builds(kind, **{name: values}) for name, values in operators.items()])


def _flat(crowd: Crowd) -> st.SearchStrategy[TaskFilter]:
    nobody = UUID(int=0)

    def ids(known: Sequence[UUID]) -> st.SearchStrategy[Any]:
        one = st.sampled_from([*known, nobody])
        some = st.frozensets(one, max_size=3)
        return _one_of(IdFilter, eq=one, in_=some, not_in=some, is_null=st.booleans())

    def sets(known: Sequence[UUID]) -> st.SearchStrategy[Any]:
        some = st.frozensets(st.sampled_from([*known, nobody]), max_size=3)
        return _one_of(SetFilter, any=some, all=some, none=some, is_empty=st.booleans())

    pieces = st.sampled_from([*TEXTS, "log", "%", "_", "\\", "É", "é", "IT", "of it", " "])
    days = st.none() | st.integers(-1, 5).map(lambda days: DAY_ZERO + timedelta(days=days))
    instants = st.none() | st.integers(-1, 8).map(lambda hours: MIDNIGHT + timedelta(hours=hours, microseconds=1))
    spans = st.builds(InstantFilter, gte=instants, lt=instants, is_null=st.none() | st.booleans())
    categories = st.frozensets(st.sampled_from(StatusCategory), max_size=3)
    priority = st.sampled_from(Priority)
    fields: dict[str, st.SearchStrategy[Any]] = {
        "project": ids(crowd.projects),
        "status": ids(list(crowd.category_by_status)),
        "parent": ids([task.id for task in crowd.tasks[:8]]),
        "created_by": ids(crowd.people),
        "status_category": _one_of(CategoryFilter, in_=categories, not_in=categories),
        "priority": _one_of(PriorityFilter, in_=st.frozensets(priority, max_size=3), gte=priority, lte=priority),
        "assignees": sets(crowd.people),
        "labels": sets(crowd.labels),
        "text": _one_of(TextFilter, contains=pieces, starts_with=pieces, eq=pieces),
        "due_date": st.builds(DateFilter, gte=days, lte=days, is_null=st.none() | st.booleans()),
        "created_at": spans,
        "updated_at": spans,
        "completed_at": spans,
        "is_archived": st.booleans(),
    }
    assert {*fields, "and_", "or_", "not_"} == set(TaskFilter.__dataclass_fields__), "a new field needs a model"
    # A filter of few fields matches something.
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: TaskFilter(**dict(list(given.items())[:2])))
