"""Where events come from when mutations would be too slow: numbered copies of one real change, published through Redis.

Every event is the same task update but for its number, which stands in the title as `#00000042`. For the product the rows
are committed to the log first, head and all, and then announced as another server process announces them: from what it
can see, these are real commits. Peers have no log, so for them an event is the message alone.

Invariant: numbers rise by one, without a hole, for as long as a feed lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

import orjson
import redis.asyncio as redis

from bench.people import Person, Team, database, rename_task
from bench.programs import Stack
from bench.wire import DIGITS, MARK, Http, Subscriber, connect

FRAME_BYTES = 640
NAME_CHARACTERS = 36
"""A subscriber's operation id is as long as a UUID, as clients make them."""

DOCUMENT = """
subscription ($workspaceId: ID!, $after: EventCursor) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    cursor caughtUp resync
    events {
      __typename cursor occurredAt
      ... on TaskUpdatedEvent {
        taskId version
        changes { field }
        task { id version key title priority dueDate }
      }
    }
  }
}
""".strip()


def title(number: int, padding: int) -> str:
    return f"#{number:0{DIGITS}d}{'x' * padding}"


@dataclass(frozen=True, slots=True)
class Specimen:
    """One real change, three times: as a row of the log, as the message about it, as `data` of a subscriber's frame."""

    row: dict[str, Any]
    message: dict[str, Any]
    channel: bytes
    data: dict[str, Any]
    padding: int


async def take_specimen(url: str, stack: Stack, team: Team) -> Specimen:
    """Change a task and catch what comes of it; padded so that a frame with its event has FRAME_BYTES bytes."""
    person, task_id = team.people[0], team.task_ids[0]
    workspace = UUID(team.workspace_id.split("_", 1)[1])
    channel = f"tutti:ws:{workspace}".encode()
    listening = redis.from_url(stack.redis_url).pubsub()
    http, connection = Http(url), await database(stack)
    try:
        await listening.subscribe(channel)
        padding = await _padding(http, url, person, task_id, team.workspace_id)
        subscriber = _listener(person, team.workspace_id)
        caught = _first_frame(subscriber)
        await connect(url, subscriber)
        await rename_task(http, person, task_id, title(1, padding))
        async with asyncio.timeout(10):
            frame = await caught
            while True:
                heard = await listening.get_message(ignore_subscribe_messages=True, timeout=5)
                if heard and MARK + b"00000001" in heard["data"]:
                    break
        subscriber.cut()
        row = await connection.fetchval(
            "SELECT to_jsonb(e) FROM events e WHERE workspace_id = $1 ORDER BY seq DESC LIMIT 1", workspace
        )
        (message,) = orjson.loads(heard["data"].partition(b"\n")[2])
        return Specimen(orjson.loads(row), message, channel, orjson.loads(frame)["payload"]["data"], padding)
    finally:
        http.close()
        await connection.close()
        await listening.aclose()


async def _padding(http: Http, url: str, person: Person, task_id: str, workspace_id: str) -> int:
    """How many characters more than none the title needs for a frame of FRAME_BYTES."""
    subscriber = _listener(person, workspace_id)
    caught = _first_frame(subscriber)
    await connect(url, subscriber)
    await rename_task(http, person, task_id, title(0, 0))
    async with asyncio.timeout(10):
        frame = await caught
    subscriber.cut()
    return FRAME_BYTES - len(frame)


def _first_frame(subscriber: Subscriber) -> asyncio.Future[bytes]:
    first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    subscriber.on_frame = lambda frame: None if first.done() else first.set_result(frame)
    return first


def _listener(person: Person, workspace_id: str) -> Subscriber:
    return subscriber_of(0, person.token, workspace_id)


def subscriber_of(index: int, token: str, workspace_id: str, after: str | None = None, **more: Any) -> Subscriber:
    """A subscriber of the product."""
    name = f"{index:012d}-0000-4000-8000-{index:012d}"[-NAME_CHARACTERS:]
    variables = {"workspaceId": workspace_id} | ({"after": after} if after else {})
    return Subscriber(
        name,
        "/graphql",
        {"authorization": f"Bearer {token}"},
        {"query": DOCUMENT, "variables": variables},
        has_first_result=True,
        **more,
    )


class RedisLink:
    """A bare connection that publishes ready messages and ignores the answers."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port or 6379)
        if self._url.password:
            self._writer.write(_command(b"AUTH", unquote(self._url.password).encode()))
            assert await reader.readline() == b"+OK\r\n"
        self._reading = asyncio.create_task(_discard(reader))

    def publish(self, channel: bytes, messages: list[bytes]) -> None:
        self._writer.write(b"".join(_command(b"PUBLISH", channel, message) for message in messages))

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._writer.close()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


async def _discard(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass


class Feed(Protocol):
    """Publishes events. `sent` has the moment each was given to Redis, by its number."""

    newest: int
    sent: dict[int, float]

    async def publish(self, count: int) -> None: ...

    async def close(self) -> None: ...


class LogFeed:
    """Events of the product: rows first, committed with their head, then the announcement."""

    def __init__(self, stack: Stack, specimen: Specimen) -> None:
        self._stack = stack
        self._specimen = specimen
        self._link = RedisLink(stack.redis_url)
        self._workspace = UUID(specimen.row["workspace_id"])
        self.newest = 0
        self.sent: dict[int, float] = {}

    async def open(self) -> LogFeed:
        await self._link.open()
        self._connection = await database(self._stack)
        self._base: int = await self._connection.fetchval(
            "SELECT seq FROM workspace_heads WHERE workspace_id = $1", self._workspace
        )
        return self

    async def publish(self, count: int) -> None:
        """Commit so many changes, each a commit of its own to its readers, and announce them."""
        numbers = range(self.newest + 1, self.newest + count + 1)
        occurred_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        rows = [self._numbered(self._specimen.row, number, occurred_at) for number in numbers]
        async with self._connection.transaction():
            await self._connection.execute(
                "UPDATE workspace_heads SET seq = $2 WHERE workspace_id = $1",
                self._workspace,
                self._base + numbers[-1],
            )
            await self._connection.execute(
                "INSERT INTO events SELECT * FROM jsonb_populate_recordset(NULL::events, $1::jsonb)",
                orjson.dumps(rows).decode(),
            )
        messages = []
        for number in numbers:
            row = self._numbered(self._specimen.message, number, occurred_at)
            messages.append(b"%d %d\n" % (row["seq"], row["seq"]) + orjson.dumps([row]))
        self.newest = numbers[-1]
        now = time.monotonic()
        self.sent.update(dict.fromkeys(numbers, now))
        self._link.publish(self._specimen.channel, messages)

    def _numbered(self, row: dict[str, Any], number: int, occurred_at: str) -> dict[str, Any]:
        seq = self._base + number
        image = {**row["image"], "title": title(number, self._specimen.padding)}
        return {**row, "seq": seq, "commit_seq": seq, "occurred_at": occurred_at, "image": image}

    async def close(self) -> None:
        await self._link.close()
        await self._connection.close()


class MessageFeed:
    """Events of a peer: the message alone, in the form its Redis library expects."""

    def __init__(self, stack: Stack, channel: str, specimen: Specimen, *, is_msgpack: bool) -> None:
        self._link = RedisLink(stack.redis_url)
        self._channel = channel.encode()
        self._is_msgpack = is_msgpack
        text = orjson.dumps(specimen.data)
        at = text.index(MARK) + len(MARK)
        self._head, self._tail = text[:at], text[at + DIGITS :]
        self.newest = 0
        self.sent: dict[int, float] = {}

    async def open(self) -> MessageFeed:
        await self._link.open()
        return self

    async def publish(self, count: int) -> None:
        numbers = range(self.newest + 1, self.newest + count + 1)
        messages = [self._head + b"%0*d" % (DIGITS, number) + self._tail for number in numbers]
        if self._is_msgpack:
            messages = [self._packed(number, message) for number, message in zip(numbers, messages, strict=True)]
        self.newest = numbers[-1]
        now = time.monotonic()
        self.sent.update(dict.fromkeys(numbers, now))
        self._link.publish(self._channel, messages)
        await asyncio.sleep(0)

    def _packed(self, number: int, message: bytes) -> bytes:
        """As mqemitter-redis publishes it."""
        topic = self._channel.decode()
        return msgpack({"id": f"{number}", "msg": {"topic": topic, "payload": orjson.loads(message)}})

    async def close(self) -> None:
        await self._link.close()


def msgpack(value: Any) -> bytes:
    """As much of https://msgpack.org as an event needs."""
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return b"\xd3" + struct.pack("!q", value)
        case str():
            encoded = value.encode()
            return b"\xdb" + struct.pack("!I", len(encoded)) + encoded
        case list():
            return b"\xdd" + struct.pack("!I", len(value)) + b"".join(map(msgpack, value))
        case dict():
            pairs = (msgpack(key) + msgpack(one) for key, one in value.items())
            return b"\xdf" + struct.pack("!I", len(value)) + b"".join(pairs)
        case _:
            raise TypeError(f"{type(value)} has no form here")
