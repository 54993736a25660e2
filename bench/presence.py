"""What presence costs: a thousand people who are just there, and how soon others see that one of them does something.

Invariant: everybody is there, and each watcher gets each update, or there is no figure.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from typing import Any

import orjson

from bench.feed import subscriber_of
from bench.fleet import Faulty, percentile
from bench.machine import usage
from bench.measure import Figure, Ground
from bench.people import ask, database, quiet
from bench.programs import ROOT, SECRET, product_root
from bench.rounds import quietly
from bench.wire import Http, Subscriber, connect

NAME = "Presence"
PEOPLE, QUICK = 1_000, 60
WATCHERS, QUICK_WATCHERS = 200, 20
AT_ONCE = 32
UPDATES, PAUSE_SECONDS = 20, 0.7
REST_SECONDS = 60.0
"""As often everybody who watches gets the whole anew, which is most of what there is to do."""
SETTLE_SECONDS = 3.0
HOW = f"""{PEOPLE:,} people in one workspace, each with a socket that follows its events; {WATCHERS} of them also follow `presence` with names,
statuses and activities. *At rest*: the CPU time of the server's process while nobody does anything, over {REST_SECONDS:g} s: leases are
renewed and swept, pings answered, checkpoints and full snapshots sent (each watcher gets one a minute, spread evenly). *All of them
watching*: the same when each of the {PEOPLE:,} follows `presence`. *An update*: one person sends `updatePresence` over HTTP, once every
{PAUSE_SECONDS:g} s; from before sending it to the frame at each of the {WATCHERS} others, all of them together."""

CLIENT = str(uuid.uuid4())
"""One tab for all rounds: what another one had said would still count."""

WATCH = """subscription ($workspaceId: ID!) {
  presence(workspaceId: $workspaceId) {
    isSnapshot isStale rev
    presences { id status lastSeenAt expiresAt user { id name } activities { mode field since task { id } } }
  }
}"""
UPDATE = """mutation ($input: UpdatePresenceInput!) { updatePresence(input: $input) {
  userErrors { code message } presence { status } } }"""


class Watcher(Subscriber):
    """Somebody who follows presence: `people` are the statuses they know, by the id of the presence."""

    def __init__(self, index: int, token: str, workspace_id: str) -> None:
        payload = {"query": WATCH, "variables": {"workspaceId": workspace_id}}
        super().__init__(
            f"watcher-{index}", "/graphql", {"authorization": f"Bearer {token}"}, payload, has_first_result=True
        )
        self.people: dict[str, str] = {}
        self.snapshots = 0
        self.rev = -1
        self.heard: list[tuple[str, float]] = []

    def _text(self, data: bytes, start: int, end: int, now: float) -> None:
        message = orjson.loads(data[start:end])
        if message["type"] != "next" or "errors" in message["payload"]:
            self._message(message)
            return
        batch = message["payload"]["data"]["presence"]
        known = dict(self.people) if batch["isSnapshot"] else self.people
        if batch["isSnapshot"]:
            self.people.clear()
            self.snapshots += 1
        elif batch["rev"] != self.rev + 1:
            self._fault(f"rev {batch['rev']} came after {self.rev}")
        self.rev = batch["rev"]
        for one in batch["presences"]:
            # An update may also come by the snapshot that happens to be due.
            if known.get(one["id"]) != one["status"]:
                self.heard.append((one["status"], now))
            self.people[one["id"]] = one["status"]
        if not self.ready.done():
            self.ready.set_result(None)


async def measure(ground: Ground) -> list[Figure]:
    """-> shares of a core at rest, and the delays of an update."""
    size, watching = (QUICK, QUICK_WATCHERS) if ground.plan.is_quick else (PEOPLE, WATCHERS)
    tokens = await _crowd(ground, size)
    crowd = [subscriber_of(index, token, ground.team.workspace_id) for index, token in enumerate(tokens)]
    watchers = [Watcher(index, token, ground.team.workspace_id) for index, token in enumerate(tokens[:watching])]
    late: list[Watcher] = []
    try:
        await _connect(ground, [*crowd, *watchers])
        await _all_there(watchers, size)
        await quiet(SETTLE_SECONDS)
        rest = await quietly(ground.plan, lambda: _rest(ground))
        ground.say(f"{rest:.1%} of a core at rest with {size:,} people and {watching} watchers")
        delays = await quietly(ground.plan, lambda: _updates(ground, tokens[-1], watchers))
        p50, p95 = percentile(delays, 0.5) * 1e3, percentile(delays, 0.95) * 1e3
        ground.say(f"an update at {watching} others: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
        late = [
            Watcher(watching + index, token, ground.team.workspace_id) for index, token in enumerate(tokens[watching:])
        ]
        await _connect(ground, list(late))
        await _all_there(late, size)
        await quiet(SETTLE_SECONDS)
        all_watching = await quietly(ground.plan, lambda: _rest(ground))
        ground.say(f"{all_watching:.1%} of a core at rest when all are watching")
        faults = [fault for one in (*crowd, *watchers, *late) for fault in one.faults]
        if faults:
            raise Faulty(faults[:3])
    finally:
        for one in (*crowd, *watchers, *late):
            one.cut()
    return [
        Figure(f"presence of {PEOPLE:,} people at rest, {WATCHERS} watching", rest * 100, "% of a core", "< 5 %"),
        Figure(f"the same, all {PEOPLE:,} watching", all_watching * 100, "% of a core"),
        Figure(f"an update of one of {PEOPLE:,} people at {WATCHERS} others, p50", p50, "ms"),
        Figure(f"an update of one of {PEOPLE:,} people at {WATCHERS} others, p95", p95, "ms", "< 50 ms"),
    ]


async def _crowd(ground: Ground, size: int) -> list[str]:
    """New members of the workspace, signed in. Straight into the database: their passwords are not what is measured."""
    workspace_id = uuid.UUID(ground.team.workspace_id.partition("_")[2])
    pairs = [(uuid.uuid4(), uuid.uuid4()) for _ in range(size)]
    connection = await database(ground.stack)
    try:
        for statement in _MAKE:
            await connection.execute(statement, workspace_id, [one[0] for one in pairs], [one[1] for one in pairs])
    finally:
        await connection.close()
    made = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(ROOT / "bench/token_process.py")],
        input=json.dumps([[str(user), str(session)] for user, session in pairs]),
        cwd=product_root(),
        env={**os.environ, "PYTHONPATH": str(product_root()), "TUTTI_JWT_SECRET": SECRET},
        capture_output=True,
        check=True,
        text=True,
    )
    tokens: list[str] = json.loads(made.stdout)
    return tokens


_MAKE = (
    """INSERT INTO users (id, version, created_at, updated_at, email, name, handle, time_zone, password_hash)
    SELECT one, 1, now(), now(), one || '@example.com', 'Bench ' || nr, 'bench-' || one, 'UTC', '!'
    FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS made(one, session, nr) WHERE $1::uuid IS NOT NULL""",
    """INSERT INTO memberships (id, created_at, updated_at, workspace_id, user_id, role)
    SELECT gen_random_uuid(), now(), now(), $1, one, 'MEMBER' FROM unnest($2::uuid[], $3::uuid[]) AS made(one, session)""",
    """INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at)
    SELECT session, one, now(), now(), now() + interval '1 hour'
    FROM unnest($2::uuid[], $3::uuid[]) AS made(one, session) WHERE $1::uuid IS NOT NULL""",
)


async def _connect(ground: Ground, sockets: list[Subscriber]) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(socket: Subscriber) -> None:
        async with turns:
            await connect(ground.server.url, socket)

    await asyncio.gather(*[one(socket) for socket in sockets])


async def _all_there(watchers: list[Watcher], size: int) -> None:
    deadline = time.monotonic() + 30
    while not all(sum(status == "ONLINE" for status in one.people.values()) >= size for one in watchers):
        if time.monotonic() > deadline:
            raise Faulty("Somebody does not know who is there.")
        await asyncio.sleep(0.05)


async def _rest(ground: Ground) -> float:
    """-> the share of a core that the server used while nobody did anything."""
    with usage(ground.server.pid) as used:
        await asyncio.sleep(ground.plan.seconds(REST_SECONDS))
    return used.server_cpu / used.seconds


async def _updates(ground: Ground, token: str, watchers: list[Watcher]) -> list[float]:
    """-> the delays in seconds of all updates at all watchers."""
    delays: list[float] = []
    http = Http(ground.server.url)
    given: dict[str, Any] = {"workspaceId": ground.team.workspace_id, "clientId": CLIENT}
    try:
        for turn in range(3 if ground.plan.is_quick else UPDATES):
            status = ("AWAY", "DO_NOT_DISTURB")[turn % 2]
            for one in watchers:
                one.heard.clear()
            began = time.monotonic()
            answer = await ask(http, token, UPDATE, input={**given, "status": status})
            if answer["updatePresence"]["userErrors"]:
                raise Faulty(str(answer))
            await asyncio.sleep(max(0.0, began + PAUSE_SECONDS - time.monotonic()))
            for one in watchers:
                told = [at - began for heard, at in one.heard if heard == status]
                if len(told) != 1:
                    raise Faulty(f"{one.name} was told {len(told)} times")
                delays += told
        await ask(http, token, UPDATE, input={**given, "status": "ONLINE"})
        await quiet(PAUSE_SECONDS)
    finally:
        http.close()
    return delays
