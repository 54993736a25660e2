"""Too many, too slow, too strange, too long: servers under what no client should do, and under what operators do."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import signal
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import websockets
from websockets.typing import Subprotocol

from db.session import Database
from tests.faults.conftest import Theatre, megabytes, metric
from tests.faults.crowd import Crowd, Follower, until
from tests.faults.sizes import IS_FULL
from tests.people import EVENTS, Api, Person
from tests.processes import ServerProcess
from tests.protocol.test_malformed_frames import MALFORMED

pytestmark = pytest.mark.serial

Record = Callable[[str, object], None]


# ---- slow readers


STALLED, HEALTHY = (500, 100) if IS_FULL else (100, 30)
GONE_SECONDS = 20.0
PER_SECOND = 10
SPEND_MEGABYTES = 150.0
"""What all the stalled may cost while they are there; they leave nothing."""
KEEP_MEGABYTES = 40.0
LATE_SECONDS = 1.0
QUIET = 100 if IS_FULL else 0
"""Changes before anybody stalls, for comparison."""
LARGE = 100_000
"""Some forty of these are more than the kernel and the server keep for one who does not read."""


async def _stall(person: Person, workspace_id: str) -> websockets.ClientConnection:
    """A subscriber that reads its first batch and then nothing any more, with little room in the kernel."""
    parts = urlsplit(person.api.url)
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    own.setblocking(False)
    await asyncio.get_running_loop().sock_connect(own, (parts.hostname, parts.port))
    link = await websockets.connect(
        f"ws://{parts.netloc}/graphql",
        sock=own,
        subprotocols=[Subprotocol("graphql-transport-ws")],
        ping_interval=None,
        compression=None,
        close_timeout=0.1,
    )
    await link.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {person.token}"}}))
    await link.recv()
    payload = {"query": EVENTS, "variables": {"workspaceId": workspace_id}}
    await link.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    await link.recv()
    link.transport.pause_reading()
    return link


def _seq(cursor: str) -> int:
    return int(cursor.rsplit(":", 1)[1])


def _p99(delays: list[float]) -> float:
    return sorted(delays)[int(len(delays) * 0.99)]


async def test_stalled_readers_are_dropped_and_nobody_else_notices(
    alone: ServerProcess, http: httpx.AsyncClient, record_property: Record
) -> None:
    ann = await Api(alone.url, http).sign_up("Ann")
    workspace_id = await ann.create_workspace()
    task_id = await ann.create_task(workspace_id)
    healthy = [Follower(ann, workspace_id, [alone.url], random.Random(number)) for number in range(HEALTHY)]
    sent: dict[int, float] = {}
    arrived: list[tuple[int, float]] = []

    async def change() -> int:
        """-> its place in the log."""
        began = time.monotonic()
        asked = {"id": task_id, "description": f"{len(sent)} " + "x" * 4000}
        seq = _seq((await ann.do("updateTask", asked))["eventCursor"])
        sent[seq] = began
        await asyncio.sleep(max(0.0, began + 1 / PER_SECOND - time.monotonic()))
        return seq

    def late(since: int = 0) -> float:
        # An event may be here before the answer that says which one it is.
        return _p99([at - sent[seq] for seq, at in arrived if seq in sent and seq > since])

    tasks = [asyncio.create_task(one.run()) for one in healthy]
    stalled: list[websockets.ClientConnection] = []
    try:
        await until(lambda: all(one.is_caught_up for one in healthy), 20)
        for follower in healthy:

            def took(at: float, follower: Follower = follower) -> None:
                arrived.extend((event[0], at) for event in follower.story[-1].events)

            follower.on_batch = took
        quiet = [await change() for _ in range(QUIET)]
        if quiet:
            record_property("healthy p99 before, s", round(late(), 3))
        before = megabytes(alone)
        while len(stalled) < STALLED:
            stalled += await asyncio.gather(*(_stall(ann, workspace_id) for _ in range(20)))
        began = time.monotonic()
        highest, gone_after, last = before, None, 0
        server = psutil.Process(alone.pid)
        while gone_after is None:
            assert time.monotonic() - began < GONE_SECONDS + 5, "stalled readers are still there"
            last = await change()
            highest = max(highest, megabytes(alone))
            connected = sum(one.status == psutil.CONN_ESTABLISHED for one in server.net_connections("tcp4"))
            if connected <= HEALTHY + 60:  # its own to PostgreSQL and Redis, and ours over HTTP
                gone_after = time.monotonic() - began
        await until(lambda: all(one.at >= last for one in healthy), 10)
        assert all(one.closes == {} and one.faults == [] for one in healthy), [one.closes for one in healthy]
        left = megabytes(alone) - before
        record_property("stalled gone after, s", round(gone_after, 1))
        record_property("healthy p99, s", round(late(max(quiet, default=0)), 3))
        record_property("memory at most, MB", round(highest - before, 1))
        record_property("memory left, MB", round(left, 1))
        assert gone_after <= GONE_SECONDS
        assert late(max(quiet, default=0)) < LATE_SECONDS
        assert highest - before < SPEND_MEGABYTES
        assert left < KEEP_MEGABYTES
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for link in stalled:
            link.transport.abort()


async def _read_on(link: websockets.ClientConnection) -> tuple[list[str], int | None]:
    """Read again. -> the cursors of all events that waited, and the code with which it was closed."""
    link.transport.resume_reading()
    cursors: list[str] = []
    with suppress(websockets.ConnectionClosed):
        while True:
            message = json.loads(await link.recv())
            if message["type"] == "next":
                cursors += [event["cursor"] for event in message["payload"]["data"]["workspaceEvents"]["events"]]
    return cursors, link.close_code


async def test_a_stalled_reader_that_reads_again_learns_why_it_was_closed_and_resumes_without_a_gap(
    alone: ServerProcess, http: httpx.AsyncClient
) -> None:
    ann = await Api(alone.url, http).sign_up("Ann")
    workspace_id = await ann.create_workspace()
    task_id = await ann.create_task(workspace_id)
    slow = await metric(alone, http, "tutti_sockets_slow_total")
    link = await _stall(ann, workspace_id)
    written: list[str] = []
    try:
        async with asyncio.timeout(30):
            while await metric(alone, http, "tutti_sockets_slow_total") == slow:
                asked = {"id": task_id, "description": f"{len(written)} ".ljust(LARGE, "x")}
                written.append((await ann.do("updateTask", asked))["eventCursor"])
            read, code = await _read_on(link)
    finally:
        link.transport.abort()
    assert code == 1013
    assert 0 < len(read) <= len(written)
    written.append((await ann.do("updateTask", {"id": task_id, "title": "The last"}))["eventCursor"])
    async with ann.listening(workspace_id, after=read[-1]) as resumed:
        await resumed.reaches(written[-1])
    assert read + [event["cursor"] for event in resumed.events] == written


# ---- malformed frames


FRAMES = 10_000
FLAT_MEGABYTES = 25.0


@asynccontextmanager
async def _shaken(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket of which only the handshake is done."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /graphql HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        yield reader, writer
    finally:
        writer.transport.abort()


def _frame(body: bytes, first: int = 0x81, *, is_masked: bool = True) -> bytes:
    mask, bit = (b"\0\0\0\0", 0x80) if is_masked else (b"", 0)
    if len(body) < 126:
        return struct.pack("!BB", first, bit | len(body)) + mask + body
    if len(body) < 65_536:
        return struct.pack("!BBH", first, bit | 126, len(body)) + mask + body
    return struct.pack("!BBQ", first, bit | 127, len(body)) + mask + body


async def _close_code(reader: asyncio.StreamReader) -> int | None:
    """The code of the close frame; None if the connection ends without one."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            first, size = await reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
            body = await reader.readexactly(size)
            if first == 0x88:
                return int.from_bytes(body[:2], "big")
    return None


def _malformed(chance: random.Random) -> tuple[bytes, set[int | None]]:
    """A frame no client should send -> it, and how the server may close for it."""
    match chance.randrange(8):
        case 0:  # of the WebSocket protocol itself: an unknown opcode, reserved bits, no mask, a long ping
            broken = [
                _frame(b"{}", 0x83 + chance.randrange(5)),
                _frame(b"{}", 0xC1),
                _frame(b"{}", is_masked=False),
                _frame(b"x" * 126, 0x89),
                b"\x88\x81\0\0\0\0\x03",
            ]
            return chance.choice(broken), {1002}
        case 1:
            return _frame(b'{"type":"' + bytes(chance.randrange(128, 192) for _ in range(5)) + b'"}'), {4400, 1007}
        case 2:
            return _frame(b'{"type":"ping","payload":{"x":"' + b"y" * 70_000 + b'"}}'), {1009}
        case 3:  # a good message with one character changed: whatever it became, it is not good before the init
            text = bytearray(b'{"type":"subscribe","id":"1","payload":{"query":"{viewer{email}}"}}')
            text[chance.randrange(len(text))] = chance.randrange(32, 127)
            return _frame(bytes(text)), {4400, 4401}
        case 4:
            return _frame(bytes(chance.randrange(32, 127) for _ in range(chance.randrange(200)))), {4400}
        case _:
            wrong = MALFORMED[chance.choice(list(MALFORMED))]
            return (_frame(wrong, 0x82) if isinstance(wrong, bytes) else _frame(wrong.encode())), {4400}


async def test_malformed_frames_are_closed_with_the_right_code_and_leave_nothing(
    alone: ServerProcess, http: httpx.AsyncClient, record_property: Record
) -> None:
    ann = await Api(alone.url, http).sign_up("Ann")
    workspace_id = await ann.create_workspace()
    chance = random.Random(1)
    wrong: list[str] = []
    codes: Counter[int | None] = Counter()

    async def send(frame: bytes, allowed: set[int | None]) -> None:
        async with asyncio.timeout(20), _shaken(alone.url) as (reader, writer):
            writer.write(frame)
            code = await _close_code(reader)
            codes[code] += 1
            if code not in allowed:
                wrong.append(f"{frame[:120]!r} was closed with {code}, not {allowed}")

    async def send_many(count: int) -> None:
        frames = [_malformed(chance) for _ in range(count)]
        turns = asyncio.Semaphore(20)

        async def one(frame: bytes, allowed: set[int | None]) -> None:
            async with turns:
                await send(frame, allowed)

        await asyncio.gather(*(one(*frame) for frame in frames))

    async with ann.listening(workspace_id) as stream:
        await send_many(500)  # what a server keeps from its first use
        before = megabytes(alone)
        await send_many(FRAMES - 500)
        grown = megabytes(alone) - before
        await ann.create_task(workspace_id, "Still here")
        await stream.event(lambda event: event.get("task", {}).get("title") == "Still here")
    record_property("frames", FRAMES)
    record_property("memory grown, MB", round(grown, 1))
    assert wrong == []
    assert grown < FLAT_MEGABYTES


# ---- operators


async def _ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/readyz", timeout=1)).status_code == 200
    except httpx.HTTPError:
        return False


ROUNDS = 10 if IS_FULL else 1


@pytest.mark.timeout(540 + 60 * ROUNDS)
async def test_a_rolling_restart_of_three_processes_fails_nothing(
    theatre: Theatre, stage: Api, truth: Database, http: httpx.AsyncClient, record_property: Record
) -> None:
    # As a load balancer does it: whoever is not ready gets nobody new.
    balanced = list(theatre.urls)
    crowd = Crowd(balanced, 1)
    await crowd.gather(stage, followers_each=4)

    async def balance() -> None:
        while True:
            ready = [url for url in theatre.urls if await _ready(http, url)]
            balanced[:] = ready or balanced
            await asyncio.sleep(0.05)

    balancing = asyncio.create_task(balance())
    try:
        await crowd.begin()
        spreads: list[float] = []
        for server in theatre.servers * ROUNDS:
            here = [one for one in crowd.followers if one.url == theatre.urls[theatre.servers.index(server)]]
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            await asyncio.to_thread(server.wait, 40)
            left = [one.connected_at[-1] - began for one in here]
            if len(left) > 1:
                spreads.append(max(left) - min(left))
                assert spreads[-1] > 4, f"they came back all at once: {sorted(left)}"
            await asyncio.to_thread(server.start)
            await until(lambda: len(balanced) == len(theatre.urls), 20)
        await crowd.end()
        found = await crowd.judge(truth)
    finally:
        balancing.cancel()
        await crowd.go_home()
    record_property("rounds", ROUNDS)
    record_property("mutations", len(crowd.acknowledged))
    record_property("sent again", sum(count for attempts, count in crowd.attempts.items() if attempts > 1))
    record_property("reconnects", sum(crowd.closes.values()))
    record_property("reconnects spread over, s", round(min(spreads), 1))
    assert found == []
    assert set(crowd.attempts) <= {1, 2}, f"a mutation failed twice: {crowd.attempts}"
    assert set(crowd.closes) == {1012}


STOPPED_SECONDS = 20.0 if IS_FULL else 5.0


@pytest.fixture
async def patient() -> AsyncIterator[httpx.AsyncClient]:
    # A new connection for each request: one that rested for so long may be closed just when it is used again.
    fresh = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=STOPPED_SECONDS + 20, limits=fresh) as client:
        yield client


async def test_a_process_that_was_stopped_uses_no_stale_right(
    theatre: Theatre, patient: httpx.AsyncClient, record_property: Record
) -> None:
    sleeper, awake = theatre.servers[:2]
    ann = (await Api(sleeper.url, patient).sign_up("Ann")).on(Api(awake.url, patient))
    workspace_id = await ann.create_workspace()
    task_id = await ann.create_task(workspace_id)
    bob = (await ann.bring_in(workspace_id, name="Bob")).on(Api(sleeper.url, patient))
    eve = (await ann.bring_in(workspace_id, name="Eve")).on(Api(sleeper.url, patient))
    question = "query ($id: ID!) { workspace(by: {id: $id}) { name } }"
    rename = "mutation ($input: UpdateTaskInput!) { updateTask(input: $input) { userErrors { code } } }"
    async with bob.listening(workspace_id) as bobs, eve.listening(workspace_id) as eves:
        for person in (bob, eve):  # both sessions were just seen to go on
            assert (await person.ask(question, id=workspace_id))["workspace"] is not None
        sleeper.signal(signal.SIGSTOP)
        try:
            asked = [
                asyncio.create_task(person.answer(text, **variables))
                for person in (bob, eve)
                for text, variables in (
                    (question, {"id": workspace_id}),
                    (rename, {"input": {"id": task_id, "title": f"By {person.name}"}}),
                )
            ]
            await ann.do("removeMember", {"id": await ann.membership_id(workspace_id, bob.id)})
            elsewhere = eve.on(Api(awake.url, patient))
            await elsewhere.ask("mutation { signOut(input: {everywhere: true}) { signedOut } }")
            last = await ann.do("updateTask", {"id": task_id, "title": "Secret"})
            await asyncio.sleep(STOPPED_SECONDS)
        finally:
            sleeper.signal(signal.SIGCONT)
        woken = time.monotonic()
        removed, refused, *signed_out = await asyncio.gather(*asked)
        assert removed["data"]["workspace"] is None, removed
        assert refused["data"]["updateTask"]["userErrors"] == [{"code": "NOT_FOUND"}], refused
        for answer in signed_out:
            assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", answer
        end = await bobs.end()
        assert end["payload"][0]["extensions"]["code"] == "ACCESS_REVOKED", end
        assert not [event for event in bobs.events if event.get("task", {}).get("title") == "Secret"]
        assert bobs.cursor < last["eventCursor"]
        assert (await eves.end())["code"] == 4403
        record_property("a revoked session's socket closed after, s", round(time.monotonic() - woken, 2))
        assert time.monotonic() - woken < 2.0
    data = await ann.ask("query ($id: ID!) { task(by: {id: $id}) { title } }", id=task_id)
    assert data["task"]["title"] == "Secret"


# ---- peers that are gone


FOUND_DEAD_SECONDS = 18.0


async def test_a_peer_that_is_gone_without_a_word_is_found_within_18_seconds(
    theatre: Theatre, stage: Api, http: httpx.AsyncClient, record_property: Record
) -> None:
    server, door = theatre.servers[2], theatre.doors[2]
    await asyncio.to_thread(server.kill)  # so that nobody else's sockets are there
    await asyncio.to_thread(server.start)
    ann = (await stage.sign_up("Ann")).on(Api(theatre.urls[2], http))
    process = psutil.Process(server.pid)

    def sockets() -> int:
        mine = [one for one in process.net_connections("tcp4") if one.laddr.port == server.port]
        return sum(one.status == psutil.CONN_ESTABLISHED for one in mine)

    async with ann.socket(), ann.socket(), ann.socket():
        await until(lambda: sockets() == 3, 5)
        door.swallow()
        began = time.monotonic()
        await until(lambda: sockets() == 0, FOUND_DEAD_SECONDS + 12)
        took = time.monotonic() - began
        record_property("found dead after, s", round(took, 1))
        assert took < FOUND_DEAD_SECONDS + 2
