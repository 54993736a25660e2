"""The databases of these tests: one that is exported, and others to import into."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from db.session import Database
from tests.db.office import Office
from tests.stack_fixture import TestStack


@pytest.fixture(scope="session")
async def office(stack: TestStack) -> AsyncIterator[Office]:
    database = Database(stack.database_url)
    yield Office(database)
    await database.close()


@pytest.fixture
async def elsewhere(stack: TestStack) -> AsyncIterator[Office]:
    """Another server's database, empty."""
    with stack.new_database() as url:
        database = Database(url)
        yield Office(database)
        await database.close()
