"""People at real servers while something breaks: they write over HTTP and follow over sockets, and never give up.

Nobody here knows what breaks. A writer sends a mutation again with the same key until it is answered; a follower comes
back to any server from their last cursor. Both write down what they were told, and the oracle judges it afterwards.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from uuid import UUID, uuid4

import httpx
import websockets
from websockets.typing import Subprotocol

from db.models import Event, EventKind
from db.session import Database
from db.workspaces import grants_by_user_id
from realtime.cursor import Cursor, parse
from tests.faults.oracle import Told, Witness, read_log, repeated, violations
from tests.people import Api, Person

_FOLLOW = """
subscription %s($workspaceId: ID!, $after: EventCursor) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    cursor caughtUp resync
    events {
      __typename cursor clientMutationId %s
      ... on TaskCreatedEvent { task { id version title } }
      ... on TaskUpdatedEvent { taskId version task { id version title } }
      ... on TaskRemovedEvent { taskId }
      ... on EntityEvent { entityId op }
    }
  }
}
"""
_READ = "actor { id } ... on EntityEvent { entity { ... on Membership { version role } } }"
PLAIN = _FOLLOW % ("Plain", "")
"""Needs nothing but the events, so it is rendered in the turn in which they come."""
READING = _FOLLOW % ("Reading", _READ)
"""Has to read PostgreSQL for each batch, once for all who follow with it and have the same rights."""
READING_TOO = _FOLLOW % ("ReadingToo", _READ)
"""The same as another document, which is rendered for itself."""
CREATE = (
    "mutation ($input: CreateTaskInput!) { createTask(input: $input) { userErrors { code } eventCursor task { id } } }"
)
ROLE = (
    "mutation ($input: UpdateMemberRoleInput!) { updateMemberRole(input: $input) { userErrors { code } eventCursor } }"
)
UPDATE = "mutation ($input: UpdateTaskInput!) { updateTask(input: $input) { userErrors { code } eventCursor } }"
ANSWER_SECONDS = 8.0
SILENCE_SECONDS = 4.0
"""A client that hears nothing for so long, not even the answer to its own ping, takes the connection for dead."""
BACK_SECONDS = 0.3
ROLE_SHARE = 0.2
"""Of what an owner writes."""
ENOUGH = 20
"""Fewer mutations tell nothing."""


def raw(identity: str) -> UUID:
    """`task_<uuid>` -> the UUID."""
    return UUID(identity.split("_", 1)[1])


Seen = tuple[int, UUID, UUID | None, Any, Any]
"""Where an event stands, what it is about, who asked for it, and of a task the title and version after it."""


def sees(event: Event) -> Seen:
    """What of an event of the log a follower is told."""
    task = (event.image or {}) if event.kind is EventKind.TASK else {}
    return event.seq, event.entity_id, event.client_mutation_id, task.get("title"), task.get("version")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read for a follower beside an event: its actor and its object, as they were then or later."""

    seq: int
    actor_id: UUID
    entity: Mapping[str, Any] | None


def misread(reads: Sequence[Read], log: Sequence[Event]) -> list[str]:
    """Whatever was read wrong, or is older than its event. Nothing here is ever deleted or hidden."""
    images: defaultdict[UUID, list[tuple[int, Any]]] = defaultdict(list)
    for event in log:
        if event.kind is EventKind.MEMBERSHIP and event.image is not None:
            images[event.entity_id].append((event.seq, {one: event.image[one] for one in ("version", "role")}))
    found: list[str] = []
    for one in reads:
        event = log[one.seq - 1]
        if one.actor_id != event.actor.id:
            found.append(f"{one} instead of {event.actor}")
        if event.kind is EventKind.MEMBERSHIP:
            allowed = [image for seq, image in images[event.entity_id] if seq >= one.seq]
            if one.entity not in allowed:
                found.append(f"{one} instead of one of {allowed[:5]}")
    return found


def unlike(asked: Mapping[UUID, str], log: Sequence[Event]) -> list[str]:
    """After-images that are not what was asked for, and versions of tasks that do not count by one."""
    found: list[str] = []
    versions: Counter[UUID] = Counter()
    for event in log:
        if event.kind is not EventKind.TASK or event.image is None:
            continue
        versions[event.entity_id] += 1
        title, version = event.image["title"], event.image["version"]
        wanted = title if event.client_mutation_id is None else asked.get(event.client_mutation_id, title)
        if title != wanted:
            found.append(f"{event.seq}: {title} instead of {wanted}")
        if version != versions[event.entity_id]:
            found.append(f"{event.seq}: version {version} instead of {versions[event.entity_id]}")
    return found


@dataclass
class Follower:
    """Somebody's live view of one workspace, over as many connections as it takes."""

    person: Person
    workspace_id: str
    urls: Sequence[str]
    chance: random.Random
    document: str = PLAIN
    story: list[Told] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    closes: Counter[object] = field(default_factory=Counter)
    connected_at: list[float] = field(default_factory=list)
    cursor: str | None = None
    start: int = 0
    is_caught_up: bool = False
    latest: float = 0.0
    on_batch: Callable[[float], None] | None = None
    faults: list[str] = field(default_factory=list)
    url: str = ""

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            self.is_caught_up = False
            self.url = self.chance.choice(self.urls)
            try:
                await self._follow()
            except websockets.ConnectionClosed as error:
                self.closes[error.rcvd.code if error.rcvd else "lost"] += 1
            except (OSError, TimeoutError, websockets.WebSocketException, EOFError) as error:
                self.closes[type(error).__name__] += 1
            await asyncio.sleep(self.chance.random() * BACK_SECONDS)

    async def _follow(self) -> None:
        address = self.url.replace("http", "ws", 1) + "/graphql"
        async with websockets.connect(
            address,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            ping_interval=None,
            compression=None,
            open_timeout=SILENCE_SECONDS,
            close_timeout=0.2,
            max_size=None,
        ) as link:
            await link.send(
                json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {self.person.token}"}})
            )
            pinging = asyncio.create_task(self._ping(link))
            try:
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        message = json.loads(await link.recv())
                    await self._hear(link, message)
            finally:
                pinging.cancel()

    async def _ping(self, link: websockets.ClientConnection) -> None:
        with suppress(websockets.ConnectionClosed):
            while True:
                await asyncio.sleep(SILENCE_SECONDS / 3)
                await link.send('{"type":"ping"}')

    async def _hear(self, link: websockets.ClientConnection, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_ack":
                self.connected_at.append(time.monotonic())
                variables = {"workspaceId": self.workspace_id, "after": self.cursor}
                payload = {"query": self.document, "variables": variables}
                await link.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            case "ping":
                await link.send('{"type":"pong"}')
            case "next" if "errors" not in message["payload"]:
                self._take(message["payload"]["data"]["workspaceEvents"])
            case "pong":
                pass
            case "error" if message["payload"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE":
                await link.close()
            case _:
                self.faults.append(str(message)[:500])
                await link.close()

    def _take(self, batch: dict[str, Any]) -> None:
        place = self.place(batch["cursor"])
        self.is_caught_up = batch["caughtUp"]
        if self.cursor is None:
            self.start = place.seq
        self.cursor = batch["cursor"]
        self.story.append(
            Told([self._seen(event) for event in batch["events"]], place.seq, batch["resync"] is not None)
        )
        if self.on_batch is not None and batch["events"]:
            self.on_batch(time.monotonic())

    def _seen(self, event: dict[str, Any]) -> Seen:
        seq, task, key = self.place(event["cursor"]).seq, event.get("task") or {}, event["clientMutationId"]
        identity = event.get("taskId") or event.get("entityId") or task["id"]
        if "actor" in event:
            self.reads.append(Read(seq, raw(event["actor"]["id"]), event.get("entity")))
        version = event.get("version", task.get("version"))  # of both, the event's own
        assert version == task.get("version"), event
        return seq, raw(identity), UUID(key) if key else None, task.get("title"), version

    def place(self, cursor: str) -> Cursor:
        return parse(cursor, raw(self.workspace_id))

    @property
    def at(self) -> int:
        return self.story[-1].through if self.story else -1


@dataclass
class Writer:
    """Somebody who creates tasks and changes them, one after another; and now and then somebody's role."""

    person: Person
    workspace_id: str
    project_ids: Sequence[str | None]
    urls: Sequence[str]
    chance: random.Random
    pause_seconds: float = 0.03
    membership_id: str | None = None
    """Who is a viewer and a member by turns, so that rights change while batches are rendered."""
    acknowledged: dict[UUID, str] = field(default_factory=dict)
    titles: dict[UUID, str] = field(default_factory=dict)
    """What was asked for."""
    attempts: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    """The longest that an answer took, of those that came at the first attempt."""
    is_over: bool = False
    _tasks: list[str] = field(default_factory=list)
    _roles: Iterator[str] = field(default_factory=lambda: cycle(("VIEWER", "MEMBER")))

    async def run(self) -> None:
        """Write until `is_over`; what was begun is finished."""
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as http:
            while not self.is_over:
                await self._write(http)
                await asyncio.sleep(self.chance.random() * 2 * self.pause_seconds)

    async def _write(self, http: httpx.AsyncClient) -> None:
        key = str(uuid4())
        asked: dict[str, Any]
        if self.membership_id and self.chance.random() < ROLE_SHARE:
            query, name = ROLE, "updateMemberRole"
            asked = {"id": self.membership_id, "role": next(self._roles)}
        elif self._tasks and self.chance.random() < 0.7:
            query, name = UPDATE, "updateTask"
            asked = {"id": self.chance.choice(self._tasks), "title": f"Change {key}"}
        else:
            query, name = CREATE, "createTask"
            project_id = self.chance.choice(self.project_ids)
            asked = {"workspaceId": self.workspace_id, "title": f"Task {key}"}
            asked |= {"projectId": project_id} if project_id else {}
        if "title" in asked:
            self.titles[UUID(key)] = asked["title"]
        body = {"query": query, "variables": {"input": {**asked, "clientMutationId": key}}}
        attempt = 0
        while True:
            attempt += 1
            began = time.monotonic()
            answer = await self._send(http, body)
            if answer is not None:
                break
            await asyncio.sleep(0.05 + self.chance.random() * 0.2)
        if attempt == 1:
            self.slowest = max(self.slowest, time.monotonic() - began)
        self.attempts[attempt] += 1
        payload = answer[name]
        assert payload["userErrors"] == [], payload
        self.acknowledged[UUID(key)] = payload["eventCursor"]
        if name == "createTask":
            self._tasks.append(payload["task"]["id"])

    async def _send(self, http: httpx.AsyncClient, body: dict[str, Any]) -> Any:
        """The data of the answer; None if it has to be sent again."""
        headers = {"authorization": f"Bearer {self.person.token}"}
        try:
            response = await http.post(f"{self.chance.choice(self.urls)}/graphql", json=body, headers=headers)
            answer = response.json()
        except (httpx.HTTPError, json.JSONDecodeError):
            return None
        if errors := answer.get("errors"):
            code = errors[0]["extensions"]["code"]
            assert code == "SERVICE_UNAVAILABLE", errors
            return None
        return answer["data"]


@dataclass
class Crowd:
    """Two workspaces with members, a viewer and a guest of one project, and their writers and followers. A third of
    them follow with what needs no reading; of the others some share a document and some have another one. The role of
    somebody else changes all the time.

    `urls`: where everybody may go. `seed` is printed, so that a failure can be run again.
    """

    urls: Sequence[str]
    seed: int
    followers: list[Follower] = field(default_factory=list)
    writers: list[Writer] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _writing: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        print("seed", self.seed)  # noqa: T201
        self.chance = random.Random(self.seed)

    async def gather(self, api: Api, *, followers_each: int = 1, pause_seconds: float = 0.03) -> None:
        """Make everybody, by `api`."""
        for _ in range(2):
            owner = await api.sign_up("Ann")
            workspace_id = await owner.create_workspace()
            open_one = await owner.create_project(workspace_id, "Open", "OPEN")
            closed_one = await owner.create_project(workspace_id, "Closed", "CLOSED")
            member = await owner.bring_in(workspace_id)
            viewer = await owner.bring_in(workspace_id, "VIEWER")
            guest = await owner.bring_in(workspace_id, "GUEST", projectIds=[open_one])
            other = await owner.bring_in(workspace_id)
            people = [(owner, PLAIN), (member, READING), (member, READING), (viewer, READING_TOO), (guest, READING)]
            for person, document in people * followers_each:
                self.followers.append(Follower(person, workspace_id, self.urls, self._chance(), document))
            for person in (owner, member):
                projects = [None, open_one, closed_one]
                self.writers.append(Writer(person, workspace_id, projects, self.urls, self._chance(), pause_seconds))
            self.writers[-2].membership_id = await owner.membership_id(workspace_id, other.id)

    def _chance(self) -> random.Random:
        return random.Random(self.chance.random())

    async def begin(self, *, seconds: float = 20) -> None:
        """Everybody follows, at most `seconds` later, then writes."""
        self._tasks = [asyncio.create_task(follower.run()) for follower in self.followers]
        await until(lambda: all(follower.is_caught_up for follower in self.followers), seconds)
        self._writing = [asyncio.create_task(writer.run()) for writer in self.writers]

    async def end(self) -> None:
        """Nobody writes any more, once there is enough to judge by: a busy machine takes longer to it."""
        await until(lambda: len(self.acknowledged) > ENOUGH, 30)
        for writer in self.writers:
            writer.is_over = True
        async with asyncio.timeout(60):
            await asyncio.gather(*self._writing)

    async def judge(self, database: Database, seconds: float = 15.0) -> list[str]:
        """Wait for all to arrive, at most `seconds`; -> what the oracle has against it. Everybody goes home."""
        workspace_ids = {follower.workspace_id for follower in self.followers}
        logs = {one: await read_log(database, raw(one)) for one in workspace_ids}
        tags = {id(one): await self._tags(database, one) for one in self.followers}

        def has_arrived(one: Follower) -> bool:
            mine = tags[id(one)]
            visible = (event.seq for event in logs[one.workspace_id] if mine & (event.seen_before | event.seen_after))
            return one.at >= max(visible, default=0)

        with suppress(TimeoutError):  # the oracle says who has not arrived
            await until(lambda: all(map(has_arrived, self.followers)), seconds)
        await self.go_home()
        found: list[str] = []
        for number, one in enumerate(self.followers):
            name = f"follower {number} (closed {dict(one.closes)})"
            witness = Witness(name, raw(one.workspace_id), tags[id(one)], one.start, one.story, sees)
            found += violations(witness, logs[one.workspace_id])
            found += [f"{name}: {fault}" for fault in one.faults + misread(one.reads, logs[one.workspace_id])]
        for writer in self.writers:
            places = {key: int(cursor.rsplit(":", 1)[1]) for key, cursor in writer.acknowledged.items()}
            found += repeated(places, logs[writer.workspace_id])
            found += unlike(writer.titles, logs[writer.workspace_id])
        return found

    async def go_home(self) -> None:
        """Everybody leaves."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tags(self, database: Database, follower: Follower) -> frozenset[str]:
        session = database.reading()
        try:
            (grant,) = await grants_by_user_id(session, raw(follower.person.id), raw(follower.workspace_id))
        finally:
            await session.close()
        return grant.tags

    @property
    def acknowledged(self) -> dict[UUID, str]:
        return {key: cursor for writer in self.writers for key, cursor in writer.acknowledged.items()}

    @property
    def closes(self) -> Counter[object]:
        """How connections ended, over all followers."""
        return sum((follower.closes for follower in self.followers), Counter())

    @property
    def attempts(self) -> Counter[int]:
        """How many attempts mutations took."""
        return sum((writer.attempts for writer in self.writers), Counter())


async def until(condition: Callable[[], object], seconds: float) -> None:
    """Wait for something that nobody tells. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.02)


__all__ = ["Crowd", "Follower", "Writer", "raw", "until"]
