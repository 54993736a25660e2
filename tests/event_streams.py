"""A reader of `text/event-stream`, as browsers and npm `graphql-sse` read it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Message:
    """One event. A heartbeat has the name ``."""

    name: str
    data: Any
    id: str | None


class EventReader:
    """The messages of one response, each waited for until a deadline."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, *, is_heartbeat: bool = False) -> Message:
        """The next event; heartbeats only if one is waited for. Raises StopAsyncIteration at the end."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                message = await self._read()
                if is_heartbeat or message.name:
                    return message

    async def rest(self) -> list[Message]:
        """Every event until the end."""
        found = []
        try:
            while True:
                found.append(await self.next())
        except StopAsyncIteration:
            return found

    async def _read(self) -> Message:
        name, data, event_id = "", "", None
        while line := await anext(self._lines):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                event_id = value
        return Message(name, json.loads(data) if data else None, event_id)


@asynccontextmanager
async def event_stream(
    http: httpx.AsyncClient,
    url: str,
    query: str,
    authorization: str | None = None,
    *,
    method: str = "POST",
    **more: Any,
) -> AsyncIterator[EventReader]:
    """Ask for a stream. `last` is sent as Last-Event-ID, everything else as parameters of the request."""
    headers = {"accept": "text/event-stream"}
    if authorization is not None:
        headers["authorization"] = authorization
    if (last := more.pop("last", None)) is not None:
        headers["last-event-id"] = last
    asked = {"query": query, **more}
    shown = {name: value if isinstance(value, str) else json.dumps(value) for name, value in asked.items()}
    sent: dict[str, Any] = {"json": asked} if method == "POST" else {"params": shown}
    timeout = httpx.Timeout(WAIT_SECONDS, read=None)
    async with http.stream(method, url, headers=headers, timeout=timeout, **sent) as response:
        yield EventReader(response)
