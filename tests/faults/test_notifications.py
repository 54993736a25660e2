"""What people are told while Redis dies and while they read nothing: all of it, each once, in order."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import AsyncExitStack, suppress
from urllib.parse import urlsplit

import pytest
import websockets

from tests.faults.conftest import Fragile, Theatre
from tests.people import Api, Person, Socket, Stream

pytestmark = pytest.mark.serial

FOLLOW = "subscription { notificationEvents { isSnapshot unreadCount removedIds notifications { id task { id } } } }"
TOLD = 30
WAIT_SECONDS = 20.0


def told(stream: Stream) -> list[str]:
    """The tasks that somebody was told of since their snapshot, in the order in which they were."""
    first, *others = stream.batches
    assert first["isSnapshot"]
    assert not any(batch["isSnapshot"] or batch["removedIds"] for batch in others)
    return [one["task"]["id"] for batch in others for one in batch["notifications"]]


async def test_redis_dies_and_comes_back_and_nothing_is_lost_doubled_or_out_of_order(
    fragile: Fragile, theatre: Theatre, stage: Api
) -> None:
    ann = await stage.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    people = [await ann.bring_in(workspace_id, name=name) for name in ("Bo", "Cy")]
    everybody = [one.id for one in people]
    async with AsyncExitStack() as sockets:
        streams = []
        for person in people:
            for server in theatre.servers[:2]:
                there = person.on(Api(server.url, stage.http))
                stream = await (await sockets.enter_async_context(there.socket())).subscribe(FOLLOW)
                await stream.until(lambda batch: batch["isSnapshot"])
                streams.append(stream)
        made = [await ann.create_task(workspace_id, assigneeIds=everybody) for _ in range(TOLD // 3)]
        fragile.stack.valkey.kill()
        try:
            made += [await ann.create_task(workspace_id, assigneeIds=everybody) for _ in range(TOLD // 3)]
        finally:
            await asyncio.to_thread(fragile.stack.valkey.start)
        made += [await ann.create_task(workspace_id, assigneeIds=everybody) for _ in range(TOLD // 3)]
        for stream in streams:
            await stream.until(lambda batch: batch["unreadCount"] == TOLD, WAIT_SECONDS)
        # What Redis says from now on comes after all of that; so would anything that it says again.
        last = await ann.create_task(workspace_id, "The last", assigneeIds=everybody)
        for stream in streams:
            await stream.until(lambda batch: last in str(batch["notifications"]), WAIT_SECONDS)
            assert told(stream) == [*made, last]


LARGE = (
    "subscription { notificationEvents { isSnapshot unreadCount notifications { id readAt task { description } } } }"
)
LARGE_TASKS = 30


async def _reading_little(person: Person) -> websockets.ClientConnection:
    """A connection with little room in the kernel."""
    parts = urlsplit(person.api.url)
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    own.setblocking(False)
    await asyncio.get_running_loop().sock_connect(own, (parts.hostname, parts.port))
    return await websockets.connect(
        f"ws://{parts.netloc}/graphql",
        sock=own,
        subprotocols=[websockets.Subprotocol("graphql-transport-ws")],
        ping_interval=None,
        compression=None,
        max_size=None,
        max_queue=1,
    )


async def test_who_does_not_read_what_they_are_told_is_closed_and_comes_back_to_all_of_it(
    stage: Api,
) -> None:
    ann = await stage.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    bob = await ann.bring_in(workspace_id)
    link = Socket(await _reading_little(bob))
    await link.send({"type": "connection_init", "payload": {"authorization": f"Bearer {bob.token}"}})
    assert (await link.receive())["type"] == "connection_ack"
    await link.send({"id": "1", "type": "subscribe", "payload": {"query": LARGE}})
    assert (await link.receive())["payload"]["data"]["notificationEvents"]["isSnapshot"]
    link.connection.transport.pause_reading()
    for number in range(LARGE_TASKS):
        await ann.create_task(workspace_id, f"Task {number}", description="x" * 100_000, assigneeIds=[bob.id])
    for is_read in (True, False, True, False):
        await bob.do("markNotifications", {"target": {"all": True}, "read": is_read})
    began = time.monotonic()

    cy = await ann.bring_in(workspace_id, name="Cy")
    async with cy.socket() as other:  # who is told at once meanwhile
        stream = await other.subscribe(FOLLOW)
        await stream.until(lambda batch: batch["isSnapshot"])
        task = await ann.create_task(workspace_id, assigneeIds=[cy.id])
        await stream.until(lambda batch: task in str(batch["notifications"]))
    await asyncio.sleep(max(0.0, began + 11 - time.monotonic()))  # the bound that is tested is a time
    link.connection.transport.resume_reading()
    async with asyncio.timeout(WAIT_SECONDS):
        with suppress(websockets.ConnectionClosed):
            while True:
                await link.connection.recv()
    assert link.connection.close_code == 1013

    async with bob.socket() as again:
        stream = await again.subscribe(LARGE)
        batch = await stream.until(lambda batch: batch["isSnapshot"])
    assert (batch["unreadCount"], len(batch["notifications"])) == (LARGE_TASKS, LARGE_TASKS)
