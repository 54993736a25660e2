"""Servers that these tests may kill, freeze and restart. Each test leaves them running."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from db.migrations import upgrade
from db.session import Database
from server.stack import EmbeddedStack
from tests.faults.links import Proxy, proxies
from tests.people import Api
from tests.processes import ServerProcess, assert_untroubled, server_processes
from tests.stack_fixture import THROWAWAY, temporary_state_dir


@dataclass(frozen=True, slots=True)
class Fragile:
    """A stack of our own to break."""

    stack: EmbeddedStack

    @property
    def database_url(self) -> str:
        return self.stack.database_url

    @property
    def redis_url(self) -> str:
        return self.stack.redis_url


@pytest.fixture(scope="session")
def fragile() -> Iterator[Fragile]:
    settings = {**THROWAWAY, "track_commit_timestamp": "on"}
    with temporary_state_dir() as state_dir, EmbeddedStack(state_dir, postgres_settings=settings) as stack:
        upgrade(stack.database_url)
        yield Fragile(stack)


@dataclass(frozen=True, slots=True)
class Theatre:
    """Server processes, and links that may be broken: each server's own (`doors`), to PostgreSQL and to Redis."""

    stack: EmbeddedStack
    servers: list[ServerProcess]
    doors: list[Proxy]
    postgres: Proxy
    redis: Proxy

    @property
    def urls(self) -> list[str]:
        """Where clients go: to the doors."""
        return [f"http://127.0.0.1:{door.port}" for door in self.doors]

    @property
    def logged(self) -> str:
        return "".join(server.log.read_text() for server in self.servers)


@contextmanager
def theatre_of(stack: EmbeddedStack, folder: Path, names: tuple[str, ...], **environment: str) -> Iterator[Theatre]:
    """Server processes on a stack, with links in between."""
    ports = [urlsplit(url).port or 0 for url in (stack.database_url, stack.redis_url)]
    with ExitStack() as open_ones:
        postgres, redis = open_ones.enter_context(proxies(*ports))
        urls = postgres.url(stack.database_url), redis.url(stack.redis_url)
        servers = open_ones.enter_context(server_processes(folder, *urls, names, **environment))
        doors = open_ones.enter_context(proxies(*(server.port for server in servers)))
        yield Theatre(stack, servers, doors, postgres, redis)


@pytest.fixture(scope="session")
def theatre(fragile: Fragile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """Three servers."""
    with theatre_of(fragile.stack, tmp_path_factory.mktemp("theatre"), ("one", "two", "three")) as made:
        yield made
        assert_untroubled(made.logged)


@pytest.fixture
def stage(theatre: Theatre, http: httpx.AsyncClient) -> Api:
    """The API of the first server, by no link that breaks."""
    return Api(theatre.servers[0].url, http)


@pytest.fixture
async def truth(fragile: Fragile) -> AsyncIterator[Database]:
    """What PostgreSQL holds, by no link that breaks; a pool for each test, as the last one may have restarted it."""
    database = Database(fragile.database_url, pool_size=4)
    yield database
    await database.close()


def megabytes(server: ServerProcess) -> float:
    return float(psutil.Process(server.pid).memory_info().rss) / 2**20


METRICS_TOKEN = "a-token-for-metrics"


async def metric(server: ServerProcess, http: httpx.AsyncClient, name: str) -> float:
    """What `alone` says of itself."""
    answer = await http.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    (value,) = [line.rpartition(" ")[2] for line in answer.text.splitlines() if line.startswith(name + "{")]
    return float(value)


@pytest.fixture(scope="module")
def alone(fragile: Fragile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server on which one person may have as many sockets as they like."""
    limits = {"TUTTI_MAX_SOCKETS_PER_PERSON": "1000", "TUTTI_METRICS_TOKEN": METRICS_TOKEN}
    folder = tmp_path_factory.mktemp("alone")
    with server_processes(folder, fragile.database_url, fragile.redis_url, ("alone",), **limits) as (server,):
        yield server
        assert_untroubled(server.log.read_text())
