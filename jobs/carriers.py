"""How a letter leaves: by SMTP, or as a file where no SMTP server is named.

Invariant: `hand_over` is asked after the last step that can be refused for
certain and before the first byte of the text; who hears False sends nothing.
What a server says is kept short and never logged: it may repeat an address.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from ssl import SSLContext
from typing import Protocol
from uuid import UUID

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

TIMEOUT_SECONDS = 20.0
"""For each step with the server. All of them together are shorter than a claim lasts."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it leaves. `sender` and `recipient` are plain addresses."""

    id: UUID
    at: datetime
    sender: str
    recipient: str
    content: bytes = field(repr=False)

    @property
    def needs_utf8(self) -> bool:
        """Whether an address can only be said to a server that speaks SMTPUTF8 (RFC 6531)."""
        return not (self.sender.isascii() and self.recipient.isascii())


HandOver = Callable[[], Awaitable[bool]]


class NotCarried(Exception):
    """The letter did not leave. The text says why, for an operator, without the recipient's address."""


class Unreachable(NotCarried):
    """No server took anything from us: it says nothing about this letter, and the others can wait as well."""


class Postponed(NotCarried):
    """Not now: this letter was refused for a while."""


class Refused(NotCarried):
    """Never: this letter was refused for good."""


class ClaimLost(NotCarried):
    """Somebody else sends it by now."""


class InDoubt(Exception):
    """The text was sent, and no answer came: it may have been taken."""


class Carrier(Protocol):
    """Takes letters away, one after the other."""

    @property
    def is_repeatable(self) -> bool:
        """Whether carrying a letter again does nothing if it was carried."""

    async def carry(self, letter: Letter, hand_over: HandOver) -> None:
        """Raises NotCarried, of the right kind, or InDoubt."""

    async def rest(self) -> None:
        """Nothing is to be carried for a while."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where letters are handed in. `start_tls` None: where it is offered."""

    host: str
    port: int
    is_tls: bool
    start_tls: bool | None
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


class SmtpCarrier:
    """Keeps one connection while there are letters."""

    is_repeatable = False

    def __init__(
        self, server: Server, *, timeout_seconds: float = TIMEOUT_SECONDS, tls: SSLContext | None = None
    ) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._tls = tls
        self._client: aiosmtplib.SMTP | None = None

    async def carry(self, letter: Letter, hand_over: HandOver) -> None:
        client = await self.connect()
        if letter.needs_utf8 and not client.supports_extension("smtputf8"):
            raise Refused("The mail server takes no addresses with letters beyond ASCII.")
        try:
            options, encoding = (["SMTPUTF8"], "utf-8") if letter.needs_utf8 else ([], "ascii")
            await client.mail(letter.sender, options=options, encoding=encoding)
            await client.rcpt(letter.recipient, encoding=encoding)
        except SMTPResponseException as error:
            await self._forget_letter(client)
            # A sender that is refused is a matter of settings, and will be mended.
            is_final = error.code >= 500 and isinstance(error, aiosmtplib.SMTPRecipientRefused)
            raise (Refused if is_final else Postponed)(f"The server answered {error.code} to the envelope.") from None
        except (SMTPException, OSError) as error:
            await self.rest()
            raise Postponed(f"The connection broke before the text ({type(error).__name__}).") from None
        if not await hand_over():
            await self._forget_letter(client)
            raise ClaimLost
        try:
            await client.data(letter.content)
        except SMTPResponseException as error:
            await self._forget_letter(client)
            raise (Refused if error.code >= 500 else Postponed)(
                f"The server answered {error.code} to the text."
            ) from None
        except (SMTPException, OSError) as error:
            await self.rest()
            raise InDoubt(type(error).__name__) from None

    async def rest(self) -> None:
        client, self._client = self._client, None
        if client is None or not client.is_connected:
            return
        try:
            async with asyncio.timeout(2):
                await client.quit()
        except (SMTPException, OSError):
            client.close()

    async def connect(self) -> aiosmtplib.SMTP:
        """A connection that was just heard on. Raises Unreachable."""
        if self._client is not None:
            try:
                await self._client.noop()
            except (SMTPException, OSError):
                self._client.close()
            else:
                return self._client
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.is_tls,
            start_tls=False if server.is_tls else server.start_tls,
            username=server.username,
            password=server.password,
            timeout=self._timeout_seconds,
            tls_context=self._tls,
        )
        try:
            await client.connect()
        except SMTPResponseException as error:
            client.close()
            raise Unreachable(f"The server answered {error.code} ({type(error).__name__}).") from None
        except (SMTPException, OSError) as error:
            client.close()
            raise Unreachable(f"It cannot be reached ({type(error).__name__}).") from None
        self._client = client
        return client

    async def _forget_letter(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.rset()
        except (SMTPException, OSError):
            client.close()


async def greet(server: Server, *, timeout_seconds: float = 5.0) -> None:
    """Connect and sign in as for sending, and leave again. Raises Unreachable."""
    carrier = SmtpCarrier(server, timeout_seconds=timeout_seconds)
    await carrier.connect()
    await carrier.rest()


class FolderCarrier:
    """Writes letters into files that any mail program opens. They hold links, so only their owner may read them."""

    is_repeatable = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def carry(self, letter: Letter, hand_over: HandOver) -> None:
        if not await hand_over():
            raise ClaimLost
        try:
            await asyncio.to_thread(self._write, letter)
        except OSError as error:
            raise Unreachable(f"{self._folder} cannot be written to ({error.strerror}).") from None

    async def rest(self) -> None:
        pass

    def _write(self, letter: Letter) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{letter.at:%Y%m%dT%H%M%S}-{letter.id}.eml"
        partial = path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(letter.content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
