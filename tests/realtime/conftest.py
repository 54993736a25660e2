"""Two server processes on one database and one Redis; their workspaces are each test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.realtime.world import Manner, Node, World, running
from tests.stack_fixture import TestStack


@pytest.fixture
async def node(stack: TestStack, request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    """Its followers are served in the manner that is its parameter, if it has one."""
    async with running(stack.database_url, stack.redis_url) as one:
        one.manner = getattr(request, "param", Manner.ALONE)
        yield one


@pytest.fixture
async def other(stack: TestStack) -> AsyncIterator[Node]:
    async with running(stack.database_url, stack.redis_url) as one:
        yield one


@pytest.fixture
def world(node: Node) -> World:
    return node.world
