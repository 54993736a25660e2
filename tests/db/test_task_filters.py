"""Filters mean in SQL what they mean in plain Python, for whole members and for guests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.models import PRIORITIES, Priority, StatusCategory
from db.pages import PageRequest
from db.scope import Scope
from db.task_filters import CategoryFilter, IdFilter, PriorityFilter, SetFilter, TaskFilter, TextFilter
from db.task_lists import TaskPage, assigned_page, count_assigned, count_tasks, task_pages
from tests.db.crowd import Crowd, as_seen, make_crowd, matches
from tests.db.office import Office, bounded


@pytest.fixture(scope="module")
async def crowd(office: Office) -> Crowd:
    return await make_crowd(office, 80, seed=1)


async def found(office: Office, scope: Scope, parent: str, parent_id: UUID, wanted: TaskFilter) -> set[UUID]:
    """The ids of what matches, each once."""
    page = TaskPage(PageRequest(500), wanted)
    read = await office.read(task_pages, scope, parent, [parent_id], page)
    ids = [task.id for task in read[parent_id].rows]
    assert len(ids) == len(set(ids))
    return set(ids)


@bounded(120)
@given(data=st.data())
async def test_a_filter_matches_what_the_model_matches(office: Office, crowd: Crowd, data: st.DataObject) -> None:
    wanted = data.draw(crowd.filters)
    expected = {task.id for task in crowd.tasks if matches(crowd, task, wanted)}
    assert await found(office, crowd.whole, "workspace", crowd.workspace_id, wanted) == expected


@bounded(20)
@given(data=st.data())
async def test_a_guest_finds_what_matches_in_their_project_alone(
    office: Office, crowd: Crowd, data: st.DataObject
) -> None:
    wanted = data.draw(crowd.filters)
    seen = as_seen([task for task in crowd.tasks if task.project_id == crowd.projects[0]])
    expected = {task.id for task in seen if matches(crowd, task, wanted)}
    assert await found(office, crowd.guest, "workspace", crowd.workspace_id, wanted) == expected
    assert await found(office, crowd.guest, "project", crowd.projects[0], wanted) == expected
    assert await found(office, crowd.guest, "project", crowd.projects[1], wanted) == set()


@bounded(20)
@given(data=st.data(), is_guest=st.booleans())
async def test_assigned_tasks_are_those_of_the_list_that_have_the_person(
    office: Office, crowd: Crowd, data: st.DataObject, is_guest: bool
) -> None:
    wanted, person = data.draw(crowd.filters), data.draw(st.sampled_from(crowd.people))
    scope = crowd.guest if is_guest else crowd.whole
    seen = as_seen([task for task in crowd.tasks if not is_guest or task.project_id == crowd.projects[0]])
    expected = {task.id for task in seen if person in task.assignee_ids and matches(crowd, task, wanted)}
    page = TaskPage(PageRequest(500), wanted)
    read = await office.read(assigned_page, scope, person, page)
    assert {task.id for task in read.rows} == expected
    assert await office.read(count_assigned, scope, person, wanted) == len(expected)


def each_operator(crowd: Crowd) -> Iterator[TaskFilter]:
    """Every operator of every field once, with values that some tasks have and some do not."""
    ids = {
        "project": crowd.projects[0],
        "status": next(iter(crowd.category_by_status)),
        "parent": crowd.tasks[0].id,
        "created_by": crowd.people[1],
    }
    for name, one in ids.items():
        for asked in (
            IdFilter(eq=one),
            IdFilter(in_=frozenset({one})),
            IdFilter(in_=frozenset()),
            IdFilter(not_in=frozenset({one})),
            IdFilter(not_in=frozenset()),
            IdFilter(is_null=True),
            IdFilter(is_null=False),
        ):
            yield TaskFilter(**{name: asked})
    for name, known in (("assignees", crowd.people), ("labels", crowd.labels)):
        for some in (frozenset(), frozenset(known[:1]), frozenset(known[:2])):
            for operator in ("any", "all", "none"):
                yield TaskFilter(**{name: SetFilter(**{operator: some})})
        for is_empty in (True, False):
            yield TaskFilter(**{name: SetFilter(is_empty=is_empty)})
    for category in StatusCategory:
        yield TaskFilter(status_category=CategoryFilter(in_=frozenset({category})))
        yield TaskFilter(status_category=CategoryFilter(not_in=frozenset({category})))
    yield TaskFilter(status_category=CategoryFilter(in_=frozenset()))
    yield TaskFilter(status_category=CategoryFilter(not_in=frozenset()))
    for priority in Priority:
        for asked_priority in (
            PriorityFilter(in_=frozenset({priority})),
            PriorityFilter(gte=priority),
            PriorityFilter(lte=priority),
        ):
            yield TaskFilter(priority=asked_priority)
    for text in ("login", "%", "_", "\\", "ÉCLAIR", "it"):
        for operator in (one.name for one in fields(TextFilter)):
            yield TaskFilter(text=TextFilter(**{operator: text}))
    yield TaskFilter(or_=())
    yield TaskFilter(not_=TaskFilter())


async def test_each_operator_and_its_negation_part_the_tasks_in_two(office: Office, crowd: Crowd) -> None:
    everything = {task.id for task in crowd.tasks}
    for wanted in each_operator(crowd):
        matching = await found(office, crowd.whole, "workspace", crowd.workspace_id, wanted)
        assert matching == {task.id for task in crowd.tasks if matches(crowd, task, wanted)}, wanted
        negated = TaskFilter(not_=wanted)
        others = await found(office, crowd.whole, "workspace", crowd.workspace_id, negated)
        assert others == everything - matching, negated
        counted = await office.read(count_tasks, crowd.whole, "workspace", [crowd.workspace_id], wanted)
        assert counted == {crowd.workspace_id: len(matching)}


async def test_filters_that_ask_for_the_same_are_one_key(crowd: Crowd) -> None:
    """The loaders batch by the filter, so it has to be hashable and equal by value."""
    for wanted in each_operator(crowd):
        again: Any = replace(wanted)
        assert again == wanted
        assert hash(again) == hash(wanted)


def test_priorities_are_stored_from_the_least_to_the_most() -> None:
    assert PRIORITIES == (Priority.NONE, Priority.LOW, Priority.MEDIUM, Priority.HIGH, Priority.URGENT)
