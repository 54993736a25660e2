"""From what somebody does to the mail that another one gets: a server, the outbox, and a mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text

from db.ids import new_id
from db.session import Database
from db.unit_of_work import now
from jobs.carriers import Server, SmtpCarrier
from jobs.letters import Stationery
from jobs.notices import put_into_mails
from jobs.outbox import PostOffice, empty
from server.tokens import mail_keys
from tests.jobs.test_outbox import Postman, serving
from tests.people import Api, Person
from tests.processes import SECRET, server_processes
from tests.stack_fixture import TestStack

TOKYO = ZoneInfo("Asia/Tokyo")


@dataclass
class Town:
    """A workspace, its owner, and where its mail goes."""

    api: Api
    owner: Person
    workspace: str
    database: Database
    postman: Postman
    smtp_port: int
    holder: UUID = field(default_factory=new_id)
    """Of the outbox's lease, whatever time it is for a test."""

    async def reader(self, **more: str) -> Person:
        """A member whose address is verified."""
        token = await self.owner.invite(self.workspace)
        person = await self.api.sign_up("Rea", inviteToken=token, **more)
        verified = text("UPDATE users SET email_verified_at = now() WHERE email = :email")
        await self.database.alone(lambda session: session.execute(verified, {"email": person.email}))
        return person

    async def mention(self, *people: Person, task: str | None = None, body: str = "Look, **now**") -> str:
        task = task or await self.owner.create_task(self.workspace, "Paint <it>")
        await self.owner.comment(task, " ".join([body, *[f"@[{one.id}]" for one in people]]))
        return task

    async def send(self, at: datetime) -> None:
        carrier = SmtpCarrier(Server("127.0.0.1", self.smtp_port, is_tls=False, start_tls=False))
        stationery = Stationery(self.api.url, "Tutti", "tutti@example.com", mail_keys((SECRET,)))
        await put_into_mails(self.database, at)
        assert await empty(PostOffice(self.database, carrier, stationery, lambda: at, self.holder))
        await carrier.rest()

    def to(self, person: Person) -> list[EmailMessage]:
        return [one for one in self.postman.taken if one["To"] == person.email and one["List-Unsubscribe"]]


@pytest.fixture(scope="module")
async def town(
    stack: TestStack, http: httpx.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    folder: Path = tmp_path_factory.mktemp("town")
    postman = Postman()
    with (
        stack.new_database() as url,
        serving(postman) as port,
        server_processes(folder, url, stack.redis_url, ("one",)) as (server,),
    ):
        database = Database(url, pool_size=2)
        api = Api(server.url, http)
        owner = await api.sign_up("Olga")
        yield Town(api, owner, await owner.create_workspace("Acme & Co"), database, postman, port)
        await database.close()


def body_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def test_a_mention_comes_as_a_mail_and_one_click_ends_it(town: Town, http: httpx.AsyncClient) -> None:
    reader, other = await town.reader(), await town.reader()
    await town.mention(reader, other)
    await town.send(now() + timedelta(seconds=30))
    assert town.to(reader) == []
    await town.send(now() + timedelta(minutes=2))
    await town.send(now() + timedelta(minutes=3))
    (mail,) = town.to(reader)
    assert mail["Subject"].startswith("Olga mentioned you: ACME")
    assert "Look, **now**" in body_of(mail, "plain")
    assert "<strong>now</strong>" in body_of(mail, "html")
    assert "Paint &lt;it&gt;" in body_of(mail, "html")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    # What a mail program does at one click (RFC 8058).
    address = mail["List-Unsubscribe"].strip("<>")
    assert (await http.get(address)).status_code == 200
    forged = await http.post(address[:-1] + ("0" if address[-1] != "0" else "1"))
    assert forged.status_code >= 400
    clicked = await http.post(address, data={"List-Unsubscribe": "One-Click"})
    assert clicked.status_code < 300
    await town.mention(reader, other)
    await town.send(now() + timedelta(minutes=6))
    assert len(town.to(reader)) == 1
    assert len(town.to(other)) == 2
    assert len(await reader.notification_ids()) == 2


async def test_a_mail_names_who_is_mentioned_and_leads_to_the_task(town: Town) -> None:
    reader, other = await town.reader(), await town.reader()
    await other.do("updateProfile", {"name": "*Bob* & <b>"})
    task = await town.owner.create_task(town.workspace, "Read")
    await town.owner.comment(task, f"Dear @[{reader.id}], ask @[{other.id}]")
    await town.send(now() + timedelta(minutes=2))
    (mail,) = town.to(reader)
    found = await reader.ask("query ($id: ID!) { task(by: {id: $id}) { key workspace { slug } } }", id=task)
    link = f"{town.api.url}/w/{found['task']['workspace']['slug']}/board/{found['task']['key']}"
    assert f"> Dear @{reader.name}, ask @*Bob* & <b>" in body_of(mail, "plain")
    assert f"Dear @{reader.name}, ask @*Bob* &amp; &lt;b&gt;" in body_of(mail, "html")
    assert link in body_of(mail, "plain").split()
    assert f'<a href="{link}">' in body_of(mail, "html")


async def test_a_mail_names_the_integration_that_did_it(town: Town) -> None:
    reader = await town.reader()
    _, secret = await town.owner.create_token(town.workspace, ["TASK_READ", "TASK_WRITE", "COMMENT_WRITE"], name="CI")
    task = await town.owner.create_task(town.workspace, "Build")
    await replace(town.owner, token=secret).comment(task, f"Broken, @[{reader.id}]")
    await town.send(now() + timedelta(minutes=2))
    (mail,) = town.to(reader)
    assert mail["Subject"].startswith("CI mentioned you: ACME")


async def test_a_digest_gathers_what_came_and_says_how_many_more(town: Town) -> None:
    reader = await town.reader()
    settings = {"workspaceId": town.workspace, "digest": "HOURLY"}
    await reader.do("updateNotificationSettings", settings)
    began = now()
    for _ in range(22):
        await town.mention(reader)
    at = now()
    if began.hour == (at + timedelta(minutes=3)).hour:
        await town.send(at + timedelta(minutes=2))
        assert town.to(reader) == []
    await town.send(at + timedelta(minutes=61))
    (mail,) = town.to(reader)
    assert mail["Subject"] == "22 notifications from Acme & Co"
    assert "and 12 more" in body_of(mail, "plain")
    assert "and 12 more" in body_of(mail, "html")


async def test_quiet_hours_are_those_of_where_the_reader_lives(town: Town) -> None:
    reader = await town.reader(timeZone="Asia/Tokyo")
    at = now()
    begin, end = at - timedelta(hours=1), at + timedelta(hours=2)
    hours = {"from": begin.astimezone(TOKYO).strftime("%H:%M"), "to": end.astimezone(TOKYO).strftime("%H:%M")}
    await reader.do("updateNotificationSettings", {"workspaceId": town.workspace, "quietHours": hours})
    await town.mention(reader)
    await town.send(at + timedelta(minutes=110))
    assert town.to(reader) == []
    await town.send(at + timedelta(minutes=121))
    assert len(town.to(reader)) == 1


async def test_who_mutes_reads_or_is_removed_gets_none(town: Town) -> None:
    muting, reading, removed, late = [await town.reader() for _ in range(4)]
    task = await town.owner.create_task(town.workspace, "Quiet")
    await muting.do("updateTaskSubscription", {"taskId": task, "subscribed": True, "muted": True})
    await town.mention(muting, reading, removed, late, task=task)
    await reading.do("markNotifications", {"target": {"taskId": task}, "read": True})
    await town.owner.do("removeMember", {"id": await town.owner.membership_id(town.workspace, removed.id)})
    at = now() + timedelta(minutes=2)
    # In the outbox already when they are removed: judged again when it is sent.
    await put_into_mails(town.database, at)
    await town.owner.do("removeMember", {"id": await town.owner.membership_id(town.workspace, late.id)})
    await town.send(at)
    assert [town.to(one) for one in (muting, reading, removed, late)] == [[], [], [], []]


async def test_who_sees_the_task_no_longer_gets_no_mail_of_it(town: Town) -> None:
    first = await town.owner.create_project(town.workspace, "Web", "WEB")
    second = await town.owner.create_project(town.workspace, "Ops", "OPS")
    token = await town.owner.invite(town.workspace, "GUEST", projectIds=[first])
    guest = await town.api.sign_up("Gus", inviteToken=token)
    verified = text("UPDATE users SET email_verified_at = now() WHERE email = :email")
    await town.database.alone(lambda session: session.execute(verified, {"email": guest.email}))
    stays, goes = [await town.owner.create_task(town.workspace, one, projectId=first) for one in ("Stays", "Goes")]
    for task in (stays, goes):
        await town.mention(guest, task=task)
    await put_into_mails(town.database, now() + timedelta(minutes=2))
    await town.owner.do("moveTask", {"id": goes, "projectId": second})
    await town.send(now() + timedelta(minutes=2))
    (mail,) = town.to(guest)
    assert "Stays" in body_of(mail, "plain")
    assert "Goes" not in body_of(mail, "plain") + body_of(mail, "html")
