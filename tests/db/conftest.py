"""The database of these tests, and what every property test of theirs has in common."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.session import Database
from tests.db.office import Office
from tests.stack_fixture import TestStack


@pytest.fixture(scope="session")
async def database(stack: TestStack) -> AsyncIterator[Database]:
    opened = Database(stack.database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def office(database: Database) -> Office:
    return Office(database)
