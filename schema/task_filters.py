"""Which tasks, and in which order, as people ask for it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from db import task_filters as rows
from db.ids import of_kind, typed
from db.models import Priority, StatusCategory
from db.task_lists import TaskOrder as RowOrder
from domain.errors import TopLevel
from execution.personal import Personal
from schema.context import Info
from schema.enums import OrderDirection, TaskOrderField
from schema.nodes import given

MAX_NESTING = 8
MAX_FILTERS = 100
MAX_IDS = 500

_NO_ID = UUID(int=0)
"""Stands for an id that leads nowhere; no row has it."""


def _option(description: str) -> Any:
    return strawberry.field(default=UNSET, description=description)


def _personal(description: str) -> Any:
    return strawberry.field(default=UNSET, description=description, directives=[Personal()])


@strawberry.input(one_of=True, description="Compares an id. Exactly one operator.")
class IDFilter:
    eq: strawberry.ID | None = _option("This one.")
    in_: list[strawberry.ID] | None = strawberry.field(
        name="in", default=UNSET, description="One of these; `[]`: none."
    )
    not_in: list[strawberry.ID] | None = _option("None of these; a missing id counts as none of them.")
    is_null: bool | None = _option("Whether there is none.")


@strawberry.input(one_of=True, description="Compares a set of ids. Exactly one operator.")
class IDSetFilter:
    any: list[strawberry.ID] | None = _option("At least one of these is in the set.")
    all: list[strawberry.ID] | None = _option("All of these are in the set.")
    none: list[strawberry.ID] | None = _option("None of these is in the set.")
    is_empty: bool | None = _option("Whether the set is empty.")


@strawberry.input(one_of=True, description="Compares who is assigned. Exactly one operator.")
class AssigneeFilter:
    any: list[strawberry.ID] | None = _option("At least one of these is assigned.")
    all: list[strawberry.ID] | None = _option("All of these are assigned.")
    none: list[strawberry.ID] | None = _option("None of these is assigned.")
    is_empty: bool | None = _option("Whether nobody is assigned.")
    viewer: bool | None = _personal("Whether you are assigned.")


@strawberry.input(one_of=True, description="Compares the category of the status. Exactly one operator.")
class StatusCategoryFilter:
    eq: StatusCategory | None = _option("This one.")
    in_: list[StatusCategory] | None = strawberry.field(name="in", default=UNSET, description="One of these.")
    not_in: list[StatusCategory] | None = _option("None of these.")


@strawberry.input(one_of=True, description="Compares the priority. Exactly one operator.")
class PriorityFilter:
    eq: Priority | None = _option("This one.")
    in_: list[Priority] | None = strawberry.field(name="in", default=UNSET, description="One of these.")
    gte: Priority | None = _option("This one or more.")
    lte: Priority | None = _option("This one or less.")


@strawberry.input(one_of=True, description="Compares text, regardless of case. Exactly one operator.")
class TextFilter:
    contains: str | None = _option("It is somewhere in it.")
    starts_with: str | None = _option("It begins with it.")
    eq: str | None = _option("It is the same.")


@strawberry.input(description="Compares a day. All that is given must hold.")
class DateFilter:
    gte: date | None = _option("On this day or later.")
    lte: date | None = _option("On this day or earlier.")
    is_null: bool | None = _option("Whether there is none.")
    within_days: int | None = _personal(
        "From today to so many days on, in your time zone; negative: so many days back to today."
    )


@strawberry.input(description="Compares an instant. All that is given must hold.")
class DateTimeFilter:
    gte: datetime | None = _option("At this instant or later.")
    lt: datetime | None = _option("Before this instant.")
    is_null: bool | None = _option("Whether there is none.")


@strawberry.input(
    description=(
        "Fields are ANDed. A comparator marked oneOf takes exactly one operator; ranges take any mix. `or: []` is"
        " refused, `in: []` matches nothing. A null field is as if it were left out, but for `archived`."
    )
)
class TaskFilter:
    and_: list[TaskFilter] | None = strawberry.field(name="and", default=UNSET, description="All of these match.")
    or_: list[TaskFilter] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these matches."
    )
    not_: TaskFilter | None = strawberry.field(name="not", default=UNSET, description="This does not match.")
    project: IDFilter | None = _option("The project it is in.")
    status: IDFilter | None = _option("Its status.")
    parent: IDFilter | None = _option("The task it is part of.")
    created_by: IDFilter | None = _option("Who created it.")
    status_category: StatusCategoryFilter | None = _option("What its status means.")
    priority: PriorityFilter | None = _option("How much it matters.")
    assignees: AssigneeFilter | None = _option("Who is assigned.")
    labels: IDSetFilter | None = _option("Its labels.")
    text: TextFilter | None = _option("Title or description.")
    due_date: DateFilter | None = _option("When it is due.")
    created_at: DateTimeFilter | None = _option("When it was created.")
    updated_at: DateTimeFilter | None = _option("When it last changed.")
    completed_at: DateTimeFilter | None = _option("When it came to a status of category DONE.")
    archived: bool | None = _option("Top level only: omitted = not archived, null = both.")


@strawberry.input(description="One key of an order.")
class TaskOrder:
    field: TaskOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


def order_of(keys: list[TaskOrder] | None) -> tuple[RowOrder, ...]:
    """Raises TopLevel(BAD_REQUEST) for more keys than there are fields."""
    asked = given(keys) or []
    if len({key.field for key in asked}) != len(asked):
        raise TopLevel("BAD_REQUEST", "Each field can be in `orderBy` once.")
    return tuple(RowOrder(str(key.field.value), key.direction is OrderDirection.DESC) for key in asked)


async def to_row_filter(info: Info, asked: TaskFilter | None) -> rows.TaskFilter:
    """What was asked, for the database; archived tasks are left out unless asked for. Raises TopLevel(BAD_REQUEST)."""
    wanted = given(asked)
    reader = _Reader(info)
    if wanted is None:
        return rows.TaskFilter(is_archived=False)
    is_archived = False if wanted.archived is UNSET else wanted.archived
    read = await reader.read(wanted, 1)
    return rows.TaskFilter(and_=(read,), is_archived=is_archived)


class _Reader:
    """Turns one filter into rows' terms, counting how much there is of it."""

    def __init__(self, info: Info) -> None:
        self._info = info
        self._count = 0

    async def read(self, asked: TaskFilter, nesting: int) -> rows.TaskFilter:
        self._count += 1
        if nesting > MAX_NESTING or self._count > MAX_FILTERS:
            raise TopLevel("BAD_REQUEST", f"A filter nests {MAX_NESTING} deep and has {MAX_FILTERS} parts at most.")
        if nesting > 1 and asked.archived is not UNSET:
            raise TopLevel("BAD_REQUEST", "`archived` is for the top level of a filter only.")
        either = given(asked.or_)
        if either == []:
            raise TopLevel("BAD_REQUEST", "`or: []` would match nothing: leave it out or fill it.")
        negated = given(asked.not_)
        return rows.TaskFilter(
            and_=tuple([await self.read(one, nesting + 1) for one in given(asked.and_) or []]),
            or_=None if either is None else tuple([await self.read(one, nesting + 1) for one in either]),
            not_=None if negated is None else await self.read(negated, nesting + 1),
            project=_id_filter("project", asked.project),
            status=_id_filter("status", asked.status),
            parent=_id_filter("task", asked.parent),
            created_by=_creator_filter(asked.created_by),
            status_category=_category_filter(asked.status_category),
            priority=_priority_filter(asked.priority),
            assignees=self._assignees(asked.assignees),
            labels=_set_filter("label", asked.labels),
            text=_text_filter(asked.text),
            due_date=await self._dates(asked.due_date),
            created_at=_instant_filter(asked.created_at),
            updated_at=_instant_filter(asked.updated_at),
            completed_at=_instant_filter(asked.completed_at),
        )

    def _assignees(self, asked: AssigneeFilter | None) -> rows.SetFilter | None:
        wanted = given(asked)
        if wanted is None:
            return None
        is_viewer = given(wanted.viewer)
        if is_viewer is not None:
            me = frozenset({self._info.context.caller().user_id})
            return rows.SetFilter(any=me) if is_viewer else rows.SetFilter(none=me)
        return _set_filter("user", wanted)

    async def _dates(self, asked: DateFilter | None) -> rows.DateFilter | None:
        wanted = given(asked)
        if wanted is None:
            return None
        gte, lte, within = given(wanted.gte), given(wanted.lte), given(wanted.within_days)
        if within is not None:
            if abs(within) > 36_500:
                raise TopLevel("BAD_REQUEST", "`withinDays` is at most a hundred years.")
            today = await self._info.context.today()
            start, end = sorted((today, today + timedelta(days=within)))
            gte, lte = max(gte or start, start), min(lte or end, end)
        return rows.DateFilter(gte, lte, given(wanted.is_null))


def _ids(kind: str, ids: list[strawberry.ID] | None) -> frozenset[UUID] | None:
    wanted = given(ids)
    if wanted is None:
        return None
    if len(wanted) > MAX_IDS:
        raise TopLevel("BAD_REQUEST", f"A filter takes at most {MAX_IDS} ids at one place.")
    return frozenset(of_kind(kind, one) or _NO_ID for one in wanted)


def _id_filter(kind: str, asked: IDFilter | None) -> rows.IdFilter | None:
    wanted = given(asked)
    if wanted is None:
        return None
    one = given(wanted.eq)
    return rows.IdFilter(
        eq=None if one is None else of_kind(kind, one) or _NO_ID,
        in_=_ids(kind, wanted.in_),
        not_in=_ids(kind, wanted.not_in),
        is_null=given(wanted.is_null),
    )


def _creator_filter(asked: IDFilter | None) -> rows.IdFilter | None:
    """People and integrations: their ids differ by more than the prefix, so either is only itself."""
    wanted = given(asked)
    if wanted is None:
        return None

    def plain(one: strawberry.ID) -> strawberry.ID:
        found = of_kind("integration", one)
        return one if found is None else strawberry.ID(typed("user", found))

    eq, in_, not_in = given(wanted.eq), given(wanted.in_), given(wanted.not_in)
    same = IDFilter(
        eq=UNSET if eq is None else plain(eq),
        in_=UNSET if in_ is None else [plain(one) for one in in_],
        not_in=UNSET if not_in is None else [plain(one) for one in not_in],
        is_null=wanted.is_null,
    )
    return _id_filter("user", same)


def _set_filter(kind: str, asked: IDSetFilter | AssigneeFilter | None) -> rows.SetFilter | None:
    if asked is None or asked is UNSET:
        return None
    return rows.SetFilter(
        any=_ids(kind, asked.any),
        all=_ids(kind, asked.all),
        none=_ids(kind, asked.none),
        is_empty=given(asked.is_empty),
    )


def _category_filter(asked: StatusCategoryFilter | None) -> rows.CategoryFilter | None:
    wanted = given(asked)
    if wanted is None:
        return None
    one, some, others = given(wanted.eq), given(wanted.in_), given(wanted.not_in)
    if one is not None:
        return rows.CategoryFilter(in_=frozenset({one}))
    return rows.CategoryFilter(
        in_=None if some is None else frozenset(some), not_in=None if others is None else frozenset(others)
    )


def _priority_filter(asked: PriorityFilter | None) -> rows.PriorityFilter | None:
    wanted = given(asked)
    if wanted is None:
        return None
    one, some = given(wanted.eq), given(wanted.in_)
    if one is not None:
        return rows.PriorityFilter(in_=frozenset({one}))
    return rows.PriorityFilter(
        in_=None if some is None else frozenset(some), gte=given(wanted.gte), lte=given(wanted.lte)
    )


def _text_filter(asked: TextFilter | None) -> rows.TextFilter | None:
    wanted = given(asked)
    if wanted is None:
        return None
    return rows.TextFilter(given(wanted.contains), given(wanted.starts_with), given(wanted.eq))


def _instant_filter(asked: DateTimeFilter | None) -> rows.InstantFilter | None:
    wanted = given(asked)
    if wanted is None:
        return None
    return rows.InstantFilter(given(wanted.gte), given(wanted.lt), given(wanted.is_null))
