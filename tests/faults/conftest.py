"""Servers that these tests may kill, freeze and restart. Each test leaves them running."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from db.migrations import upgrade
from server.stack import EmbeddedStack
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
    with temporary_state_dir() as state_dir, EmbeddedStack(state_dir, postgres_settings=THROWAWAY) as stack:
        upgrade(stack.database_url)
        yield Fragile(stack)
