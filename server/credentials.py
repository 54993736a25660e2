"""What the transports ask of the application: who is there, and a context for each operation.

The transports know no domain: a `Gateway` is all they see of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from db.errors import Unavailable
from db.models import TokenRights
from execution.live import Live, Sharing
from realtime.rates import Charge
from realtime.topic import RETRY_SECONDS

log = logging.getLogger("tutti.errors")

PAUSE_SECONDS = 15.0
"""So long an event is tried to be read. Without PostgreSQL a process closes its sockets earlier; this is for what
cannot be read though PostgreSQL is there."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who presented a valid access token, in which session, and until when (aware, UTC) it is valid; None: for ever.

    `token`: it is an API token, with these rights of the person; `session_id` is then the token's own id.
    """

    user_id: UUID
    session_id: UUID
    expires_at: datetime | None
    token: TokenRights | None = None


def holder_of(credentials: Credentials) -> UUID:
    """For whom sockets and costs are counted: an API token for itself, not for its creator."""
    return credentials.user_id if credentials.token is None else credentials.token.token_id


class Unauthenticated(Exception):
    """The credentials given are no good. `is_expired`: they once were, so refreshing may help (expired or revoked)."""

    def __init__(self, message: str, is_expired: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_expired = is_expired


class RateLimited(Exception):
    """More is asked for than one may have; in `retry_after_seconds` there may be more. `extensions`: as it is told."""

    def __init__(self, message: str, retry_after_seconds: int, **extensions: object) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.extensions = {"code": "RATE_LIMITED", "retryAfterSeconds": retry_after_seconds, **extensions}

    @classmethod
    def of(cls, charge: Charge) -> RateLimited:
        """Whoever asks has used up their points."""
        seconds = charge.retry_after_seconds
        text = f"The rate limit is used up. Try again in {seconds} s."
        return cls(text, seconds, cost=shown_charge(charge))


def shown_charge(charge: Charge) -> dict[str, Any]:
    """As `extensions.cost` tells it."""
    return {
        "requested": charge.cost,
        "limit": charge.limit,
        "remaining": charge.remaining,
        "resetAt": charge.reset_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def extended(extensions: dict[str, Any] | None, charge: Charge | None) -> dict[str, Any]:
    """The extensions of a result, with what it cost."""
    return {**(extensions or {}), **({} if charge is None else {"cost": shown_charge(charge)})}


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

    def charge(self, credentials: Credentials | None, address: str, cost: int) -> Charge | None:
        """Let whoever asks pay for an operation; None where nobody pays. Never waits. Raises RateLimited."""

    def operation_context(
        self,
        credentials: Credentials | None,
        address: str,
        user_agent: str | None,
        tab: UUID | None = None,
        charge: Charge | None = None,
    ) -> OperationContext:
        """A fresh context for one operation; opens nothing yet. `tab`: the socket it comes by."""


async def patiently(read: Callable[[], Awaitable[bytes]], context: Reading) -> bytes:
    """What is made of an event by reading, with nothing held any more. Waits while PostgreSQL is away.

    Raises Unavailable after `PAUSE_SECONDS`; the operation then ends, and is resumed by its cursor.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + PAUSE_SECONDS
    while True:
        try:
            return await read()
        except Unavailable:
            if loop.time() > give_up_at:
                raise
        finally:
            await release(context)
        await asyncio.sleep(RETRY_SECONDS)


async def rendered(live: Live, event: Any, context: Reading) -> bytes:
    """The payload of an event for one subscriber. Waits, and raises, as `patiently` does."""
    return await patiently(lambda: live.render(event, context), context)


async def release(context: Reading) -> None:
    """Releases a context whose result is already known: a failure is logged and changes nothing of the answer."""
    try:
        await context.release()
    except Exception:
        log.exception("An operation's context could not be released")
