"""The outbox against real mail servers: what is sent, once, whatever server or process fails meanwhile."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import create_async_engine

from db.ids import new_id
from db.mails import Claimed, NewMail, queue_mail
from db.models import MailKind
from db.session import Database
from db.tables import account_tokens, mails
from db.unit_of_work import now
from domain.passwords import Passwords
from jobs.carriers import TIMEOUT_SECONDS, FolderCarrier, Letter, Refused, Server, SmtpCarrier, Unreachable, greet
from jobs.letters import Stationery, Text, letter, mail_address
from jobs.outbox import CLAIM, PostOffice, empty
from server.settings import smtp_url
from tests.domain.people import QUICK, Town
from tests.stack_fixture import TestStack

STATIONERY = Stationery("https://tutti.example.com", "Tutti", "tutti@example.com", (b"k" * 32,))


@dataclass
class Postman:
    """A mail server; `answers` are given first, one for each mail at the step they name."""

    taken: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _s: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        if said := self.answers.get("RCPT"):
            return said.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        said = self.answers.get("DATA")
        answer = said.pop(0) if said else "250 OK"
        if answer.startswith("250") or answer in {"vanish", "slow"}:
            assert isinstance(envelope.content, bytes)
            self.taken.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        if answer == "vanish":
            assert server.transport is not None
            server.transport.abort()
        if answer == "slow":
            await asyncio.sleep(3)
            return "250 OK"
        return answer


@contextmanager
def serving(postman: Postman, **options: Any) -> Iterator[int]:
    controller = Controller(postman, hostname="127.0.0.1", port=0, server_hostname="mail.test", **options)
    controller.port = _free_port()
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Post:
    """An outbox of its own, with a clock."""

    town: Town
    carrier: SmtpCarrier | FolderCarrier
    url: str

    @property
    def office(self) -> PostOffice:
        return PostOffice(self.town.database, self.carrier, STATIONERY, self.town.clock)

    async def queue(self) -> str:
        """A verification of somebody new; -> their address."""
        somebody = await self.town.somebody()
        return somebody.user.email

    async def rows(self) -> list[Any]:
        engine = create_async_engine(self.url)
        try:
            async with engine.connect() as connection:
                return list(await connection.execute(select(mails).order_by(mails.c.created_at)))
        finally:
            await engine.dispose()


@pytest.fixture
async def post(stack: TestStack) -> AsyncIterator[Callable[..., Post]]:
    """Makes outboxes on a database that is this test's alone."""
    passwords = Passwords(cost=QUICK)
    with stack.new_database() as url:
        database = Database(url)

        def make(port: int, *, timeout_seconds: float = TIMEOUT_SECONDS, **server: Any) -> Post:
            at = Server(**{"host": "127.0.0.1", "port": port, "is_tls": False, "start_tls": False, **server})
            return Post(Town(database, passwords), SmtpCarrier(at, timeout_seconds=timeout_seconds), url)

        yield make
        await database.close()
    passwords.close()


async def test_a_mail_says_who_and_what_in_text_and_html(post: Callable[..., Post]) -> None:
    postman = Postman()
    with serving(postman) as port:
        own = post(port)
        email = await own.queue()
        assert await empty(own.office)
        assert await empty(own.office)
        await own.carrier.rest()
    (mail,) = postman.taken
    assert mail["To"] == email
    assert mail["From"] == "Tutti <tutti@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "https://tutti.example.com/verify#" in text.get_content()
    assert "https://tutti.example.com/verify#" in html.get_content()
    (row,) = await own.rows()
    assert (row.state, row.address, row.attempts) == ("SENT", None, 1)


async def test_names_are_text_and_make_no_headers(post: Callable[..., Post]) -> None:
    postman = Postman()
    with serving(postman) as port:
        own = post(port)
        await own.town.somebody(name="<b>Ann</b> & Bob")
        assert await empty(own.office)
    (mail,) = postman.taken
    html = mail.get_body(("html",))
    assert html is not None
    assert "&lt;b&gt;Ann&lt;/b&gt; &amp; Bob" in html.get_content()


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "\u2028", "\x0b"])
def test_no_line_break_of_anybodys_makes_a_header(end: str) -> None:
    at = now()
    claimed = Claimed(new_id(), new_id(), at, MailKind.INVITATION, None, None, None, {}, at, None, 1, None)
    values = {"name": f"x{end}y", "is_change": False, "link": "https://tutti.example.com"}
    text = Text("ann@example.com", f"Hello{end}Bcc: eve@example.com{end}{end}Body", "verification", values)
    parsed = message_from_bytes(letter(STATIONERY, claimed, text).content, policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed["Subject"].startswith("Hello Bcc: eve@example.com")
    assert parsed.is_multipart()


@pytest.mark.parametrize(
    "address", ["a\nb@example.com", "a@", "@b", "a", "ë\u2028@b", "a\r\nRCPT TO:<x@y.z>@example.com"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        mail_address(address)


def test_an_address_is_spelled_so_that_servers_read_the_same() -> None:
    assert mail_address("ann@example.com") == "ann@example.com"
    assert mail_address("ann@bücher.example") == "ann@xn--bcher-kva.example"
    assert mail_address("zoë@bücher.example") == "zoë@xn--bcher-kva.example"
    assert mail_address("a,b@example.com") == '"a,b"@example.com'


@pytest.mark.parametrize(("step", "answer"), [("RCPT", "450 busy"), ("DATA", "451 later")])
async def test_who_refuses_for_a_while_is_asked_again(post: Callable[..., Post], step: str, answer: str) -> None:
    postman = Postman(answers={step: [answer]})
    with serving(postman) as port:
        own = post(port)
        await own.queue()
        assert await empty(own.office)
        assert postman.taken == []
        assert await empty(own.office)
        assert postman.taken == []
        own.town.clock.advance(timedelta(minutes=2))
        assert await empty(own.office)
    assert len(postman.taken) == 1
    assert [row.state for row in await own.rows()] == ["SENT"]


@pytest.mark.parametrize(("step", "answer"), [("RCPT", "550 nobody"), ("DATA", "554 spam")])
async def test_who_refuses_for_good_is_not_asked_again_and_hinders_no_other(
    post: Callable[..., Post], step: str, answer: str
) -> None:
    postman = Postman(answers={step: [answer]})
    with serving(postman) as port:
        own = post(port)
        await own.queue()
        await own.queue()
        assert await empty(own.office)
        own.town.clock.advance(timedelta(days=1))
        assert await empty(own.office)
    assert len(postman.taken) == 1
    assert sorted(row.state for row in await own.rows()) == ["FAILED", "SENT"]


@pytest.mark.parametrize("how", ["vanish", "slow"])
async def test_an_account_mail_that_was_not_answered_to_goes_again_as_the_same(
    post: Callable[..., Post], how: str
) -> None:
    postman = Postman(answers={"DATA": [how]})
    with serving(postman) as port:
        own = post(port, timeout_seconds=2)
        await own.queue()
        assert await empty(own.office)
        own.town.clock.advance(timedelta(minutes=2))
        assert await empty(own.office)
    first, second = postman.taken
    assert first["Message-ID"] == second["Message-ID"]
    bodies = [one.get_body(("plain",)) for one in (first, second)]
    assert bodies[0] is not None
    assert bodies[1] is not None
    assert bodies[0].get_content() == bodies[1].get_content()


async def test_a_server_that_is_away_costs_no_attempt(post: Callable[..., Post]) -> None:
    own = post(1)
    await own.queue()
    for _ in range(20):
        assert not await empty(own.office)
    assert [(row.state, row.attempts) for row in await own.rows()] == [("WAITING", 0)]


async def test_a_link_that_may_have_been_used_does_not_begin_to_work_again(post: Callable[..., Post]) -> None:
    postman = Postman(answers={"DATA": ["vanish"]})
    with serving(postman) as port:
        own = post(port)
        await own.queue()
        assert await empty(own.office)
        await own.town.database.alone(_forget_links)
        own.town.clock.advance(timedelta(minutes=2))
        assert await empty(own.office)
    assert len(postman.taken) == 1
    assert [row.state for row in await own.rows()] == ["DROPPED"]


async def _forget_links(session: Any) -> None:
    await session.execute(delete(account_tokens))


async def test_a_late_link_is_not_sent(post: Callable[..., Post]) -> None:
    postman = Postman()
    with serving(postman) as port:
        own = post(port)
        await own.queue()
        own.town.clock.advance(timedelta(days=4))
        assert await empty(own.office)
    assert postman.taken == []
    assert [row.state for row in await own.rows()] == ["DROPPED"]


async def test_tls_and_a_password_are_used_and_a_wrong_one_is_no_letters_fault(post: Callable[..., Post]) -> None:
    authority = trustme.CA()
    here, there = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(here)
    authority.issue_cert("127.0.0.1").configure_cert(there)
    password = secrets.token_hex(8)

    def who(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == password.encode())

    postman = Postman()
    options = {"tls_context": there, "require_starttls": True, "auth_required": True, "authenticator": who}
    with serving(postman, **options) as port:
        own = post(port)
        await own.queue()
        server = Server("127.0.0.1", port, is_tls=False, start_tls=True, username="ann", password="wrong")
        own.carrier = SmtpCarrier(server, tls=here)
        assert not await empty(own.office)
        own.carrier = SmtpCarrier(replace(server, password=password), tls=here)
        assert await empty(own.office)
        with pytest.raises(Unreachable):  # nobody vouches for the certificate
            await greet(replace(server, password=password))
        await own.carrier.rest()
    assert len(postman.taken) == 1
    assert password not in repr(server)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ssl.SSLContext:
    """What a server of a company's own authority uses; this process trusts that as an operator says it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    there = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(there)
    return there


async def test_tls_from_the_start_is_used_and_an_authority_is_trusted_by_the_usual_variable(
    post: Callable[..., Post], trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    postman = Postman()
    with serving(postman, ssl_context=trusted) as port:
        own = post(port)
        await own.queue()
        server = smtp_url(f"smtps://127.0.0.1:{port}")
        own.carrier = SmtpCarrier(server)
        assert await empty(own.office)
        await own.carrier.rest()
        with pytest.raises(Unreachable):  # without TLS nobody is understood there
            await greet(smtp_url(f"smtp://127.0.0.1:{port}"), timeout_seconds=1)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(Unreachable):  # nobody vouches for the certificate
            await greet(server, timeout_seconds=2)
    assert len(postman.taken) == 1


@pytest.mark.parametrize(
    ("has_tls", "option", "leaves"),
    [(True, "", "by TLS"), (True, "?starttls=never", "plain"), (False, "", "plain"), (False, "?starttls=required", "")],
    ids=["offered", "offered and not wanted", "not offered", "wanted and not offered"],
)
async def test_starttls_is_used_as_the_address_says(
    post: Callable[..., Post], trusted: ssl.SSLContext, has_tls: bool, option: str, leaves: str
) -> None:
    ways: list[str] = []

    class Watching(Postman):
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            ways.append("plain" if session.ssl is None else "by TLS")
            return await super().handle_DATA(server, session, envelope)

    with serving(Watching(), **({"tls_context": trusted} if has_tls else {})) as port:
        own = post(port)
        await own.queue()
        own.carrier = SmtpCarrier(smtp_url(f"smtp://127.0.0.1:{port}{option}"))
        assert await empty(own.office) == bool(leaves)
        await own.carrier.rest()
    assert ways == [leaves] * bool(leaves)
    # A server that cannot do what is wanted is no letter's fault: it waits.
    assert [row.state for row in await own.rows()] == ["SENT" if leaves else "WAITING"]


def letter_to(address: str) -> Letter:
    at = now()
    claimed = Claimed(new_id(), new_id(), at, MailKind.VERIFICATION, None, None, None, {}, at, None, 1, None)
    values = {"name": "Zoë", "is_change": False, "link": "https://tutti.example.com"}
    return letter(STATIONERY, claimed, Text(address, "Hello", "verification", values))


@pytest.mark.parametrize("speaks_utf8", [True, False])
async def test_an_address_beyond_ascii_is_sent_to_whoever_understands_it_and_else_refused_for_good(
    speaks_utf8: bool,
) -> None:
    postman = Postman()
    with serving(postman, enable_SMTPUTF8=speaks_utf8) as port:
        carrier = SmtpCarrier(smtp_url(f"smtp://127.0.0.1:{port}"))

        async def hand_over() -> bool:
            return True

        mail = letter_to("zoë@example.com")
        if speaks_utf8:
            await carrier.carry(mail, hand_over)
        else:
            with pytest.raises(Refused, match="ASCII"):
                await carrier.carry(mail, hand_over)
        await carrier.carry(letter_to("ann@example.com"), hand_over)  # the connection is still good
        await carrier.rest()
    wanted = ["zoë@example.com", "ann@example.com"] if speaks_utf8 else ["ann@example.com"]
    assert [str(one["To"]) for one in postman.taken] == wanted


class Killed(BaseException):
    """The process ends here."""


class Mortal(Database):
    """A database whose process is killed at the nth statement, before or after it."""

    def arm(self, at: int, *, is_after: bool) -> None:
        self.countdown, self.is_after = at, is_after

    async def alone(self, work: Any) -> Any:
        self.countdown -= 1
        if self.countdown == 0 and not self.is_after:
            raise Killed
        answer = await super().alone(work)
        if self.countdown == 0:
            raise Killed
        return answer


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
async def test_killed_between_any_two_steps_nothing_is_forgotten_or_sent_as_another(
    stack: TestStack, is_after: bool
) -> None:
    """Every mail arrives; a second copy only of one in doubt, and then with the same Message-ID."""
    passwords = Passwords(cost=QUICK)
    with stack.new_database() as url:
        database, mortal = Database(url), Mortal(url)
        town, postman = Town(database, passwords), Postman()
        points = 0
        with serving(postman) as port:
            for step in range(1, 30):
                before = len(postman.taken)
                await town.somebody()
                server = Server("127.0.0.1", port, is_tls=False, start_tls=False)
                mortal.arm(step, is_after=is_after)
                dying = PostOffice(mortal, SmtpCarrier(server), STATIONERY, town.clock)
                try:
                    await empty(dying)
                    is_over = True
                except Killed:
                    is_over = False
                    points += 1
                town.clock.advance(CLAIM + timedelta(minutes=2))
                living = PostOffice(database, SmtpCarrier(server), STATIONERY, town.clock)
                assert await empty(living)
                arrived = postman.taken[before:]
                assert arrived, f"killed at {step}: forgotten"
                assert len({one["Message-ID"] for one in arrived}) == 1
                assert len(arrived) <= 2
                if is_over:
                    assert len(arrived) == 1
                    break
        assert points >= 4
        await database.close()
        await mortal.close()
    passwords.close()


async def test_files_are_written_once_and_only_their_owner_reads_them(stack: TestStack, tmp_path: Path) -> None:
    passwords = Passwords(cost=QUICK)
    with stack.new_database() as url:
        database, mortal = Database(url), Mortal(url)
        town = Town(database, passwords)
        for step in range(1, 12):
            folder = tmp_path / str(step)
            await town.somebody()
            mortal.arm(step, is_after=False)
            with suppress(Killed):
                await empty(PostOffice(mortal, FolderCarrier(folder), STATIONERY, town.clock))
            town.clock.advance(CLAIM + timedelta(minutes=1))
            await empty(PostOffice(database, FolderCarrier(folder), STATIONERY, town.clock))
            (file,) = folder.iterdir()
            assert file.suffix == ".eml"
            assert file.stat().st_mode & 0o077 == 0
        await database.close()
        await mortal.close()
    passwords.close()


async def test_one_cause_makes_one_mail(post: Callable[..., Post]) -> None:
    own = post(1)
    new = NewMail("once", MailKind.PASSWORD_RESET, {}, address="a@example.com")
    at = own.town.clock()
    for _ in range(2):
        await own.town.database.alone(lambda session: queue_mail(session, new, at))
    assert len(await own.rows()) == 1
