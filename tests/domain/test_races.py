"""Two units of work at once, over and over: what each of them alone would refuse never comes about together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from uuid import UUID

import pytest

from db import tasks as task_rows
from db.ids import new_id
from db.models import Actor, ChangedField, Role, StatusCategory, Task
from db.tasks import parents_above
from db.unit_of_work import Outcome
from domain import arrangement, members, tasks
from domain.errors import ErrorCode, Invalid, LimitReached, NotFound, Refusal
from domain.merge import Base
from domain.tasks import SetPatch, update_task
from tests.db.office import Office

ROUNDS = 12


@pytest.fixture
async def ann(office: Office) -> Actor:
    return await office.person()


@pytest.fixture
async def workspace_id(office: Office, ann: Actor) -> UUID:
    return await office.workspace(ann)


async def together(*work: Awaitable[Outcome]) -> list[Refusal | None]:
    """Run units at once; what each was refused with, None where it was done. Nothing else may happen."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for one in results:
        assert isinstance(one, Outcome | Refusal), one
    return [one if isinstance(one, Refusal) else None for one in results]


async def read(office: Office, ann: Actor, task_id: UUID) -> Task:
    return (await office.read(task_rows.tasks_by_ids, await office.scope(ann), [task_id]))[task_id]


def under(office: Office, ann: Actor, task_id: UUID, parent_id: UUID | None) -> Awaitable[Outcome]:
    return office.do(ann, lambda uow: update_task(uow, task_id, {ChangedField.PARENT: parent_id}, SetPatch(), Base()))


async def test_two_tasks_never_become_each_other_s_parent(office: Office, ann: Actor, workspace_id: UUID) -> None:
    one, two = [await office.task(ann, workspace_id) for _ in range(2)]
    for _ in range(2):  # each is a deadlock, which PostgreSQL takes a second to break
        refused = await together(under(office, ann, one, two), under(office, ann, two, one))
        assert len([one for one in refused if one is None]) == 1
        assert [type(one) for one in refused if one is not None] == [Invalid]
        assert {one.code for one in refused if one is not None} == {ErrorCode.CYCLE}
        await under(office, ann, one, None)
        await under(office, ann, two, None)


async def test_a_circle_of_many_never_closes(office: Office, ann: Actor, workspace_id: UUID) -> None:
    for _ in range(2):
        ring = [await office.task(ann, workspace_id) for _ in range(4)]
        await together(*(under(office, ann, task_id, ring[(index + 1) % 4]) for index, task_id in enumerate(ring)))
        for task_id in ring:
            above = await office.read(parents_above, workspace_id, [task_id])
            assert list(above.values()).count(None) == 1


async def test_a_tree_never_grows_too_deep_from_both_ends(office: Office, ann: Actor, workspace_id: UUID) -> None:
    for _ in range(ROUNDS // 2):
        top = await office.task(ann, workspace_id)
        middle = await office.task(ann, workspace_id)
        child = await office.task(ann, workspace_id, parent_id=middle)
        over = await office.task(ann, workspace_id, parent_id=top)
        tail = await office.task(ann, workspace_id)
        below = await office.task(ann, workspace_id, parent_id=tail)
        await office.task(ann, workspace_id, parent_id=below)
        # Each of the two is fine alone; together there would be six levels below the top.
        refused = await together(under(office, ann, middle, over), under(office, ann, tail, child))
        assert sorted(type(one).__name__ for one in refused) == ["LimitReached", "NoneType"]
        assert all(isinstance(one, LimitReached) for one in refused if one is not None)


async def test_nobody_is_assigned_who_left_meanwhile(office: Office, ann: Actor, workspace_id: UUID) -> None:
    task_id = await office.task(ann, workspace_id)
    for _ in range(ROUNDS):
        bob = await office.member(ann, workspace_id, Role.MEMBER)
        membership_id = (await office.grant(bob, workspace_id)).membership_id
        add = SetPatch(add_assignees=[bob.user_id])
        refused = await together(
            office.do(ann, lambda uow: update_task(uow, task_id, {}, add, Base())),  # noqa: B023
            office.do(ann, lambda uow: members.remove_member(uow, membership_id)),  # noqa: B023
        )
        assert refused[0] is None or isinstance(refused[0], NotFound)
        assert refused[1] is None
        assert (await read(office, ann, task_id)).assignee_ids == ()


async def test_no_guest_is_assigned_who_lost_the_project_meanwhile(
    office: Office, ann: Actor, workspace_id: UUID
) -> None:
    project_id = await office.project(ann, workspace_id, "WEB")
    gil = await office.member(ann, workspace_id, Role.GUEST, project_id)
    membership_id = (await office.grant(gil, workspace_id)).membership_id
    for _ in range(ROUNDS):
        new = tasks.NewTask(
            id=new_id(), workspace_id=workspace_id, title="x", project_id=project_id, assignee_ids=[gil.user_id]
        )
        refused = await together(
            office.do(ann, lambda uow: tasks.create_task(uow, new)),  # noqa: B023
            office.do(ann, lambda uow: members.remove_project_guest(uow, project_id, membership_id)),
        )
        assert refused[0] is None or isinstance(refused[0], NotFound)
        if refused[0] is None:
            assert (await read(office, ann, new.id)).assignee_ids == ()
        await office.do(ann, lambda uow: members.add_project_guest(uow, project_id, membership_id))


async def test_a_deleted_label_status_or_project_is_on_no_task(office: Office, ann: Actor, workspace_id: UUID) -> None:
    statuses = await office.statuses(workspace_id)
    for number in range(ROUNDS // 2):
        label_id = await office.label(ann, workspace_id, f"label {number}")
        project_id = await office.project(ann, workspace_id, f"P{number}")
        status_id = new_id()
        values = {ChangedField.NAME: f"status {number}", ChangedField.CATEGORY: StatusCategory.TODO}
        await office.do(ann, lambda uow: arrangement.create_status(uow, workspace_id, status_id, values))  # noqa: B023
        new = tasks.NewTask(
            id=new_id(),
            workspace_id=workspace_id,
            title="x",
            project_id=project_id,
            status_id=status_id,
            label_ids=[label_id],
        )
        refused = await together(
            office.do(ann, lambda uow: tasks.create_task(uow, new)),  # noqa: B023
            office.do(ann, lambda uow: arrangement.delete_label(uow, label_id)),  # noqa: B023
            office.do(ann, lambda uow: arrangement.delete_project(uow, project_id, None)),  # noqa: B023
            office.do(
                ann,
                lambda uow: arrangement.delete_status(uow, status_id, statuses[StatusCategory.DONE]),  # noqa: B023
            ),
        )
        assert refused[1:] == [None, None, None]
        if refused[0] is None:
            task = await read(office, ann, new.id)
            assert (task.label_ids, task.project_id, task.status_id) == ((), None, statuses[StatusCategory.DONE])
        else:
            assert isinstance(refused[0], NotFound)


async def test_a_version_rises_by_one_for_each_of_many_changes_at_once(
    office: Office, ann: Actor, workspace_id: UUID
) -> None:
    task_id = await office.task(ann, workspace_id)
    labels = [await office.label(ann, workspace_id, str(number)) for number in range(8)]
    await together(
        *(
            office.do(
                ann,
                lambda uow, one=one: update_task(uow, task_id, {}, SetPatch(add_labels=[one]), Base()),  # type: ignore[misc]
            )
            for one in labels
        )
    )
    task = await read(office, ann, task_id)
    assert task.version == 9
    assert set(task.label_ids) == set(labels)
