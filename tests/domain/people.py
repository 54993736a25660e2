"""People for tests of accounts: each test signs up its own, at a desk with a clock that the test sets."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from argon2 import Parameters, Type

from db.models import Actor, Event, User
from db.session import Database
from db.unit_of_work import Outcome, UnitOfWork, Writer, now
from domain.accounts import SignUp, sign_up
from domain.attempts import Limits
from domain.passwords import Passwords
from domain.sessions import Desk, SignedIn, person

# Far below what the product uses, so that tests are quick.
QUICK = Parameters(type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=64, parallelism=1)
PASSWORD = "correct horse battery"


@dataclass
class Clock:
    """The time, as a test wants it."""

    at: datetime = field(default_factory=now)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


@dataclass
class Town:
    """A desk, its clock, and what its units of work told."""

    database: Database
    passwords: Passwords
    clock: Clock = field(default_factory=Clock)
    committed: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.address = an_address()
        self.desk = Desk(
            database=self.database,
            writer=Writer(self.database, self.committed.extend),
            passwords=self.passwords,
            refresh_keys=(secrets.token_bytes(32),),
            clock=self.clock,
        )

    def with_limits(self, limits: Limits) -> Desk:
        return replace(self.desk, limits=limits)

    async def somebody(self, **given: str) -> SignedIn:
        """A new person, signed in."""
        return await sign_up(self.desk, a_form(**given), an_address(), nothing)

    async def write(self, actor: Actor, work: Callable[[UnitOfWork], Awaitable[object]]) -> None:
        async def unit(uow: UnitOfWork) -> Outcome:
            done = await work(uow)
            return done if isinstance(done, Outcome) else Outcome()

        await self.desk.writer.run(actor, unit)


def a_form(**given: str) -> SignUp:
    """What somebody new might say; nobody else has their address."""
    return SignUp(**{"email": f"{secrets.token_hex(8)}@example.com", "password": PASSWORD, "name": "Ada", **given})


def an_address() -> str:
    """A network address that nobody else has."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


def actor_of(somebody: SignedIn) -> Actor:
    return person(somebody.user.id, somebody.session.id)


async def nothing(uow: UnitOfWork, user: User) -> None:
    """The hook that makes no workspace."""
