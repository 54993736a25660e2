"""Pages of tasks: every order, both ways, each row once, also while rows come and go between two pages."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from db import tables
from db.models import ActorKind, ActorRef, Role, Task
from db.pages import Page, PageRequest
from db.task_filters import TaskFilter
from db.task_lists import DeletedTasks, TaskOrder, TaskPage, assigned_page, count_deleted, deleted_pages, task_pages
from db.unit_of_work import Outcome, UnitOfWork, now
from domain import archiving
from schema.enums import TaskOrderField
from tests.db.crowd import MIDNIGHT, Crowd, add_tasks, in_order, make_crowd
from tests.db.office import Office, bounded

Order = tuple[tuple[str, bool], ...]
FIELDS = [str(field.value) for field in TaskOrderField]
SINGLE: list[Order] = [((field, is_descending),) for field in FIELDS for is_descending in (False, True)]


@pytest.fixture(scope="module")
async def crowd(office: Office) -> Crowd:
    return await make_crowd(office, 45, seed=2)


async def page_of(office: Office, crowd: Crowd, order: Order, request: PageRequest) -> Page[Task]:
    page = TaskPage(request, TaskFilter(), tuple(TaskOrder(*key) for key in order))
    found = await office.read(task_pages, crowd.whole, "workspace", [crowd.workspace_id], page)
    return found[crowd.workspace_id]


async def walk(office: Office, crowd: Crowd, order: Order, size: int, *, is_backward: bool) -> list[Task]:
    """All pages one after the other, put together in the order of the list."""
    seen: list[Task] = []
    cursor: str | None = None
    while True:
        way = {"before": cursor} if is_backward else {"after": cursor}
        page = await page_of(office, crowd, order, PageRequest(size, is_backward=is_backward, **way))
        assert len(page.rows) <= size
        seen = [*page.rows, *seen] if is_backward else [*seen, *page.rows]
        came_from, goes_on = (page.has_next, page.has_previous) if is_backward else (page.has_previous, page.has_next)
        assert came_from == (cursor is not None)
        if not goes_on:
            return seen
        assert len(page.rows) == size
        cursor = page.cursors[0] if is_backward else page.cursors[-1]


@pytest.mark.parametrize("is_backward", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("order", [(), *SINGLE], ids=str)
async def test_the_pages_of_an_order_are_its_rows_each_once(
    office: Office, crowd: Crowd, order: Order, is_backward: bool
) -> None:
    expected = [task.id for task in in_order(crowd.tasks, order)]
    assert [task.id for task in await walk(office, crowd, order, 9, is_backward=is_backward)] == expected


async def test_a_deleted_task_is_listed_for_as_long_as_it_is_kept(office: Office) -> None:
    ann = await office.person()
    workspace = await office.workspace(ann)
    bob = await office.member(ann, workspace, Role.MEMBER)
    tasks = [await office.task(person, workspace) for person in (ann, bob)]
    for one in tasks:
        await office.do(ann, partial(_delete, one))
    scope, at = await office.scope(ann), now()

    async def listed(author: ActorRef | None, days: float) -> list[UUID]:
        wanted, when = DeletedTasks(timedelta(days=30), author), at + timedelta(days=days)
        found = await office.read(deleted_pages, scope, [workspace], wanted, PageRequest(10), when)
        assert await office.read(count_deleted, scope, [workspace], wanted, when) == {
            workspace: len(found[workspace].rows)
        }
        return [task.id for task in found[workspace].rows]

    assert await listed(None, 29.9) == tasks[::-1]
    assert await listed(bob.ref, 29.9) == [tasks[1]]
    assert await listed(ActorRef(ActorKind.INTEGRATION, bob.ref.id), 29.9) == []
    assert await listed(None, 30.1) == []


async def _delete(task_id: UUID, uow: UnitOfWork) -> Outcome:
    return await archiving.delete_task(uow, task_id, None)


ORDERS = st.lists(st.tuples(st.sampled_from(FIELDS), st.booleans()), max_size=3, unique_by=lambda key: key[0]).map(
    tuple
)


@bounded(20)
@given(order=ORDERS, size=st.integers(5, 45), is_backward=st.booleans())
async def test_several_keys_order_one_after_the_other(
    office: Office, crowd: Crowd, order: Order, size: int, is_backward: bool
) -> None:
    expected = [task.id for task in in_order(crowd.tasks, order)]
    assert [task.id for task in await walk(office, crowd, order, size, is_backward=is_backward)] == expected


@bounded(20)
@given(data=st.data(), order=ORDERS)
async def test_a_page_lies_between_its_two_cursors(
    office: Office, crowd: Crowd, data: st.DataObject, order: Order
) -> None:
    whole = await page_of(office, crowd, order, PageRequest(500))
    ids = [task.id for task in whole.rows]
    low, high = (data.draw(st.integers(0, len(ids) - 1)) for _ in range(2))
    size, is_backward = data.draw(st.integers(1, 45)), data.draw(st.booleans())
    request = PageRequest(size, whole.cursors[low], whole.cursors[high], is_backward=is_backward)
    found = await page_of(office, crowd, order, request)
    between = ids[low + 1 : high]
    expected = between[-size:] if is_backward else between[:size]
    assert [task.id for task in found.rows] == expected


@bounded(14)
@given(order=st.sampled_from(SINGLE), is_backward=st.booleans(), seed=st.integers(0, 1000))
async def test_rows_that_come_and_go_shift_no_page(
    office: Office, changing: Crowd, order: Order, is_backward: bool, seed: int
) -> None:
    """What was there all the time is seen exactly once; what came or went, once at most."""
    random = Random(seed)
    there_before = {task.id for task in changing.tasks}
    gone: set[UUID] = set()
    seen: list[UUID] = []
    cursor: str | None = None
    while True:
        way = {"before": cursor} if is_backward else {"after": cursor}
        page = await page_of(office, changing, order, PageRequest(7, is_backward=is_backward, **way))
        seen += [task.id for task in page.rows]
        if not (page.has_previous if is_backward else page.has_next):
            break
        cursor = page.cursors[0] if is_backward else page.cursors[-1]
        of_cursor = page.rows[0] if is_backward else page.rows[-1]
        await add_tasks(office, changing, 3, random)
        leaving = [*random.sample(changing.tasks, 2), of_cursor]
        await delete(office, changing, leaving)
        gone |= {task.id for task in leaving}
    assert len(seen) == len(set(seen))
    assert set(seen) >= there_before - gone


@pytest.fixture(scope="module")
async def changing(office: Office) -> Crowd:
    return await make_crowd(office, 40, seed=3)


async def delete(office: Office, crowd: Crowd, leaving: list[Task]) -> None:
    ids = {task.id for task in leaving}
    async with office.database.transaction() as connection:
        await connection.execute(update(tables.tasks).where(tables.tasks.c.id.in_(ids)).values(deleted_at=MIDNIGHT))
    crowd.tasks = [task for task in crowd.tasks if task.id not in ids]


async def test_one_statement_gives_each_parent_a_page_of_its_own(office: Office, crowd: Crowd) -> None:
    order: Order = (("TITLE", True), ("DUE_DATE", False))
    page = TaskPage(PageRequest(4), TaskFilter(), tuple(TaskOrder(*key) for key in order))
    parents = [*crowd.projects, UUID(int=0)]
    found = await office.read(task_pages, crowd.whole, "project", parents, page)
    assert list(found) == parents
    for project_id in parents:
        inside = in_order([task for task in crowd.tasks if task.project_id == project_id], order)
        assert [task.id for task in found[project_id].rows] == [task.id for task in inside[:4]]
        assert found[project_id].has_next == (len(inside) > 4)


async def test_a_row_comes_with_all_that_was_stored(office: Office, crowd: Crowd) -> None:
    found = await page_of(office, crowd, (), PageRequest(500))
    assert list(found.rows) == in_order(crowd.tasks, ())


async def test_the_pages_of_assigned_tasks_are_its_rows_each_once(office: Office, crowd: Crowd) -> None:
    person = crowd.people[0]
    for order in SINGLE:
        rows: list[Task] = []
        cursor = None
        while True:
            page = TaskPage(PageRequest(6, after=cursor), TaskFilter(), tuple(TaskOrder(*key) for key in order))
            found = await office.read(assigned_page, crowd.whole, person, page)
            rows += found.rows
            if not found.has_next:
                break
            cursor = found.cursors[-1]
        expected = in_order([task for task in crowd.tasks if person in task.assignee_ids], order)
        assert [task.id for task in rows] == [task.id for task in expected]
