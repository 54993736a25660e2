"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.mailbox import Mailbox
from tests.people import Api
from tests.processes import ServerProcess, server_processes
from tests.stack_fixture import TestStack, stack  # noqa: F401


def pytest_itemcollected(item: pytest.Item) -> None:
    """What is serial stays with one test process, but for what waits most of the time (the group "patient")."""
    if item.get_closest_marker("serial") and not item.get_closest_marker("xdist_group"):
        item.add_marker(pytest.mark.xdist_group("serial"))


@pytest.fixture(scope="session")
def servers(stack: TestStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:  # noqa: F811
    """Two server processes on one database and one Redis: across processes is the product."""
    folder = tmp_path_factory.mktemp("servers")
    with server_processes(folder, stack.database_url, stack.redis_url, TEST_OUTBOX="files") as started:
        yield started
        for server in started:
            logged = server.log.read_text()
            assert "Traceback" not in logged, logged[-4000:]


@pytest.fixture(scope="session")
def server_url(servers: list[ServerProcess]) -> str:
    return servers[0].url


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def api(servers: list[ServerProcess], http: httpx.AsyncClient) -> Api:
    """The API on the first process."""
    return Api(servers[0].url, http, Mailbox(servers[0].folder / "mail"))


@pytest.fixture(scope="session")
def other_api(servers: list[ServerProcess], http: httpx.AsyncClient) -> Api:
    """The same API on the second process."""
    return Api(servers[1].url, http, Mailbox(servers[1].folder / "mail"))
