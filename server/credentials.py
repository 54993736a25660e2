"""What the transports ask of the application: who is there, and a context for each operation.

The transports know no domain: a `Gateway` is all they see of it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from db.models import TokenRights
from execution.live import Sharing

log = logging.getLogger("tutti.errors")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who presented a valid access token, in which session, and until when (aware, UTC) it is valid; None: for ever.

    `token`: it is an API token, with these rights of the person; `session_id` is then the token's own id.
    """

    user_id: UUID
    session_id: UUID
    expires_at: datetime | None
    token: TokenRights | None = None


class Unauthenticated(Exception):
    """The credentials given are no good. `is_expired`: they once were, so refreshing may help (expired or revoked)."""

    def __init__(self, message: str, is_expired: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_expired = is_expired


class Reading(Protocol):
    """What reads for results."""

    async def release(self) -> None:
        """Gives back what reading the last result held; called after each result, before it is sent, and at the end."""


class OperationContext(Reading, Protocol):
    """The `context_value` of one operation, never of a whole socket."""

    def share(self, sharing: Sharing | None) -> None:
        """How a subscription's events may be rendered for several at once; called before it begins."""


class Gateway(Protocol):
    """The application as the transports see it."""

    async def authenticate(self, authorization: str | None) -> Credentials | None:
        """Whom an `Authorization` value names; None when there is none.

        Raises Unauthenticated if it is malformed, expired or revoked, and db.errors.Unavailable.
        """

    def operation_context(
        self, credentials: Credentials | None, address: str, user_agent: str | None, tab: UUID | None = None
    ) -> OperationContext:
        """A fresh context for one operation; opens nothing yet. `tab`: the socket it comes by."""


async def release(context: Reading) -> None:
    """Releases a context whose result is already known: a failure is logged and changes nothing of the answer."""
    try:
        await context.release()
    except Exception:
        log.exception("An operation's context could not be released")
