"""A small schema and application for the protocol tests: no domain, everything a transport can meet."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import strawberry
import uvicorn
from fastapi import FastAPI
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from strawberry.extensions import SchemaExtension
from strawberry.types import Info
from websockets.asyncio.client import ClientConnection, connect

from db.errors import Unavailable
from domain.errors import TopLevel
from execution.limits import Limits
from execution.live import Sharing
from execution.persisted import Persisted
from execution.personal import Personal
from realtime.rates import Charge
from server.credentials import Credentials, RateLimited, Unauthenticated
from server.door import HttpProtocol
from server.draining import Server
from server.http import graphql_router
from server.sockets import Sockets
from server.wire import SocketProtocol

SECRET = "a secret that must stay in the log"
TIMEOUT_SECONDS = 30.0


async def eventually(is_so: Callable[[], bool]) -> None:
    """Waits until something that tells nobody is so."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not is_so():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


@dataclass
class Context:
    """What one operation gets; remembers how it was treated."""

    credentials: Credentials | None
    address: str
    user_agent: str | None
    releases: list[str] = field(default_factory=list)
    state: str = "idle"
    sharing: Sharing | None = None

    def share(self, sharing: Sharing | None) -> None:
        self.sharing = sharing

    async def release(self) -> None:
        await asyncio.sleep(0)
        self.releases.append(self.state)
        self.state = "idle"


@dataclass
class TinyGateway:
    """Tokens by name, and every context that was ever given out."""

    tokens: dict[str, Credentials | Exception | None] = field(default_factory=dict)
    contexts: list[Context] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)
    refusing: Charge | None = None
    """With what everybody is refused."""
    asked: int = 0
    """How often somebody was to be authenticated."""
    checking: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def sign_in(self, seconds: float = 60, user_id: UUID | None = None, session_id: UUID | None = None) -> str:
        """A new token's `Authorization` value."""
        authorization = f"Bearer {uuid4()}"
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        self.tokens[authorization] = Credentials(user_id or uuid4(), session_id or uuid4(), expires_at)
        return authorization

    def credentials(self, authorization: str) -> Credentials:
        found = self.tokens[authorization]
        assert isinstance(found, Credentials)
        return found

    async def authenticate(self, authorization: str | None) -> Credentials | None:
        self.asked += 1
        self.checking.set()
        await self.may_answer.wait()
        if authorization is None:
            return None
        found = self.tokens.get(authorization, Unauthenticated("These credentials are not valid."))
        if isinstance(found, Exception):
            raise found
        return found

    def charge(self, credentials: Credentials | None, address: str, cost: int) -> Charge | None:
        self.costs.append(cost)
        if self.refusing is not None:
            raise RateLimited.of(self.refusing)
        return None

    def operation_context(
        self,
        credentials: Credentials | None,
        address: str,
        user_agent: str | None,
        tab: UUID | None = None,
        charge: Charge | None = None,
    ) -> Context:
        context = Context(credentials, address, user_agent)
        self.contexts.append(context)
        return context


class SaysHello(SchemaExtension):
    """Adds to the `extensions` of operations named `Extended`."""

    def get_results(self) -> dict[str, Any]:
        return {"said": "hello"} if self.execution_context.operation_name == "Extended" else {}


@strawberry.type
class Node:
    id: int

    @strawberry.field
    def child(self) -> Node:
        return Node(id=self.id + 1)


@strawberry.input
class Filter:
    any_of: list[Filter] | None = None
    id: int | None = None


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, info: Info[Context, None], name: str = "world") -> str:
        info.context.state = "used"
        return f"Hello {name}"

    @strawberry.field
    def node(self) -> Node:
        return Node(id=1)

    @strawberry.field
    def who(self, info: Info[Context, None]) -> str:
        credentials = info.context.credentials
        return f"{credentials.user_id if credentials else None} {info.context.address} {info.context.user_agent}"

    @strawberry.field(directives=[Personal()])
    def mine(self) -> str:
        return "mine"

    @strawberry.field
    def matches(self, filter: Filter | None = None, ids: list[int] | None = None) -> bool:
        return filter is not None or ids is not None

    @strawberry.field
    def at(self, time: datetime) -> str:
        return time.isoformat()

    @strawberry.field
    def broken(self) -> str:
        raise RuntimeError(SECRET)

    @strawberry.field
    def maybe_broken(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def null(self) -> str:
        return None  # type: ignore[return-value]

    @strawberry.field
    def too_big(self) -> int:
        return 2**40

    @strawberry.field
    def unserialisable(self) -> str:
        return "\ud800"

    @strawberry.field
    def coded(self, code: str = "NOT_FOUND") -> str | None:
        raise GraphQLError("Said on purpose", extensions={"code": code})

    @strawberry.field
    def uncoded(self) -> str | None:
        raise GraphQLError(SECRET)

    @strawberry.field
    def top_level(self) -> str | None:
        raise TopLevel("RATE_LIMITED", "Slow down.")

    @strawberry.field
    def unavailable(self) -> str | None:
        raise Unavailable(SECRET)

    @strawberry.field
    async def slow(self, seconds: float = 60) -> bool:
        await asyncio.sleep(seconds)
        return True


GATES: dict[str, asyncio.Event] = {}


def gate(name: str) -> asyncio.Event:
    """An event that `wait` (as mutation and subscription) of this name waits for."""
    return GATES.setdefault(name, asyncio.Event())


@strawberry.type
class Mutation:
    @strawberry.mutation
    def store(self, value: int) -> int:
        return value

    @strawberry.mutation
    async def wait(self, name: str) -> str:
        gate(f"{name} started").set()
        await gate(name).wait()
        return name


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, info: Info[Context, None], to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            info.context.state = f"reading {number}"
            yield number
        info.context.state = "done"

    @strawberry.subscription
    async def wait(self, name: str) -> AsyncGenerator[str, None]:
        try:
            yield "waiting"
            await gate(name).wait()
            yield name
        finally:
            gate(f"{name} left").set()

    @strawberry.subscription
    async def revoked(self, after: int) -> AsyncGenerator[int, None]:
        for number in range(after):
            yield number
        raise TopLevel("ACCESS_REVOKED", "You have no access any more.")

    @strawberry.subscription
    async def broken(self, after: int) -> AsyncGenerator[int, None]:
        for number in range(after):
            yield number
        raise RuntimeError(SECRET)

    @strawberry.subscription
    async def large(self, size: int, times: int) -> AsyncGenerator[str, None]:
        for _ in range(times):
            yield "x" * size


schema = strawberry.Schema(Query, Mutation, Subscription, extensions=[SaysHello])


@dataclass(frozen=True)
class Tiny:
    """A running server."""

    host: str
    gateway: TinyGateway
    sockets: Sockets
    limits: Limits

    @property
    def url(self) -> str:
        return f"http://{self.host}/graphql"

    async def wait_for_sockets(self, count: int) -> None:
        await eventually(lambda: self.sockets.count == count)

    @asynccontextmanager
    async def socket(self, *, subprotocol: str | None = "graphql-transport-ws", **options: Any) -> Any:
        """A client that has only shaken hands."""
        protocols = [subprotocol] if subprotocol else None
        async with connect(f"ws://{self.host}/graphql", subprotocols=protocols, **options) as connection:  # type: ignore[arg-type]
            yield Client(connection)

    @asynccontextmanager
    async def client(self, authorization: str | None = None, **options: Any) -> Any:
        """A client that is acknowledged."""
        async with self.socket(**options) as client:
            await client.init(authorization or self.gateway.sign_in())
            yield client


@dataclass(frozen=True)
class Client:
    """One end of a WebSocket, speaking JSON; every wait has a time limit."""

    connection: ClientConnection

    async def send(self, message: object) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def send_raw(self, frame: str | bytes) -> None:
        await self.connection.send(frame)

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            text = await self.connection.recv()
        assert isinstance(text, str)
        message = orjson.loads(text)
        assert isinstance(message, dict)
        return message

    async def init(self, authorization: str) -> None:
        await self.send({"type": "connection_init", "payload": {"authorization": authorization}})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, query: str, operation_id: str = "1", **payload: object) -> None:
        await self.send({"id": operation_id, "type": "subscribe", "payload": {"query": query, **payload}})

    async def answer(self, query: str, operation_id: str = "1", **payload: object) -> list[dict[str, Any]]:
        """Subscribes, and returns every message up to `complete` or `error`."""
        await self.subscribe(query, operation_id, **payload)
        messages = [await self.receive()]
        while messages[-1]["type"] not in ("complete", "error"):
            messages.append(await self.receive())
        assert {message["id"] for message in messages} == {operation_id}
        return messages

    async def closed(self, timeout_seconds: float = TIMEOUT_SECONDS) -> tuple[int | None, str | None]:
        """The code and reason the server closes with."""
        async with asyncio.timeout(timeout_seconds):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


def page(_: Request) -> Response:
    return HTMLResponse("<h1>The page</h1>")


@asynccontextmanager
async def serve(
    *,
    sockets: Sockets | None = None,
    has_page: bool = False,
    protocol: type = SocketProtocol,
    persisted: Persisted | None = None,
    trusted: frozenset[str] | None = None,
    **limits: Any,
) -> Any:
    """Serves the tiny schema on a port of its own, in this event loop."""
    gateway, sockets, all_limits = TinyGateway(), sockets or Sockets(), Limits(**limits)
    app = FastAPI()
    origins, own = ("https://friend.example",), "https://tutti.example:443/"
    ide = page if has_page else None
    documents = {"persisted": persisted, "trusted": trusted}
    app.include_router(graphql_router(schema, gateway, sockets, all_limits, origins, own, ide, **documents))  # type: ignore[arg-type]
    config = uvicorn.Config(
        app,
        log_config=None,
        lifespan="off",
        http=HttpProtocol,
        ws=protocol,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        ws_max_size=2 * all_limits.max_frame_bytes,
        timeout_graceful_shutdown=1,
    )
    server = Server(config, is_told=True)  # pytest's own Ctrl-C stays
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    task = asyncio.create_task(server.serve([listener]))
    await eventually(lambda: server.started)
    try:
        yield Tiny(f"{host}:{port}", gateway, sockets, all_limits)
    finally:
        server.should_exit = True
        await task
