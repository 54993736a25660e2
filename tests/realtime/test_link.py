"""A link that is lost says so in one of the ways that everybody expects, at whatever moment it goes."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from realtime.link import BROKEN, Link
from realtime.shelf import Shelf
from tests.stack_fixture import TestStack


def test_a_write_right_after_the_socket_was_closed_is_a_lost_link(stack: TestStack) -> None:
    async def lose() -> None:
        link = Link(stack.redis_url)
        await link.connect()
        link._connection._writer.transport.abort()
        await asyncio.sleep(0)
        try:
            with pytest.raises(BROKEN):
                await link.send((b"PING",))
        finally:
            await link.close()

    uvloop.run(lose())  # it is uvloop that has a word of its own for it


def test_a_shelf_whose_socket_was_just_closed_holds_nothing_for_the_moment(stack: TestStack) -> None:
    async def lose() -> None:
        shelf = Shelf(stack.redis_url)
        await shelf.put("key", "text")
        assert await shelf.get("key") == "text"
        (idle,) = shelf._redis.connection_pool._available_connections
        idle._writer.transport.abort()
        assert await shelf.get("key") is None
        await shelf.close()

    uvloop.run(lose())
