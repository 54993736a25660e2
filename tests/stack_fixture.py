"""The servers that tests run against: one stack per test process, each with a database and a Redis database of its own.

Embedded ones by default; DATABASE_URL and REDIS_URL name external ones instead (the account needs CREATEDB; databases
named `tutti_test_*` are made there and dropped again). The fixture reaches all tests by the root conftest.

Invariant: no test breaks the session's stack. A test that kills or freezes a server makes an EmbeddedStack of its own.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from db.migrations import upgrade
from server.stack import EmbeddedStack

# The session's data is thrown away, so it need not survive a power cut; a kill -9 it survives even so.
THROWAWAY = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class TestStack:
    """Where this test process finds its servers."""

    __test__ = False

    database_url: str
    """A migrated, empty database that is this test process's alone."""
    redis_url: str
    template: str
    """The name of a migrated, empty database that nobody is connected to."""

    @contextmanager
    def new_database(self, template: str | None = None) -> Iterator[str]:
        """Make one more database and give its address; dropped at the end. `template0` makes an unmigrated one."""
        name = f"tutti_test_{secrets.token_hex(6)}"
        sql(self.database_url, f'CREATE DATABASE "{name}" TEMPLATE "{template or self.template}" STRATEGY file_copy')
        try:
            yield with_path(self.database_url, name)
        finally:
            sql(self.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def temporary_state_dir() -> Iterator[Path]:
    """Give a state folder that PostgreSQL's account may enter, too (pytest's own folders are closed to it)."""
    outer = Path(tempfile.mkdtemp(prefix="tutti-test-"))
    outer.chmod(0o711)
    try:
        yield outer / "state"
    finally:
        shutil.rmtree(outer, ignore_errors=True)


@pytest.fixture(scope="session")
def stack() -> Iterator[TestStack]:
    """The servers of this test process."""
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    with ExitStack() as servers:
        if database_url is None or redis_url is None:
            embedded = servers.enter_context(
                EmbeddedStack(
                    servers.enter_context(temporary_state_dir()),
                    has_postgres=database_url is None,
                    has_valkey=redis_url is None,
                    postgres_settings=THROWAWAY,
                )
            )
            database_url = database_url or embedded.database_url
            redis_url = redis_url or embedded.redis_url
        database_url = "postgresql+asyncpg://" + database_url.split("://", 1)[1]
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        redis_url = with_path(redis_url, str(int(worker) % 16))

        template = f"tutti_test_{secrets.token_hex(6)}"
        sql(database_url, f'CREATE DATABASE "{template}" TEMPLATE template0')
        servers.callback(sql, database_url, f'DROP DATABASE "{template}" WITH (FORCE)')
        upgrade(with_path(database_url, template))
        maker = TestStack(database_url, redis_url, template)
        yield TestStack(servers.enter_context(maker.new_database()), redis_url, template)


def sql(database_url: str, statement: str) -> None:
    """Run one statement on a connection of its own."""

    async def run() -> None:
        connection = await asyncpg.connect(database_url.replace("+asyncpg", "", 1))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    apart(run())


def apart(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end on a thread of its own, whether or not an event loop runs on this one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, work).result()


def with_path(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
