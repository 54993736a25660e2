"""The comment of a task that has the words of a search best, and never one that somebody may not read."""

from __future__ import annotations

from uuid import UUID

from db.ids import new_id
from db.models import Actor, Role
from db.task_lists import said_by_task_ids
from domain import archiving, comments
from tests.db.office import Office


async def say(office: Office, person: Actor, task_id: UUID, body: str) -> UUID:
    comment_id = new_id()
    await office.do(person, lambda uow: comments.create_comment(uow, comment_id, task_id, None, body))
    return comment_id


async def test_it_is_the_best_and_of_those_alike_the_newest(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    one, other, silent = [await office.task(ann, workspace_id) for _ in range(3)]
    await say(office, ann, one, "A lens")
    best = await say(office, ann, one, "A lens, lens and lens")
    await say(office, ann, one, "A lens of glass")
    await say(office, ann, other, "This lens")
    newest = await say(office, ann, other, "That lens")
    await say(office, ann, silent, "Nothing of it")
    found = await office.read(said_by_task_ids, await office.scope(ann), "lens", [one, other, silent])
    assert {task_id: row and row.id for task_id, row in found.items()} == {one: best, other: newest, silent: None}
    found = await office.read(said_by_task_ids, await office.scope(ann), "lens -glass", [one, other])
    assert found == {one: None, other: None}


async def test_it_is_of_what_one_may_read_and_of_nothing_that_was_deleted(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    web, ops = [await office.project(ann, workspace_id, key) for key in ("WEB", "OPS")]
    guest = await office.member(ann, workspace_id, Role.GUEST, web)
    seen, hidden, gone, quiet = [
        await office.task(ann, workspace_id, project_id=project_id) for project_id in (web, ops, web, web)
    ]
    said = {task_id: await say(office, ann, task_id, "A lens") for task_id in (seen, hidden, gone, quiet)}
    await office.do(ann, lambda uow: archiving.delete_task(uow, gone, None))
    await office.do(ann, lambda uow: comments.delete_comment(uow, said[quiet]))
    for person, expected in ((ann, {seen, hidden}), (guest, {seen})):
        found = await office.read(said_by_task_ids, await office.scope(person), "lens", list(said))
        assert {task_id for task_id, row in found.items() if row is not None} == expected
        assert set(found) == set(said)
    (nobody,) = (
        await office.read(said_by_task_ids, await office.scope(await office.person()), "lens", [seen])
    ).values()
    assert nobody is None
