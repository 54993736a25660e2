"""What a connection costs a server that has nothing to tell it: resident memory, with and without a subscription."""

from __future__ import annotations

import asyncio

from bench.feed import subscriber_of
from bench.machine import resident_bytes
from bench.measure import Figure, Ground
from bench.people import quiet
from bench.wire import Subscriber, connect

NAME = "Memory of sockets"
SOCKETS, QUICK = 1_000, 50
AT_ONCE = 32
REST_SECONDS = 2.0
HOW = f"""The resident memory of the server's process before and after {SOCKETS:,} sockets connected and were acknowledged, divided by
their number; then the same with one subscription on each, all in one workspace. The sockets of five people; {REST_SECONDS:g} s of rest before
each look. Twenty sockets come and go before, so that what a server keeps from its first use is not counted. Memory that the
kernel has for the sockets is not in it."""


async def measure(ground: Ground) -> list[Figure]:
    """-> kilobytes per socket."""
    size = QUICK if ground.plan.is_quick else SOCKETS
    with_stream = [_subscriber(ground, index, has_stream=True) for index in range(20)]
    await _connect(ground, with_stream)
    _cut(with_stream)
    await quiet(REST_SECONDS)

    costs = []
    for has_stream in (False, True):
        before = resident_bytes(ground.server.pid)
        sockets = [_subscriber(ground, index, has_stream=has_stream) for index in range(size)]
        await _connect(ground, sockets)
        await quiet(REST_SECONDS)
        costs.append((resident_bytes(ground.server.pid) - before) / size / 1024)
        faults = [fault for one in sockets for fault in one.faults]
        assert not faults, faults[:3]
        assert all(one.is_connected for one in sockets)
        ground.say(f"{costs[-1]:.1f} KB {'with a subscription' if has_stream else 'idle'}")
        if not has_stream:
            # Closed, their memory would be used again and the second figure come out too small.
            kept = sockets
    _cut(kept)
    _cut(sockets)
    return [
        Figure("an idle socket", costs[0], "KB", "< 100 KB"),
        Figure("a socket with one subscription", costs[1], "KB", "< 45 KB"),
    ]


def _subscriber(ground: Ground, index: int, *, has_stream: bool) -> Subscriber:
    token = ground.team.people[index % len(ground.team.people)].token
    if has_stream:
        return subscriber_of(index, token, ground.team.workspace_id)
    return Subscriber(str(index), "/graphql", {"authorization": f"Bearer {token}"}, None, has_first_result=False)


async def _connect(ground: Ground, sockets: list[Subscriber]) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(socket: Subscriber) -> None:
        async with turns:
            await connect(ground.server.url, socket)

    await asyncio.gather(*[one(socket) for socket in sockets])


def _cut(sockets: list[Subscriber]) -> None:
    for one in sockets:
        one.cut()
