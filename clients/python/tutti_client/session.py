"""Sessions of people: who has signed in has tokens that are renewed before they end.

Invariant: one renewal at a time, each of the newest refresh token, which `keep` has heard of before it is used: an old
one that comes back later ends the session.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

RENEW_BEFORE_SECONDS = 60.0
SKEWED_SECONDS = 60.0
"""So long a token is believed that has ended by our clock, which then cannot be right."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What signing in or a renewal gives."""

    access_token: str
    expires_at: datetime
    refresh_token: str


Exchange = Callable[[str], Awaitable[Tokens]]


class Session:
    """
    The session of somebody who has signed in; `Tutti` renews its tokens.

    `keep` is called with each new refresh token: a program that stores it goes on with the session when it is started
    again, without a password, within 60 days. `renew_before_seconds`: so long before an access token ends the next one
    is got.
    """

    def __init__(
        self,
        refresh_token: str,
        *,
        keep: Callable[[str], None] | None = None,
        renew_before_seconds: float = RENEW_BEFORE_SECONDS,
    ) -> None:
        self.refresh_token = refresh_token
        self._keep = keep
        self._renew_before_seconds = renew_before_seconds
        self._access_token: str | None = None
        self._renew_at = 0.0
        self._turn = asyncio.Lock()

    @property
    def seconds_left(self) -> float:
        """Until the access token is to be renewed."""
        return max(0.0, self._renew_at - time.monotonic())

    def take(self, tokens: Tokens) -> None:
        """From now on these are its tokens."""
        if self._keep is not None:
            self._keep(tokens.refresh_token)
        self.refresh_token = tokens.refresh_token
        self._access_token = tokens.access_token
        left = (tokens.expires_at - datetime.now(UTC)).total_seconds()
        if left <= 0:
            left = SKEWED_SECONDS + self._renew_before_seconds
        self._renew_at = time.monotonic() + left - self._renew_before_seconds

    async def access_token(self, exchange: Exchange, instead_of: str | None = None) -> str:
        """One that is good for a while, and not `instead_of`, which was refused. Raises what `exchange` raises."""
        async with self._turn:
            if self._access_token is None or self._access_token == instead_of or self.seconds_left == 0:
                self.take(await exchange(self.refresh_token))
            assert self._access_token is not None
            return self._access_token
