"""Notifications in SQL: as many statements for many people as for one, counts that are kept, and an end to old ones."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from db.ids import new_id, typed
from db.models import Role
from db.news import news_of
from db.notifications import delete_old_notifications, unread_by_user_ids
from db.scope import Scope
from db.tables import notifications
from db.unit_of_work import now
from domain.comments import create_comment
from domain.notifications import Target, mark
from tests.db.office import Office
from tests.statements import heard_by

MENTIONED = 50


async def test_a_comment_that_mentions_fifty_is_told_by_one_insert(office: Office) -> None:
    owner = await office.person()
    workspace = await office.workspace(owner)
    task = await office.task(owner, workspace)
    people = [await office.member(owner, workspace, Role.MEMBER) for _ in range(MENTIONED)]
    statements: list[str] = []
    engine = office.database._engine.sync_engine
    counts = []
    for told in (people[:1], people):
        body = " ".join(f"@[{typed('user', one.user_id)}]" for one in told)
        statements.clear()
        with heard_by(engine, statements.append):
            await office.do(owner, lambda uow, body=body: create_comment(uow, new_id(), task, None, body))  # type: ignore[misc]
            await asyncio.sleep(0)  # the driver tells of the last one
        assert len([one for one in statements if one.startswith("INSERT INTO notifications ")]) <= 1
        counts.append(len(statements))
    assert [await unread(office, one.user_id) for one in (people[0], people[-1])] == [1, 1]
    assert counts[1] <= counts[0] + 1  # the first of them has one already, into which the second is folded


async def unread(office: Office, user_id: Any) -> int:
    return (await office.read(unread_by_user_ids, [user_id]))[user_id]


async def test_what_is_unread_is_never_deleted(office: Office) -> None:
    owner = await office.person()
    workspace = await office.workspace(owner)
    person = await office.member(owner, workspace, Role.MEMBER)
    tasks = [await office.task(owner, workspace, assignee_ids=(person.user_id,)) for _ in range(3)]
    await office.do(person, lambda uow: mark(uow, Target(task_id=tasks[0]), is_read=True))
    old, mine = now() - timedelta(days=100), notifications.c.user_id == person.user_id
    async with office.database.transaction() as connection:
        await connection.execute(update(notifications).where(mine).values(created_at=old))
        await connection.execute(
            update(notifications).where(mine, notifications.c.read_at.is_not(None)).values(read_at=old)
        )
        await delete_old_notifications(connection, now() - timedelta(days=90), now() - timedelta(days=90))
        left = await connection.execute(select(func.count()).select_from(notifications).where(mine))
        assert left.scalar_one() == 2
    scopes = {person.user_id: await office.scope(person)}
    (news,) = await office.read(news_of, [(person.user_id, None)], scopes, 100)
    assert (len(news.shown), news.unread, news.is_snapshot) == (2, 2, True)


async def test_several_are_told_by_the_rights_of_each(office: Office) -> None:
    """What one of them may not see any more is removed for them, and shown to the others of the same snapshot."""
    owner = await office.person()
    workspace = await office.workspace(owner)
    web, ops = [await office.project(owner, workspace, key) for key in ("WEB", "OPS")]
    member = await office.member(owner, workspace, Role.MEMBER)
    guest = await office.member(owner, workspace, Role.GUEST, web)
    both = [member.user_id, guest.user_id]
    seen = await office.task(owner, workspace, project_id=web, assignee_ids=both)
    scopes = {one.user_id: await office.scope(one) for one in (member, guest)}
    nothing = {**scopes, guest.user_id: Scope(())}
    elsewhere = {
        **scopes,
        guest.user_id: Scope((replace(scopes[guest.user_id].grants[0], project_ids=frozenset({ops})),)),
    }
    readers = [(member.user_id, 0), (guest.user_id, 0), (guest.user_id, 1), (guest.user_id, None)]

    async def shown(by: dict[UUID, Scope]) -> list[tuple[int, int, bool]]:
        found = await office.read(news_of, readers, by, 100)
        assert all(one.task_id == seen for news in found for one in news.shown)
        return [(len(news.shown), len(news.removed_ids), news.is_snapshot) for news in found]

    assert await shown(scopes) == [(1, 0, False), (1, 0, False), (0, 0, False), (1, 0, True)]
    for by in (nothing, elsewhere):
        assert await shown(by) == [(1, 0, False), (0, 1, False), (0, 0, False), (0, 0, True)]
    more = await office.task(owner, workspace, project_id=web, assignee_ids=both)
    found = await office.read(news_of, [(user_id, 0) for user_id in both], scopes, 1)
    assert [(news.is_snapshot, [one.task_id for one in news.shown]) for news in found] == [(True, [more])] * 2
