"""A tiny server for each protocol test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.protocol.tiny import TIMEOUT_SECONDS, Tiny, serve


@pytest.fixture
async def tiny() -> AsyncIterator[Tiny]:
    async with serve() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
        yield client
