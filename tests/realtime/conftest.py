"""Two server processes on one database and one Redis; their workspaces are each test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.realtime.world import Node, World, running
from tests.stack_fixture import TestStack


@pytest.fixture
async def node(stack: TestStack) -> AsyncIterator[Node]:
    async with running(stack.database_url, stack.redis_url) as one:
        yield one


@pytest.fixture
async def other(stack: TestStack) -> AsyncIterator[Node]:
    async with running(stack.database_url, stack.redis_url) as one:
        yield one


@pytest.fixture
def world(node: Node) -> World:
    return node.world
