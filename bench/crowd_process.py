"""Two thousand subscribers as a process of their own: what they do delays nobody whose delays are measured.

`python -m bench.crowd_process` takes one JSON object a line, does what its `do` says, and answers with another:
`make` (url, workspace, tokens, count), `enter`, `wait` (newest), `cut`, `resume` (after, last, newest).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

import orjson
import uvloop

from bench.feed import subscriber_of
from bench.wire import Subscriber, connect

CONNECTING_AT_ONCE = 32
WAIT_SECONDS = 60.0
NICENESS = 5
"""The measuring process comes first where both want the core."""


class Crowd:
    """Subscribers of one workspace, in turns of several people."""

    def __init__(self, url: str, workspace: str, tokens: list[str], count: int) -> None:
        self._url = url
        self._workspace = workspace
        self._tokens = tokens
        self._count = count
        self._subscribers: list[Subscriber] = []

    def _make(self, after: str | None = None) -> list[Subscriber]:
        tokens = self._tokens
        return [subscriber_of(one, tokens[one % len(tokens)], self._workspace, after) for one in range(self._count)]

    async def enter(self) -> dict[str, Any]:
        """All connect and subscribe, a few at a time."""
        self._subscribers = self._make()
        turns = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def one(subscriber: Subscriber) -> None:
            async with turns:
                await connect(self._url, subscriber)

        await asyncio.gather(*map(one, self._subscribers))
        return {}

    async def wait(self, newest: int) -> dict[str, Any]:
        """Until everybody has the newest event."""
        deadline = time.monotonic() + WAIT_SECONDS
        while any(one.last != newest for one in self._subscribers):
            if time.monotonic() > deadline:
                raise TimeoutError("Somebody did not get everything.")
            await asyncio.sleep(0.005)
        return {"faults": [fault for one in self._subscribers for fault in one.faults][:3]}

    async def cut(self) -> dict[str, Any]:
        """All lose their connections without a word."""
        for subscriber in self._subscribers:
            subscriber.cut()
        return {}

    async def resume(self, after: str, last: int, newest: int) -> dict[str, Any]:
        """All come back at the same moment. -> the seconds until the last one has caught up, and our CPU meanwhile."""
        self._subscribers = self._make(after)
        for subscriber in self._subscribers:
            subscriber.last = last
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(connect(self._url, subscriber, WAIT_SECONDS) for subscriber in self._subscribers))
        found = await self.wait(newest)
        return {**found, "seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}


async def _serve() -> None:
    crowd: Crowd | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = orjson.loads(line)
        do = asked.pop("do")
        if do == "make":
            crowd, answer = Crowd(**asked), {}
        else:
            answer = await getattr(crowd, do)(**asked)
        print(orjson.dumps(answer).decode(), flush=True)


if __name__ == "__main__":
    os.nice(NICENESS)
    uvloop.run(_serve())
