"""Fixtures of all tests."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.mailbox import Mailbox
from tests.people import Api
from tests.processes import ServerProcess, assert_untroubled, server_processes
from tests.site.served import served, served_api  # noqa: F401
from tests.stack_fixture import TestStack, stack  # noqa: F401

# Always the same examples, however long they take: what fails is what was changed, and not the day or the machine.
# `pytest --hypothesis-profile default` tries new ones.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

PATIENT = (
    *(f"tests/faults/test_{name}.py" for name in ("presence", "draining", "cut_off", "soak")),
    "tests/e2e/test_memory.py",
)
"""Serial tests that take their time whatever the machine does: they may run beside the other serial ones."""


class TwoLines(LoadScopeScheduling):
    """The patient one after the other, and beside them the others one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return "patient" if nodeid.startswith(PATIENT) else "others"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is serial stands in few files: to import all the others takes each process long."""
    is_for_few = config.getvalue("markexpr") == "serial" and collection_path.match("test_*.py")
    return True if is_for_few and "mark.serial" not in collection_path.read_text() else None


def pytest_collection_finish() -> None:
    """All tests are there to stay: looking through them for garbage would stop what is tested in this process."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TwoLines | None:
    """How `make test` runs what is serial: `-n 2 --dist loadscope`."""
    return TwoLines(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers logged beside what failed."""
    report = yield
    if report.failed:
        for server in getattr(item, "funcargs", {}).get("servers", ()):
            report.sections.append((f"Log of {server.url}", server.log.read_text()[-4000:]))
    return report


@pytest.fixture(scope="session")
def servers(stack: TestStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:  # noqa: F811
    """Two server processes on one database and one Redis: across processes is the product."""
    folder = tmp_path_factory.mktemp("servers")
    with server_processes(folder, stack.database_url, stack.redis_url, TEST_OUTBOX="files") as started:
        yield started
        for server in started:
            assert_untroubled(server.log.read_text())


@pytest.fixture(scope="session")
def server_url(servers: list[ServerProcess]) -> str:
    return servers[0].url


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def api(servers: list[ServerProcess], http: httpx.AsyncClient) -> Api:
    """The API on the first process."""
    return Api(servers[0].url, http, Mailbox(servers[0].folder / "mail"))


@pytest.fixture(scope="session")
def other_api(servers: list[ServerProcess], http: httpx.AsyncClient) -> Api:
    """The same API on the second process."""
    return Api(servers[1].url, http, Mailbox(servers[1].folder / "mail"))
