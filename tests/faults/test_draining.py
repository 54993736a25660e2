"""SIGTERM to a server in use: it stops being ready, answers what was asked, and sends its sockets away one by one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg
import httpx
import psutil
import pytest

from server.draining import SPREAD_SECONDS
from tests.people import EVENTS, Api, Person, open_socket
from tests.processes import SECRET, assert_untroubled
from tests.server.test_cli import Serving, serving
from tests.stack_fixture import TestStack, temporary_state_dir

pytestmark = pytest.mark.serial

SOCKETS = 20
AT_ONCE_SECONDS = 2.0
"""After a second signal; without one the last socket goes after SPREAD_SECONDS."""
RENAME = "mutation ($input: UpdateTaskInput!) { updateTask(input: $input) { userErrors { code } task { title } } }"


@asynccontextmanager
async def serve(stack: TestStack, workers: int, **more: str) -> AsyncIterator[tuple[str, Serving]]:
    """`tutti serve` on the servers of the tests. -> its address and the program"""
    with temporary_state_dir() as state_dir:
        state_dir.mkdir()
        settings = {"TUTTI_WORKERS": str(workers), "TUTTI_MAX_SOCKETS_PER_PERSON": "100", "TUTTI_JWT_SECRET": SECRET}
        addresses = {"DATABASE_URL": stack.database_url, "REDIS_URL": stack.redis_url}
        with serving(state_dir, **settings, **addresses, **more) as server:
            yield await asyncio.to_thread(server.wait_until_ready), server
            assert_untroubled(server.output)


@asynccontextmanager
async def locked(stack: TestStack, task_id: str) -> AsyncIterator[None]:
    """Whoever changes the task meanwhile has to wait."""
    connection = await asyncpg.connect(stack.database_url.replace("+asyncpg", "", 1))
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", task_id.split("_", 1)[1])
            yield
    finally:
        await connection.close()


async def is_ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


async def until(is_so: Callable[[], Awaitable[bool]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await is_so():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_drain_is_told_at_once_finishes_what_was_asked_and_spreads_the_goodbyes(
    stack: TestStack, api: Api, http: httpx.AsyncClient, workers: int
) -> None:
    somebody = await api.sign_up("Ann")
    workspace_id = await somebody.create_workspace()
    task_id = await somebody.create_task(workspace_id)
    async with serve(stack, workers) as (url, server), AsyncExitStack() as sockets:
        ann: Person = somebody.on(Api(url, http))
        open_ones = [await sockets.enter_async_context(ann.socket()) for _ in range(SOCKETS)]

        async def unready() -> bool:
            return not await is_ready(http, url)

        streams = [await one.subscribe(EVENTS, workspaceId=workspace_id) for one in open_ones[:-1]]
        for stream in streams:
            await stream.until(lambda batch: batch["caughtUp"])
        closed: list[tuple[float, int]] = []

        async def watch(connection: asyncio.Future[None], place: int) -> None:
            await connection
            closed.append((time.monotonic(), open_ones[place].connection.close_code or 0))

        watching = [
            asyncio.create_task(watch(asyncio.ensure_future(one.connection.wait_closed()), place))
            for place, one in enumerate(open_ones)
        ]
        async with locked(stack, task_id):
            asked = {"input": {"id": task_id, "title": "Over HTTP"}}
            over_http = asyncio.create_task(ann.answer(RENAME, **asked))
            over_socket = await open_ones[-1].subscribe(RENAME, input={"id": task_id, "title": "Over a socket"})
            await asyncio.sleep(0.3)  # until both wait for the lock
            # As a service manager does it: to every process.
            os.killpg(server.process.pid, signal.SIGTERM)
            began = time.monotonic()
            await until(unready, 0.5)
            async with open_socket(url) as late:
                assert (await late.closed())[0] == 1012
            await asyncio.sleep(0.5)
        answer = await over_http
        assert answer["data"]["updateTask"]["userErrors"] == [], answer
        told = await over_socket.until(lambda payload: "task" in payload)
        assert told["task"] == {"title": "Over a socket"}

        # What is asked meanwhile is answered as well.
        assert await ann.create_task(workspace_id, "While it drains")

        async with asyncio.timeout(SPREAD_SECONDS + 5):
            await asyncio.gather(*watching)
        assert {code for _, code in closed} == {1012}
        moments = sorted(moment for moment, _ in closed)
        assert moments[-1] - moments[0] > SPREAD_SECONDS * 0.6
        assert moments[-1] - began < SPREAD_SECONDS + 2
        # Nowhere more than a few at once.
        assert max(sum(at <= other < at + 1 for other in moments) for at in moments) <= SOCKETS // 3
        assert await asyncio.to_thread(server.wait) == 0


async def test_who_came_in_last_is_answered_and_sent_away_by_code(stack: TestStack) -> None:
    async with serve(stack, 1) as (url, server):
        address = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        with socket.create_connection(address) as late, socket.create_connection(address) as later:
            os.kill(server.process.pid, signal.SIGTERM)

            async def is_shut() -> bool:
                try:
                    socket.create_connection(address).close()
                except OSError:
                    return True
                return False

            await until(is_shut, 5)
            async with open_socket(url, sock=late) as opened:
                assert (await opened.closed())[0] == 1012
            later.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert later.recv(12) == b"HTTP/1.1 200"
        assert await asyncio.to_thread(server.wait) == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_second_signal_ends_it_at_once(
    stack: TestStack, api: Api, http: httpx.AsyncClient, workers: int
) -> None:
    somebody = await api.sign_up("Ann")
    async with serve(stack, workers) as (url, server), AsyncExitStack() as sockets:
        ann = somebody.on(Api(url, http))
        open_ones = [await sockets.enter_async_context(ann.socket()) for _ in range(5)]

        async def unready() -> bool:
            return not await is_ready(http, url)

        os.kill(server.process.pid, signal.SIGTERM)
        await until(unready, 0.5)
        os.kill(server.process.pid, signal.SIGTERM)
        async with asyncio.timeout(AT_ONCE_SECONDS):
            assert {(await one.closed())[0] for one in open_ones} == {1012}
        assert await asyncio.to_thread(server.wait) == 0


async def test_a_process_that_dies_is_followed_by_another(stack: TestStack, http: httpx.AsyncClient) -> None:
    async with serve(stack, 2) as (url, server):

        def children() -> set[int]:
            """The workers, and the process of the jobs."""
            found = set()
            for child in psutil.Process(server.process.pid).children():
                # One that was killed may be reaped between being listed and being asked.
                with suppress(psutil.NoSuchProcess):
                    if "spawn_main" in " ".join(child.cmdline()):
                        found.add(child.pid)
            return found

        before = children()
        assert len(before) == 3
        for pid in before:
            os.kill(pid, signal.SIGKILL)

        async def are_replaced() -> bool:
            return len(children() - before) == 3 and await is_ready(http, url)

        await until(are_replaced, 30)
        assert server.end() == 0
