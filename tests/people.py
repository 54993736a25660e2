"""People as tests see them: they sign up, ask and change things over HTTP, and listen on a socket.

A `Stream` keeps every message from the moment it was subscribed, so a test can act first and look afterwards; it never
sleeps, it waits for a message until a deadline.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from tests.mailbox import Mailbox

PASSWORD = "correct horse battery"
WAIT_SECONDS = 30.0
"""Only a test that fails waits so long."""
CLOSE_SECONDS = 1.0
"""How long a server that is gone is waited for at a goodbye."""

EVENTS = """
subscription ($workspaceId: ID!, $after: EventCursor, $filter: EventFilter) {
  workspaceEvents(workspaceId: $workspaceId, after: $after, filter: $filter) {
    cursor caughtUp resync
    events {
      __typename cursor occurredAt clientMutationId actor { id name }
      ... on TaskCreatedEvent { task { id version title status { id } project { id } } }
      ... on TaskUpdatedEvent { taskId version changes { field before after } task { id version title } }
      ... on TaskRemovedEvent { taskId reason }
      ... on CommentEvent { op commentId taskId comment { id version body } }
      ... on EntityEvent { kind op entityId entity { __typename id } }
    }
  }
}
"""


class GraphQLFailed(AssertionError):
    """The answer had top-level errors; `codes` are theirs."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(json.dumps(errors, indent=1))
        self.errors = errors
        self.codes = [error["extensions"]["code"] for error in errors]


@dataclass(frozen=True, slots=True)
class Api:
    """One server process."""

    url: str
    http: httpx.AsyncClient
    mailbox: Mailbox | None = None

    async def mailed_token(self, address: str, page: str) -> str:
        """The token of the newest link to a page (`reset`, `verify`, `join`) that was mailed to an address."""
        assert self.mailbox is not None
        return (await self.mailbox.links(address, page))[-1]

    async def request_password_reset(self, email: str) -> None:
        query = "mutation ($i: RequestPasswordResetInput!) { requestPasswordReset(input: $i) { accepted } }"
        assert (await self.ask(query, {"i": {"email": email}}))["requestPasswordReset"]["accepted"]

    async def answer(self, query: str, variables: dict[str, Any] | None = None, token: str | None = None) -> Any:
        """The whole response, errors and all."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        response = await self.http.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables or {}}, headers=headers
        )
        return response.json()

    async def ask(self, query: str, variables: dict[str, Any] | None = None, token: str | None = None) -> Any:
        """The data. Raises GraphQLFailed."""
        answer = await self.answer(query, variables, token)
        if answer.get("errors"):
            raise GraphQLFailed(answer["errors"])
        return answer["data"]

    async def sign_up(self, name: str = "Ann", **more: Any) -> Person:
        """A new person with an address nobody else has."""
        email = more.pop("email", f"{name.lower()}.{uuid4().hex}@example.com")
        form = {"email": email, "password": PASSWORD, "name": name, **more}
        data = await self.ask(
            """mutation ($input: SignUpInput!) { signUp(input: $input) {
                 userErrors { code message path } accessToken refreshToken session { id }
                 viewer { user { id } workspaces { id } } } }""",
            {"input": form},
        )
        payload = data["signUp"]
        assert payload["userErrors"] == [], payload
        viewer = payload["viewer"]
        return Person(
            api=self,
            id=viewer["user"]["id"],
            name=name,
            email=email,
            token=payload["accessToken"],
            refresh_token=payload["refreshToken"],
            session_id=payload["session"]["id"],
            personal_workspace_id=viewer["workspaces"][0]["id"],
        )


@dataclass(slots=True)
class Person:
    """Somebody who is signed in."""

    api: Api
    id: str
    name: str
    email: str
    token: str
    refresh_token: str
    session_id: str
    personal_workspace_id: str

    def on(self, api: Api) -> Person:
        """The same person and session, asking another process."""
        return Person(
            api,
            self.id,
            self.name,
            self.email,
            self.token,
            self.refresh_token,
            self.session_id,
            self.personal_workspace_id,
        )

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of a query or mutation. Raises GraphQLFailed."""
        return await self.api.ask(query, variables, self.token)

    async def answer(self, query: str, **variables: Any) -> Any:
        """The whole response."""
        return await self.api.answer(query, variables, self.token)

    async def try_(self, mutation: str, input: dict[str, Any], fields: str = "") -> Any:
        """The payload of a mutation, refused or not. Its input type is named after it."""
        kind = mutation[0].upper() + mutation[1:]
        query = (
            f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{ userErrors {{ __typename code message"
            " path ... on NotFoundError { id } ... on PermissionError { required } ... on LimitError { limit }"
            " ... on ConflictError { currentVersion conflicts { field base yours theirs changedBy { id } changedAt } }"
            f" }} eventCursor changeSetId replayed clientMutationId {fields} }} }}"
        )
        return (await self.ask(query, input=input))[mutation]

    async def do(self, mutation: str, input: dict[str, Any], fields: str = "") -> Any:
        """The payload of a mutation that is not refused."""
        payload = await self.try_(mutation, input, fields)
        assert payload["userErrors"] == [], payload["userErrors"]
        return payload

    async def refused(self, mutation: str, input: dict[str, Any]) -> tuple[str, list[str] | None]:
        """(code, path) of the one refusal of a mutation."""
        payload = await self.try_(mutation, input)
        assert len(payload["userErrors"]) == 1, payload
        assert payload["eventCursor"] is None
        error = payload["userErrors"][0]
        return error["code"], error["path"]

    async def create_workspace(self, name: str = "Acme", **more: Any) -> str:
        payload = await self.do("createWorkspace", {"name": name, **more}, "workspace { id }")
        workspace_id: str = payload["workspace"]["id"]
        return workspace_id

    async def create_project(self, workspace_id: str, name: str = "Web", key: str = "WEB", **more: Any) -> str:
        asked = {"workspaceId": workspace_id, "name": name, "key": key, **more}
        project_id: str = (await self.do("createProject", asked, "project { id }"))["project"]["id"]
        return project_id

    async def create_task(self, workspace_id: str, title: str = "Do it", **more: Any) -> str:
        asked = {"workspaceId": workspace_id, "title": title, **more}
        task_id: str = (await self.do("createTask", asked, "task { id }"))["task"]["id"]
        return task_id

    async def comment(self, task_id: str, body: str = "Well", **more: Any) -> str:
        asked = {"taskId": task_id, "body": body, **more}
        comment_id: str = (await self.do("createComment", asked, "comment { id }"))["comment"]["id"]
        return comment_id

    async def create_token(self, workspace_id: str, scopes: list[str] | None = None, **more: Any) -> tuple[str, str]:
        """(id, secret) of a new API token; by default one that reads."""
        asked = {"workspaceId": workspace_id, "name": "Bot", "scopes": scopes or ["TASK_READ"], **more}
        payload = await self.do("createApiToken", asked, "secret apiToken { id }")
        return payload["apiToken"]["id"], payload["secret"]

    async def notification_ids(self) -> list[str]:
        """What they are told, the newest first."""
        found = await self.ask("{ viewer { notifications(first: 100) { nodes { id } } } }")
        return [one["id"] for one in found["viewer"]["notifications"]["nodes"]]

    async def invite(self, workspace_id: str, role: str = "MEMBER", **more: Any) -> str:
        """The token of a new invite."""
        asked = {"workspaceId": workspace_id, "role": role, **more}
        url: str = (await self.do("createInvite", asked, "url"))["url"]
        return url.split("#", 1)[1]

    async def bring_in(self, workspace_id: str, role: str = "MEMBER", name: str = "Bob", **more: Any) -> Person:
        """A new person who joined by an invite of ours."""
        token = await self.invite(workspace_id, role, **more)
        return await self.api.sign_up(name, inviteToken=token)

    async def membership_id(self, workspace_id: str, user_id: str | None = None) -> str:
        data = await self.ask(
            "query ($id: ID!) { workspace(by: {id: $id}) { members(first: 100) { nodes { id user { id } } } } }",
            id=workspace_id,
        )
        members = data["workspace"]["members"]["nodes"]
        found: str = next(one["id"] for one in members if one["user"]["id"] == (user_id or self.id))
        return found

    async def cursor(self, workspace_id: str) -> str:
        data = await self.ask("query ($id: ID!) { workspace(by: {id: $id}) { eventCursor } }", id=workspace_id)
        found: str = data["workspace"]["eventCursor"]
        return found

    async def statuses(self, workspace_id: str) -> dict[str, str]:
        """category -> id of the first status of it."""
        data = await self.ask(
            "query ($id: ID!) { workspace(by: {id: $id}) { statuses { id category } } }", id=workspace_id
        )
        return {one["category"]: one["id"] for one in reversed(data["workspace"]["statuses"])}

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Socket]:
        """An acknowledged graphql-transport-ws connection."""
        async with open_socket(self.api.url) as socket:
            await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {self.token}"}})
            message = await socket.receive()
            assert message["type"] == "connection_ack", message
            socket.listen()
            yield socket

    @asynccontextmanager
    async def listening(self, workspace_id: str, after: str | None = None, **more: Any) -> AsyncIterator[Stream]:
        """The workspace's change stream, from its first batch on."""
        async with self.socket() as socket:
            stream = await socket.subscribe(EVENTS, workspaceId=workspace_id, after=after, **more)
            await stream.until(lambda batch: batch["caughtUp"])
            yield stream


@asynccontextmanager
async def open_socket(url: str, **options: Any) -> AsyncIterator[Socket]:
    """A connection on which nothing was said yet. `options` are those of `websockets.connect`."""
    address = url.replace("http", "ws", 1) + "/graphql"
    protocol = Subprotocol("graphql-transport-ws")
    async with websockets.connect(
        address,
        subprotocols=[protocol],
        max_size=None,
        ping_interval=None,
        open_timeout=WAIT_SECONDS,
        close_timeout=CLOSE_SECONDS,
        **options,
    ) as connection:
        socket = Socket(connection)
        try:
            yield socket
        finally:
            socket.close()


class Socket:
    """One connection; once it listens, messages go to their streams."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._streams: dict[str, Stream] = {}
        self._task: asyncio.Task[None] | None = None

    async def send(self, message: Any) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self) -> Any:
        async with asyncio.timeout(WAIT_SECONDS):
            return json.loads(await self.connection.recv())

    async def closed(self) -> tuple[int, str]:
        """(code, reason) with which the server closes."""
        async with asyncio.timeout(WAIT_SECONDS * 2):
            await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""

    def listen(self) -> None:
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            async for text in self.connection:
                message = json.loads(text)
                if message["type"] == "ping":
                    await self.send({"type": "pong"})
                elif "id" in message:
                    self._streams[message["id"]].take(message)
        except websockets.ConnectionClosed:
            pass
        for stream in self._streams.values():
            stream.take({"type": "closed", "code": self.connection.close_code})

    async def subscribe(self, query: str, **variables: Any) -> Stream:
        """Start an operation; its messages are kept from now on."""
        stream = Stream(str(len(self._streams) + 1), self)
        self._streams[stream.id] = stream
        payload = {"query": query, "variables": variables}
        await self.send({"id": stream.id, "type": "subscribe", "payload": payload})
        return stream

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()


@dataclass(slots=True)
class Stream:
    """One subscription: `batches` as they came, and how it ended."""

    id: str
    socket: Socket
    batches: list[Any] = field(default_factory=list)
    ended: Any = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def take(self, message: Any) -> None:
        if message["type"] == "next":
            assert "errors" not in message["payload"], message["payload"]
            ((_, batch),) = message["payload"]["data"].items()
            self.batches.append(batch)
        elif self.ended is None:
            self.ended = message
        task = asyncio.create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    @property
    def events(self) -> list[Any]:
        """All events so far."""
        return [event for batch in self.batches for event in batch["events"]]

    @property
    def cursor(self) -> str:
        """The newest cursor."""
        newest: str = self.batches[-1]["cursor"]
        return newest

    async def until(self, is_it: Callable[[Any], bool], seconds: float = WAIT_SECONDS) -> Any:
        """The first batch, of all so far and to come, of which this is true."""
        return await self._wait(lambda: next((batch for batch in self.batches if is_it(batch)), None), seconds)

    async def event(self, is_it: Callable[[Any], bool], seconds: float = WAIT_SECONDS) -> Any:
        """The first event, of all so far and to come, of which this is true."""
        return await self._wait(lambda: next((event for event in self.events if is_it(event)), None), seconds)

    async def reaches(self, cursor: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until everything up to a cursor was told."""
        await self.until(lambda batch: batch["cursor"] >= cursor, seconds)

    async def end(self, seconds: float = WAIT_SECONDS) -> Any:
        """The message with which it ended: `error`, `complete`, or `closed` with the socket's code."""
        return await self._wait(lambda: self.ended, seconds)

    async def _wait(self, look: Callable[[], Any], seconds: float) -> Any:
        try:
            async with asyncio.timeout(seconds), self._news:
                while (found := look()) is None:
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"It did not come. Batches: {self.batches[-5:]}; ended: {self.ended}") from None
        return found

    async def complete(self) -> None:
        """Unsubscribe."""
        await self.socket.send({"id": self.id, "type": "complete"})
