"""New connections come in one by one, and all of them come in."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.door import USER_TIMEOUT_MILLISECONDS, Door

PATIENCE_SECONDS = 30.0


class Guest(asyncio.Protocol):
    """Notes in which turn of the loop it came in, and says hello."""

    def __init__(self, house: House) -> None:
        self.house = house

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.house.came_in[self.house.turn] += 1
        transport.write(b"hello")
        transport.close()


class House:
    """Counts the turns of the loop, and who came in in which."""

    def __init__(self) -> None:
        self.turn = 0
        self.is_empty = False
        self.came_in: Counter[int] = Counter()
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._count)

    def _count(self) -> None:
        self.turn += 1
        if not self.is_empty:
            self._loop.call_soon(self._count)

    @contextmanager
    def inhabited(self) -> Iterator[House]:
        try:
            yield self
        finally:
            self.is_empty = True


class Exhausted(socket.socket):
    """A listening socket of a process that has as many files open as it may, twice."""

    failures = 2

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


@contextmanager
def waiting(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Clients whose connections wait in the system's queue."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


async def hello(client: socket.socket) -> bytes:
    client.setblocking(False)
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await asyncio.get_running_loop().sock_recv(client, 100)


async def test_a_crowd_comes_in_one_by_one() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    with waiting(listener.getsockname()[1], 60) as clients, House().inhabited() as house:
        door = Door(listener, lambda: Guest(house), 128)
        assert await asyncio.gather(*map(hello, clients)) == [b"hello"] * 60
        assert max(house.came_in.values()) == 1
        door.close()
        await door.wait_closed()


async def test_who_came_when_no_file_was_left_comes_in_later() -> None:
    listener = Exhausted()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    with waiting(listener.getsockname()[1], 3) as clients, House().inhabited() as house:
        door = Door(listener, lambda: Guest(house), 128)
        assert await asyncio.gather(*map(hello, clients)) == [b"hello"] * 3
        assert listener.failures == 0
        door.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux drops connections by itself")
async def test_whoever_comes_in_is_dropped_when_they_take_nothing() -> None:
    class Looking(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            own = transport.get_extra_info("socket")
            found.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))

    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    listener = socket.create_server(("127.0.0.1", 0))
    with waiting(listener.getsockname()[1], 1):
        door = Door(listener, Looking, 128)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await found == USER_TIMEOUT_MILLISECONDS
        door.close()


async def test_a_closed_door_takes_nobody() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with waiting(listener.getsockname()[1], 1) as (client,), House().inhabited() as house:
        Door(listener, lambda: Guest(house), 128).close()
        client.setblocking(False)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert await asyncio.get_running_loop().sock_recv(client, 100) == b""
        except ConnectionResetError:
            pass
        assert not house.came_in
