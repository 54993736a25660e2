"""A tiny server for all protocol tests; those that need other limits, or break it, serve their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.protocol.tiny import TIMEOUT_SECONDS, Tiny, serve


@pytest.fixture(scope="session")
async def shared_tiny() -> AsyncIterator[Tiny]:
    async with serve() as server:
        yield server


@pytest.fixture
async def tiny(shared_tiny: Tiny) -> Tiny:
    await shared_tiny.wait_for_sockets(0)
    shared_tiny.gateway.contexts.clear()
    return shared_tiny


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
        yield client
