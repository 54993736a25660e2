"""The mails that a server of the tests wrote into files, as their readers get them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

WAIT_SECONDS = 30.0


@dataclass(slots=True)
class Mailbox:
    """Everybody's mail."""

    folder: Path
    _read: dict[str, EmailMessage] = field(default_factory=dict)

    def of(self, address: str) -> list[EmailMessage]:
        """What an address has so far, the oldest first."""
        # Whichever server on this database has the lease writes them, into a folder of its own.
        for path in sorted(self.folder.parent.parent.glob("*/mail/*.eml")):
            if path.name not in self._read:
                self._read[path.name] = message_from_bytes(path.read_bytes(), policy=policy.default)
        return [one for name, one in sorted(self._read.items()) if one["To"] == address]

    async def wait(self, address: str, is_it: Callable[[EmailMessage], bool]) -> list[EmailMessage]:
        """All mails like this, once there are any."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not (found := [one for one in self.of(address) if is_it(one)]):  # noqa: ASYNC110 - files tell nobody
                await asyncio.sleep(0.02)
        return found

    async def links(self, address: str, page: str) -> list[str]:
        """The tokens of all links to a page, once there are any."""
        pattern = re.compile(rf"/{page}#([\w-]+)")
        found = await self.wait(address, lambda one: bool(pattern.search(words(one))))
        return [match.group(1) for one in found if (match := pattern.search(words(one)))]


def words(message: EmailMessage) -> str:
    """A mail's plain text."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
