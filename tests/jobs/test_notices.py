"""Notifications by mail: when, what, and to whom no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from db.ids import new_id
from db.mails import NotificationMail, queue_notification_mails
from db.notification_mails import Waiting
from db.session import Database
from domain.unsubscribing import unsubscribe
from jobs.carriers import HandOver, Letter
from jobs.letters import Stationery
from jobs.notices import is_due, put_into_mails
from jobs.outbox import PostOffice, empty
from tests.people import Api, Person
from tests.stack_fixture import TestStack

STATIONERY = Stationery("https://tutti.example.com", "Tutti", "tutti@example.com", (b"k" * 32,))
MONDAY = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def waiting(digest: str = "NONE", zone: str = "UTC", quiet: tuple[str, str] | None = None) -> Waiting:
    start, end = quiet or (None, None)
    return Waiting(new_id(), new_id(), MONDAY, zone, digest, start, end)


@pytest.mark.parametrize(
    ("wish", "not_yet", "due"),
    [
        (waiting(), MONDAY, MONDAY + timedelta(minutes=1)),
        (waiting("HOURLY"), MONDAY.replace(minute=59), MONDAY.replace(hour=13, minute=0)),
        (waiting("DAILY"), datetime(2026, 3, 3, 7, 59, tzinfo=UTC), datetime(2026, 3, 3, 8, 0, tzinfo=UTC)),
        (
            waiting("DAILY", "America/New_York"),
            datetime(2026, 3, 2, 12, 59, tzinfo=UTC),
            datetime(2026, 3, 2, 13, 0, tzinfo=UTC),
        ),
        (waiting("WEEKLY"), datetime(2026, 3, 8, 23, 0, tzinfo=UTC), datetime(2026, 3, 9, 8, 0, tzinfo=UTC)),
        (
            waiting(quiet=("12:00", "14:00")),
            datetime(2026, 3, 2, 13, 59, tzinfo=UTC),
            datetime(2026, 3, 2, 14, 0, tzinfo=UTC),
        ),
        (
            waiting("NONE", "Asia/Tokyo", ("21:00", "07:00")),
            datetime(2026, 3, 2, 21, 59, tzinfo=UTC),
            datetime(2026, 3, 2, 22, 0, tzinfo=UTC),
        ),
    ],
)
def test_mail_comes_when_the_reader_wants_it_where_they_live(wish: Waiting, not_yet: datetime, due: datetime) -> None:
    assert not is_due(wish, not_yet)
    assert is_due(wish, due)


@dataclass
class Kept:
    """Keeps what it carries."""

    letters: list[EmailMessage] = field(default_factory=list)
    is_repeatable: bool = False

    async def carry(self, letter: Letter, hand_over: HandOver) -> None:
        assert await hand_over()
        self.letters.append(message_from_bytes(letter.content, policy=policy.default))  # type: ignore[arg-type]

    async def rest(self) -> None:
        pass

    def to(self, person: Person) -> list[EmailMessage]:
        """Mails of notifications to somebody."""
        return [one for one in self.letters if one["To"] == person.email and one["List-Unsubscribe"]]


@pytest.fixture
async def database(stack: TestStack) -> AsyncIterator[Database]:
    opened = Database(stack.database_url)
    yield opened
    await opened.close()


def raw(typed_id: str) -> UUID:
    return UUID(typed_id.rpartition("_")[2])


async def run(database: Database, statement: str, **values: Any) -> Any:
    return await database.alone(lambda session: session.execute(text(statement), values))


async def verify(database: Database, person: Person) -> None:
    await run(database, "UPDATE users SET email_verified_at = now() WHERE id = :id", id=raw(person.id))


async def tell(database: Database, reader: Person, actor: Person, workspace: str, task: str, at: datetime) -> UUID:
    """A notification that is to be mailed, as the domain stores it."""
    notification_id = new_id()
    await run(
        database,
        "INSERT INTO notifications (id, user_id, workspace_id, seq, kind, task_id, group_key, sources, group_count,"
        " actor_kind, actor_id, is_in_app, created_at)"
        " VALUES (:id, :user, :workspace, 1, 'ASSIGNED', :task, :key, '[]', 1, 'USER', :actor, true, :at)",
        id=notification_id,
        user=raw(reader.id),
        workspace=raw(workspace),
        task=raw(task),
        key=str(notification_id),
        actor=raw(actor.id),
        at=at,
    )
    wanted = [NotificationMail(notification_id, new_id(), raw(reader.id), raw(workspace))]
    await database.alone(lambda session: queue_notification_mails(session, wanted, at))
    return notification_id


async def send_all(database: Database, at: datetime) -> Kept:
    kept = Kept()
    office = PostOffice(database, kept, STATIONERY, lambda: at)
    await put_into_mails(database, at)
    due = "SELECT 1 FROM mails WHERE state = 'WAITING' AND kind = 'NOTIFICATIONS' AND due_at <= :at"
    while (await run(database, due, at=at)).first() is not None:  # a server of the tests may have the lease: one by one
        await empty(office)
    return kept


async def test_many_come_as_one_mail_that_says_how_many_more_there_are(api: Api, database: Database) -> None:
    api = Api(api.url, api.http)
    owner = await api.sign_up("Ann")
    workspace = await owner.create_workspace("<Acme>")
    reader = await owner.bring_in(workspace)
    await verify(database, reader)
    at = datetime.now(UTC)
    for number in range(13):
        task = await owner.create_task(workspace, f"<b>Task</b> {number}")
        await tell(database, reader, owner, workspace, task, at)
    kept = await send_all(database, at + timedelta(minutes=2))
    (mail,) = kept.to(reader)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "... and 3 more." in plain.get_content()
    assert "&lt;b&gt;Task&lt;/b&gt; 0" in html.get_content()
    assert "<b>Task" not in html.get_content()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    again = await send_all(database, at + timedelta(minutes=9))
    assert again.to(reader) == []

    token = mail["List-Unsubscribe"].strip("<>").partition("token=")[2]
    assert not await unsubscribe(database, STATIONERY.keys, token[:-1] + "x")
    assert await unsubscribe(database, STATIONERY.keys, token)
    rules = await run(
        database,
        "SELECT r.kind, r.channels FROM notification_rules r JOIN memberships m ON m.id = r.membership_id"
        " WHERE m.user_id = :id",
        id=raw(reader.id),
    )
    assert [(one.kind, one.channels) for one in rules] == [("ASSIGNED", ["IN_APP"])]


async def test_who_is_out_who_has_read_it_and_who_never_confirmed_gets_nothing(api: Api, database: Database) -> None:
    api = Api(api.url, api.http)
    owner = await api.sign_up("Ann")
    workspace = await owner.create_workspace()
    gone, removed, aware, unverified = [await owner.bring_in(workspace) for _ in range(4)]
    task = await owner.create_task(workspace)
    at = datetime.now(UTC)
    for reader in (gone, removed, aware, unverified):
        if reader is not unverified:
            await verify(database, reader)
        told = await tell(database, reader, owner, workspace, task, at)
        if reader is aware:
            await run(database, "UPDATE notifications SET read_at = now() WHERE id = :id", id=told)
    await gone.do("leaveWorkspace", {"id": workspace})
    await put_into_mails(database, at + timedelta(minutes=2))
    await owner.do("removeMember", {"id": await owner.membership_id(workspace, removed.id)})
    kept = await send_all(database, at + timedelta(minutes=2))
    assert [kept.to(one) for one in (gone, removed, aware, unverified)] == [[], [], [], []]
