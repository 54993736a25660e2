"""Hiding one's presence, and what is remembered of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from db import presence
from db.models import Actor
from db.presence import MemberPresence
from db.unit_of_work import now
from domain.errors import NotFound
from domain.presence import show_presence
from tests.db.office import Office


async def of(office: Office, workspace_id: UUID, actor: Actor) -> MemberPresence:
    found = await office.read(presence.presences_of, workspace_id, [actor.user_id])
    return found[actor.user_id]


async def show(office: Office, workspace_id: UUID, actor: Actor, is_shown: bool) -> None:
    await office.do(actor, lambda uow: show_presence(uow, workspace_id, is_shown))


async def seen(office: Office, workspace_id: UUID, actor: Actor, ago: timedelta) -> None:
    await office.database.alone(
        lambda session: presence.keep_last_seen(session, [(workspace_id, actor.user_id, now() - ago)])
    )


async def test_a_member_is_shown_until_they_hide(office: Office) -> None:
    ann = await office.person()
    workspace = await office.workspace(ann)
    assert (await of(office, workspace, ann)).is_shown
    await show(office, workspace, ann, False)
    assert not (await of(office, workspace, ann)).is_shown
    await show(office, workspace, ann, True)
    assert (await of(office, workspace, ann)).is_shown


async def test_hiding_is_recorded_once_and_for_nobodys_eyes(office: Office) -> None:
    ann = await office.person()
    workspace = await office.workspace(ann)
    membership = (await of(office, workspace, ann)).membership_id
    office.committed.clear()
    await show(office, workspace, ann, False)
    await show(office, workspace, ann, False)
    (event,) = office.committed
    assert event.entity_id == membership
    assert not event.seen_before | event.seen_after


async def test_nobody_hides_where_they_do_not_belong(office: Office) -> None:
    ann, bob = await office.person(), await office.person("Bob")
    workspace = await office.workspace(ann)
    with pytest.raises(NotFound):
        await show(office, workspace, bob, False)


async def test_the_latest_moment_somebody_was_seen_is_kept(office: Office) -> None:
    ann = await office.person()
    workspace = await office.workspace(ann)
    await seen(office, workspace, ann, timedelta(minutes=1))
    last = (await of(office, workspace, ann)).last_seen_at
    await seen(office, workspace, ann, timedelta(minutes=2))
    assert last is not None
    assert (await of(office, workspace, ann)).last_seen_at == last
    await seen(office, workspace, ann, timedelta(0))
    latest = (await of(office, workspace, ann)).last_seen_at
    assert latest is not None
    assert latest > last


async def test_hiding_forgets_when_one_was_seen_and_keeps_no_later_report(office: Office) -> None:
    ann = await office.person()
    workspace = await office.workspace(ann)
    await seen(office, workspace, ann, timedelta(minutes=1))
    await show(office, workspace, ann, False)
    await seen(office, workspace, ann, timedelta(0))
    assert (await of(office, workspace, ann)).last_seen_at is None


async def test_of_somebody_who_does_not_belong_nothing_is_kept(office: Office) -> None:
    ann, bob = await office.person(), await office.person("Bob")
    workspace = await office.workspace(ann)
    await seen(office, workspace, bob, timedelta(0))
    assert await office.read(presence.presences_of, workspace, [bob.user_id]) == {}
