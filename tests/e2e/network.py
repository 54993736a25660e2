"""The way of a browser to the server: an HTTP proxy that a test cuts, freezes and mends.

It sees what the browser sends whoever sends it, a page or a worker: the API's requests and sockets obey the test, and
the pages' own files come unless they are cut, too, so that a page can be loaded while it cannot reach the API. It leads
to the server under test and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Page, ProxySettings

CHUNK = 65_536
LONGEST_HEAD = 1 << 20

NETWORKS: dict[BrowserContext, Network] = {}
"""The network of each browser profile that is behind one."""


def network_of(page: Page) -> Network:
    return NETWORKS[page.context]


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction of one connection."""

    is_socket: bool
    is_back: bool
    is_file: bool


class Network:
    """One browser's proxy: closed connections, and connections that are open for both ends while nothing arrives."""

    def __init__(self, server_url: str) -> None:
        self._target = urlsplit(server_url).netloc
        self._is_cut = self._are_files_cut = False
        self._stops_there = self._stops_back = self._stops_requests = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._serving: dict[asyncio.Task[None], bool] = {}
        """What carries each connection, and whether it may be cut."""
        self.socket_count = 0
        """How many sockets there are now."""

    async def open(self) -> ProxySettings:
        """Begin; gives what a browser profile is told about its proxy."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LONGEST_HEAD)
        port = self._server.sockets[0].getsockname()[1]
        return {"server": f"http://127.0.0.1:{port}", "bypass": "<-loopback>"}

    async def close(self) -> None:
        self._server.close()
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def cut(self, *, files_too: bool = False) -> None:
        """Break all connections to the API at once, and each new one too, until `mend`.

        files_too: the pages' own files do not come either.
        """
        self._is_cut, self._are_files_cut = True, files_too
        for task, is_obedient in self._serving.items():
            if is_obedient or files_too:
                task.cancel()

    def freeze(self, *, answers_only: bool = False, sockets_only: bool = False) -> None:
        """Half-open: let connections be, and nothing arrive until `mend`, not even that an end has closed them.

        answers_only: what is asked for is done, and only who asked does not hear of it.
        sockets_only: requests come and go as ever.
        """
        self._stops_back, self._stops_there, self._stops_requests = True, not answers_only, not sockets_only
        self._flows.clear()

    def mend(self) -> None:
        """Take connections again, and deliver what is on its way."""
        self._is_cut = self._are_files_cut = self._stops_there = self._stops_back = False
        self._flows.set()

    async def _passes(self, way: _Way) -> None:
        while (
            not way.is_file
            and (self._stops_back if way.is_back else self._stops_there)
            and (way.is_socket or self._stops_requests)
        ):
            await self._flows.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = False
        ends = [writer]
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")  # of CONNECT host:port, or GET http://host:port/path
                self._serving[task] = not head.startswith(b"GET ")
                if self._are_files_cut or (self._serving[task] and self._is_cut):
                    return
                await self._connect(head, reader, writer, ends)
        except asyncio.CancelledError:
            for end in ends:
                end.transport.abort()
        finally:
            del self._serving[task]
            for end in ends:
                end.close()

    async def _connect(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ends: list[asyncio.StreamWriter]
    ) -> None:
        """Carry one request, or one socket, and what comes back."""
        line, rest = head.split(b"\r\n", 1)
        method, target, version = line.decode().split(" ")
        is_socket = method == "CONNECT"
        url = urlsplit(f"//{target}" if is_socket else target)
        if url.netloc != self._target:
            return
        there = _Way(is_socket, is_back=False, is_file=method == "GET")
        back = _Way(is_socket, is_back=True, is_file=there.is_file)
        await self._passes(there)
        far_reader, far_writer = await asyncio.open_connection(url.hostname, url.port)
        ends.append(far_writer)
        if is_socket:
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:  # one request for each connection: what is cut then is the request, and not the one after it
            path = url._replace(scheme="", netloc="").geturl()
            far_writer.write(f"{method} {path} {version}\r\nConnection: close\r\n".encode() + rest)
        self.socket_count += is_socket
        try:
            await _first(self._carry(reader, far_writer, there), self._carry(far_reader, writer, back))
        finally:
            self.socket_count -= is_socket

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: _Way) -> None:
        with contextlib.suppress(OSError):
            while True:
                data = await reader.read(CHUNK)
                await self._passes(way)
                if not data:
                    return
                writer.write(data)
                await writer.drain()


async def _first(*works: Coroutine[Any, Any, None]) -> None:
    """Wait until one of these is at its end, and end the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
