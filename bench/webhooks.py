"""Webhooks: how many messages a second one worker delivers, and how soon after the commit one comes.

Invariant: every endpoint has every event once and in the order of the log, or there is no figure.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import orjson

from bench.fleet import Faulty, percentile
from bench.measure import Figure, Ground
from bench.people import database, do, make_task, make_workspace, quiet
from bench.rounds import quietly
from bench.wire import Http

NAME = "Webhooks"
ENDPOINTS, EVENTS = 50, 200
PER_WORKSPACE = 17
QUICK_ENDPOINTS, QUICK_EVENTS = 5, 10
ALONE = 40
ALONE_EVERY_SECONDS = 0.5
WAIT_SECONDS = 120.0
HOW = f"""{ENDPOINTS} endpoints of a receiver on the client's core that answers 200 at once, in {-(-ENDPOINTS // PER_WORKSPACE)} workspaces; each is told
{EVENTS} changed tasks that happened while it was paused, by one jobs process on the server's core: from the first message received to the
last, every message signed, sent in order, and written down before the next. Then {ALONE} single changes, one each {ALONE_EVERY_SECONDS:g} s, from
PostgreSQL's time of the commit to the request at the receiver."""


class Receiver(asyncio.Protocol):
    """One connection of the endpoints: answers 200 to every request, and keeps what came when."""

    def __init__(self, told: dict[str, list[tuple[str, float]]]) -> None:
        self._told = told
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._rest[:end].decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
            whole = end + 4 + int(headers["content-length"])
            if len(self._rest) < whole:
                return
            said = orjson.loads(self._rest[end + 4 : whole])
            self._rest = self._rest[whole:]
            if "webhook-signature" in headers and said["type"] == "task.updated":
                self._told[first.split(" ")[1]].append((said["data"]["task"]["title"], time.time()))
            assert self._transport is not None
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


@asynccontextmanager
async def _receiving(told: dict[str, list[tuple[str, float]]]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(told), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def measure(ground: Ground) -> list[Figure]:
    """-> messages a second, and milliseconds of a single one."""
    told: dict[str, list[tuple[str, float]]] = defaultdict(list)
    http = Http(ground.server.url)
    async with _receiving(told) as port:
        try:
            rate = await quietly(ground.plan, lambda: _backlog(ground, http, port, told))
            delays = await quietly(ground.plan, lambda: _alone(ground, http, port, told))
        finally:
            http.close()
    ground.say(
        f"{rate:.0f} messages/s; alone p50 {percentile(delays, 0.5):.0f} ms, p95 {percentile(delays, 0.95):.0f} ms"
    )
    return [
        Figure("messages by one worker", rate, "/s", "> 500 /s"),
        Figure("commit to receiver, one at a time, p50", percentile(delays, 0.5), "ms"),
        Figure("commit to receiver, one at a time, p95", percentile(delays, 0.95), "ms"),
    ]


async def _webhook(http: Http, token: str, workspace_id: str, url: str) -> str:
    asked = {"workspaceId": workspace_id, "url": url, "kinds": ["TASK"]}
    webhook_id: str = (await do(http, token, "createWebhook", asked, "webhook { id }"))["webhook"]["id"]
    return webhook_id


async def _backlog(ground: Ground, http: Http, port: int, told: dict[str, list[tuple[str, float]]]) -> float:
    """-> messages a second while all endpoints have some waiting."""
    endpoints, events = (QUICK_ENDPOINTS, QUICK_EVENTS) if ground.plan.is_quick else (ENDPOINTS, EVENTS)
    told.clear()
    token = ground.team.people[0].token
    wanted = [f"Changed {number:05}" for number in range(events)]
    hooks: list[str] = []
    while len(hooks) < endpoints:
        workspace_id = await make_workspace(http, ground.team.people[0], "Hooks")
        task_id = await make_task(http, ground.team.people[0], workspace_id, "A task that changes")
        mine = [
            await _webhook(http, token, workspace_id, f"http://127.0.0.1:{port}/{uuid.uuid4().hex}")
            for _ in range(min(PER_WORKSPACE, endpoints - len(hooks)))
        ]
        for one in mine:
            await do(http, token, "updateWebhook", {"id": one, "paused": True}, "webhook { id }")
        for title in wanted:
            await do(http, token, "updateTask", {"id": task_id, "title": title}, "task { id }")
        hooks += mine
    for one in hooks:
        await do(http, token, "updateWebhook", {"id": one, "paused": False}, "webhook { id }")
    deadline = time.monotonic() + WAIT_SECONDS
    while sum(map(len, told.values())) < endpoints * events:
        if time.monotonic() > deadline:
            raise Faulty(f"{sum(map(len, told.values()))} of {endpoints * events} messages came.")
        await quiet(0.05)
    for path, came in told.items():
        if [title for title, _ in came] != wanted:
            raise Faulty(f"{path} was not told all in order.")
    moments = [at for came in told.values() for _, at in came]
    for one in hooks:
        await do(http, token, "deleteWebhook", {"id": one}, "deletedWebhookId")
    return endpoints * events / (max(moments) - min(moments))


async def _alone(ground: Ground, http: Http, port: int, told: dict[str, list[tuple[str, float]]]) -> list[float]:
    """-> milliseconds from each commit to the receiver."""
    person, task_id = ground.team.people[0], ground.team.task_ids[0]
    told.clear()
    path = f"/{uuid.uuid4().hex}"
    hook = await _webhook(http, person.token, ground.team.workspace_id, f"http://127.0.0.1:{port}{path}")
    connection = await database(ground.stack)
    delays = []
    try:
        for number in range(5 if ground.plan.is_quick else ALONE):
            title = f"Alone {number:05}"
            await do(http, person.token, "updateTask", {"id": task_id, "title": title}, "task { id }")
            committed = await connection.fetchval(
                "SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM tasks WHERE id = $1",
                uuid.UUID(task_id.partition("_")[2]),
            )
            deadline = time.monotonic() + WAIT_SECONDS
            while not told[path] or told[path][-1][0] != title:
                if time.monotonic() > deadline:
                    raise Faulty("A message did not come.")
                await quiet(0.005)
            delays.append((told[path][-1][1] - committed) * 1e3)
            # At another moment of the worker's look each time.
            await quiet(ALONE_EVERY_SECONDS + 0.037 * (number % 13))
    finally:
        await connection.close()
    await do(http, person.token, "deleteWebhook", {"id": hook}, "deletedWebhookId")
    if len(told[path]) != len(delays):
        raise Faulty("A message came twice.")
    return delays
