"""The database and the desk of the domain's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from db.session import Database
from domain.passwords import Passwords
from tests.db.office import Office
from tests.domain.people import QUICK, Town
from tests.stack_fixture import TestStack


@pytest.fixture(scope="session")
async def database(stack: TestStack) -> AsyncIterator[Database]:
    opened = Database(stack.database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def quick_passwords() -> Iterator[Passwords]:
    passwords = Passwords(cost=QUICK)
    yield passwords
    passwords.close()


@pytest.fixture(scope="session")
async def office(database: Database) -> Office:
    return Office(database)


@pytest.fixture
def town(database: Database, quick_passwords: Passwords) -> Town:
    return Town(database, quick_passwords)
