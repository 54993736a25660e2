"""How often somebody may try: counted before it is judged, for each account and each address.

Every attempt is one atomic statement in a transaction of its own, so neither a
rollback nor many at once (parallel requests, aliases in one document) hide one.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import accounts
from db.session import Database
from domain.errors import TopLevel

QUARTER_HOUR = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `attempts` in each `window`. `name` keeps the counters of different limits apart."""

    name: str
    attempts: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """All that is limited. Those by address are wider: an office shares one."""

    sign_in_by_account: Limit = Limit("sign-in/account", 10, QUARTER_HOUR)
    sign_in_by_address: Limit = Limit("sign-in/address", 50, QUARTER_HOUR)
    sign_up_by_address: Limit = Limit("sign-up/address", 20, HOUR)
    refresh_by_address: Limit = Limit("refresh/address", 200, QUARTER_HOUR)
    change_password_by_account: Limit = Limit("change-password/account", 10, QUARTER_HOUR)
    """All that asks somebody who is signed in for their password."""
    reset_by_account: Limit = Limit("reset/account", 5, HOUR)
    reset_by_address: Limit = Limit("reset/address", 20, HOUR)
    link_by_address: Limit = Limit("link/address", 50, QUARTER_HOUR)
    invitation_by_account: Limit = Limit("invitation/account", 100, DAY)
    mail_by_recipient: Limit = Limit("mail/recipient", 10, DAY)
    """Mail that people have sent to an address that may not be theirs."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One counted attempt."""

    subject: bytes

    @staticmethod
    def of(limit: Limit, who: str) -> Attempt:
        return Attempt(hashlib.sha256(f"{limit.name}\0{who}".encode("utf-8", "surrogatepass")).digest())

    async def forgive(self, database: Database) -> None:
        """It was none: take it back."""
        await database.alone(lambda session: accounts.uncount_attempt(session, self.subject))

    async def forgive_all(self, database: Database) -> None:
        """It succeeded: forget the failures before it as well."""
        await database.alone(lambda session: accounts.forget_attempts(session, self.subject))


async def count(database: Database, limit: Limit, who: str, at: datetime) -> Attempt:
    """Count one attempt of an account or an address. Raises TopLevel(RATE_LIMITED) when it is one too many."""
    attempt = Attempt.of(limit, who)
    number, began_at = await database.alone(
        lambda session: accounts.count_attempt(session, attempt.subject, at, limit.window)
    )
    if number > limit.attempts:
        seconds = max(1, math.ceil((began_at + limit.window - at).total_seconds()))
        minutes = math.ceil(seconds / 60)
        raise TopLevel(
            "RATE_LIMITED",
            f"Too many attempts. Try again in {minutes} minute{'' if minutes == 1 else 's'}.",
            retryAfterSeconds=seconds,
        )
    return attempt


async def forget(database: Database, limit: Limit, who: str) -> None:
    """Begin anew: whoever it is has proven themselves in another way."""
    await Attempt.of(limit, who).forgive_all(database)


def network(address: str) -> str:
    """What counts as one address: all of an IPv4 address, the /64 of an IPv6 one, which one customer has whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False).network_address)
