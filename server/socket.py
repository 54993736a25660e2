"""graphql-transport-ws: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md, one handler for each socket.

Messages are handled one after the other; operations run in tasks, each with a context of its own, whose `release` is
called before each of its results is sent. Close codes, and whether clients of npm `graphql-ws` come back by themselves:

- no: 4400 malformed, 4401 no or bad credentials, 4406 other subprotocol, 4409 id in use, 4429 second init, 1009 too big
- yes: 4403 token expired or session revoked, 4408 init too late or peer dead, 1012 the server is going away,
  1013 overloaded (too many messages, too many sockets of one person, a part is down)
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from graphql import OperationType
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    NextMessage,
    PingMessage,
    SubscribeMessage,
)
from strawberry.types import ExecutionResult
from strawberry.utils.aio import aclosing

from db.errors import Unavailable
from db.ids import new_id
from execution.documents import Refused
from execution.live import Plans
from execution.operations import Operations, Prepared, is_request_error
from realtime.rates import Charge
from server.credentials import (
    Credentials,
    Gateway,
    OperationContext,
    RateLimited,
    Unauthenticated,
    extended,
    holder_of,
    release,
    rendered,
)
from server.errors import formatted, of_exception
from server.frames import Frames
from server.line import line
from server.origins import Origins
from server.outlet import Outlet
from server.sockets import Sockets

PING = b'{"type":"ping"}'
TOO_MANY_OPERATIONS_SECONDS = 1
"""When to try again: as soon as another operation of the socket may be over."""


@dataclass(frozen=True, slots=True)
class SocketEndpoint:
    """The ASGI application of the WebSocket route."""

    operations: Operations
    plans: Plans
    gateway: Gateway
    origins: Origins
    sockets: Sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        origin, user_agent = (Headers(scope=scope).get(name) for name in ("origin", "user-agent"))
        if origin is not None and not self.origins.allows(origin):
            await send({"type": "websocket.close"})  # before accepting: the handshake is answered 403
            return
        is_spoken = GRAPHQL_TRANSPORT_WS_PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": GRAPHQL_TRANSPORT_WS_PROTOCOL if is_spoken else None})
        frames = Frames(scope, receive, send, self.operations.limits, self.sockets.tally)
        if frames.wire is not None:
            frames.wire.forget_handshake()
        if not is_spoken:
            await frames.close(4406, f"The subprotocol must be {GRAPHQL_TRANSPORT_WS_PROTOCOL}")
        elif self.sockets.is_draining:
            await frames.close(1012, "The server is going away; please reconnect")
        else:
            address = scope["client"][0] if scope.get("client") else ""
            await Socket(self, frames, address, user_agent).handle()


class Socket(BaseGraphQLTransportWSHandler[Any, None]):
    """One client's socket, from the handshake to the close. `credentials` are None until it is acknowledged."""

    def __init__(self, endpoint: SocketEndpoint, frames: Frames, address: str, user_agent: str | None) -> None:
        limits = endpoint.operations.limits
        super().__init__(
            view=cast("Any", None),  # only Strawberry's own connection_init asks it
            websocket=frames,
            context=None,
            root_value=None,
            schema=endpoint.operations.schema,
            connection_init_wait_timeout=timedelta(seconds=limits.init_timeout_seconds),
        )
        self.frames = frames
        self.credentials: Credentials | None = None
        self._endpoint = endpoint
        self._tab = new_id()
        self._address = address
        self._user_agent = user_agent
        self._heartbeat: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._init_timeout: asyncio.TimerHandle | None = None
        self._unfinished: set[asyncio.Task[Any]] = set()
        self._outlets: dict[str, Outlet] = {}

    async def handle(self) -> None:
        """Serves the socket until either side closes it."""
        self._endpoint.sockets.add(self)
        await super().handle()

    async def shutdown(self) -> None:
        self._endpoint.sockets.remove(self)
        for timer in (self._heartbeat, self._expiry, self._init_timeout):
            if timer is not None:
                timer.cancel()
        await super().shutdown()

    async def close(self, code: int, reason: str) -> None:
        """Closes it, once."""
        await self.frames.close(code, reason)

    async def finish(self) -> None:
        """Waits until the running queries and mutations are answered; they have a time limit of their own."""
        if self._unfinished:
            await asyncio.wait(self._unfinished)

    # Connecting: credentials, and how long they last

    def on_request_accepted(self) -> None:
        """Waits for the init by a timer: a task for each, as Strawberry has it, is dear when thousands come."""
        seconds = self.connection_init_wait_timeout.total_seconds()
        self._init_timeout = asyncio.get_running_loop().call_later(
            seconds, lambda: self._endpoint.sockets.start(self.frames.close(4408, "Connection initialisation timeout"))
        )

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        if self.connection_init_received:
            await self.frames.close(4429, "The connection is initialised already")
            return
        self.connection_init_received = True
        if self._init_timeout is not None:
            self._init_timeout.cancel()
        await line.turn()
        credentials = await self._authenticated((message.get("payload") or {}).get("authorization"))
        if credentials is None or self.frames.is_closed:
            return
        sockets, limit = self._endpoint.sockets, self._endpoint.operations.limits.max_sockets_per_person
        if sockets.count_of(holder_of(credentials)) >= limit:
            # Not fatal: after a cut, a person's old sockets may still count until they are found dead.
            await self.frames.close(1013, f"Too many sockets of one person: the limit is {limit}")
            return
        self.credentials = credentials
        sockets.authenticated(self, credentials)
        self._expire_at(credentials.expires_at)
        self.connection_acknowledged = True
        await self.send_message({"type": "connection_ack"})
        self._heartbeat = asyncio.get_running_loop().call_later(sockets.ping_seconds, self._ping)

    async def _authenticated(self, authorization: object) -> Credentials | None:
        """Whom these credentials name; None when they are not accepted, and then the socket is closed."""
        if not isinstance(authorization, str):
            await self.frames.close(4401, "Missing credentials: connectionParams.authorization")
            return None
        try:
            credentials = await self._endpoint.gateway.authenticate(authorization)
        except Unauthenticated as error:
            await self.frames.close(4403 if error.is_expired else 4401, error.message)
        except Unavailable:
            await self.frames.close(1013, "A part of the service is not available; please try again")
        except Exception as error:  # noqa: BLE001 - logged with an id by of_exception
            await self.frames.close(1013, f"Internal error {of_exception(error)['extensions']['errorId']}")
        else:
            if credentials is None:
                await self.frames.close(4401, "Missing credentials: connectionParams.authorization")
            return credentials
        return None

    def _expire_at(self, expires_at: datetime | None) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if expires_at is None:
            return
        self._expiry = asyncio.get_running_loop().call_later(
            max(0.0, (expires_at - datetime.now(UTC)).total_seconds()),
            lambda: self._endpoint.sockets.start(self.frames.close(4403, "The access token expired")),
        )

    # Staying alive

    async def handle_ping(self, message: PingMessage) -> None:
        authorization = (message.get("payload") or {}).get("authorization")
        if authorization is None or await self._renewed(authorization):
            await self.send_message({"type": "pong"})

    async def _renewed(self, authorization: object) -> bool:
        """Takes a newer access token of the same session; anything else closes the socket (4403)."""
        current = self.credentials
        try:
            renewed = isinstance(authorization, str) and await self._endpoint.gateway.authenticate(authorization)
        except Unauthenticated:
            renewed = None
        except Exception as error:  # noqa: BLE001 - logged by of_exception where it is unexpected
            of_exception(error)
            return True  # nothing is lost yet: the token in use lasts until it expires
        if not renewed or current is None or renewed.session_id != current.session_id:
            await self.frames.close(4403, "The new credentials are not of this session")
            return False
        self.credentials = renewed
        self._expire_at(renewed.expires_at)
        return True

    def _ping(self) -> None:
        sockets = self._endpoint.sockets
        loop = asyncio.get_running_loop()
        if not self.frames.push_text(PING):
            sockets.start(self._send_ping())
        self._heartbeat = loop.call_later(sockets.pong_seconds, self._expect_life_since, loop.time())

    async def _send_ping(self) -> None:
        with suppress(WebSocketDisconnected):  # the socket is being shut down already
            await self.send_message({"type": "ping"})

    def _expect_life_since(self, pinged_at: float) -> None:
        sockets = self._endpoint.sockets
        if self.frames.heard_at >= pinged_at:  # any message will do
            self._heartbeat = asyncio.get_running_loop().call_later(
                max(0.0, sockets.ping_seconds - sockets.pong_seconds), self._ping
            )
        else:
            sockets.start(self._drop())

    async def _drop(self) -> None:
        await self.frames.close(4408, "No answer to the ping")
        self.frames.abort()

    # Operations

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if not self.connection_acknowledged:
            await self.frames.close(4401, "The connection is not initialised")
            return
        operation_id, payload = message["id"], message["payload"]
        if operation_id in self.operations:
            await self.frames.close(4409, "The id is in use by another operation")
            return
        operation: Operation[Any, None] = Operation(
            self, operation_id, payload["query"], payload.get("variables"), payload.get("operationName")
        )
        limit = self._endpoint.operations.limits.max_operations_per_socket
        if len(self.operations) >= limit:
            text = f"Too many operations on one socket: the limit is {limit}."
            refused = [of_exception(RateLimited(text, TOO_MANY_OPERATIONS_SECONDS))]
            await self.send_message({"id": operation_id, "type": "error", "payload": cast("Any", refused)})
            return
        self.operations[operation_id] = operation
        operation.task = asyncio.create_task(self.run_operation(operation))

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """Runs one operation to its end; the task of `operation`. Only cancellation leaves it unanswered."""
        endpoint = self._endpoint
        try:
            prepared = endpoint.operations.prepare(operation.query, operation.variables, operation.operation_name)
            gateway = endpoint.gateway
            charge = gateway.charge(self.credentials, self._address, prepared.cost)
            context = gateway.operation_context(self.credentials, self._address, self._user_agent, self._tab, charge)
            try:
                await self._run(operation, prepared, context, charge)
            finally:
                await release(context)
        except Refused as error:
            endpoint.sockets.tally.refused["socket"] += 1
            await self._send_errors(operation, formatted(error.errors))
        except WebSocketDisconnected:
            pass  # the socket is being shut down already
        except Exception as error:  # noqa: BLE001 - logged with an id by of_exception
            await self._send_errors(operation, [of_exception(error)])

    async def _run(
        self, operation: Operation[Any, None], prepared: Prepared, context: OperationContext, charge: Charge | None
    ) -> None:
        operations, tally = self._endpoint.operations, self._endpoint.sockets.tally
        if prepared.kind is OperationType.SUBSCRIPTION:
            await self._follow(operation, prepared, context)
        else:
            self._unfinished.add(cast("asyncio.Task[Any]", operation.task))
            try:
                result = await tally.execute("socket", operations, prepared, context)
                await self._send_result(operation, result, context, charge)
            finally:
                self._unfinished.discard(cast("asyncio.Task[Any]", operation.task))
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def _follow(self, operation: Operation[Any, None], prepared: Prepared, context: OperationContext) -> None:
        """Sends every event of a subscription; those that are the same for others come to the outlet by themselves."""
        await line.turn()
        live = self._endpoint.plans.open(prepared.query, prepared.variables, prepared.operation_name)
        outlet = self._outlets[operation.id] = Outlet(self.frames, operation.id)
        tally = self._endpoint.sockets.tally
        tally.subscriptions += 1
        try:
            context.share(live.sharing(outlet))
            async with aclosing(await live.source(context)) as events:
                async for event in events:
                    payload = await rendered(live, event, context)
                    await outlet.send(payload)
                    tally.sent_alone += 1
        finally:
            outlet.close()
            if self._outlets.get(operation.id) is outlet:
                del self._outlets[operation.id]

    async def cleanup_operation(self, operation_id: str) -> None:
        # At once: the id may be used again before the operation's task has ended.
        if operation_id in self._outlets:
            self._outlets[operation_id].close()
        await super().cleanup_operation(operation_id)

    async def _send_result(
        self,
        operation: Operation[Any, None],
        result: ExecutionResult,
        context: OperationContext,
        charge: Charge | None,
    ) -> None:
        await release(context)
        errors = formatted(result.errors or ())
        if is_request_error(result):
            await self._send_errors(operation, errors)
            return
        message: NextMessage = {"id": operation.id, "type": "next", "payload": {"data": result.data}}
        if errors:
            message["payload"]["errors"] = cast("Any", errors)
        if extensions := extended(result.extensions, charge):
            message["payload"]["extensions"] = extensions
        await operation.send_operation_message(message)

    async def _send_errors(self, operation: Operation[Any, None], errors: list[dict[str, Any]]) -> None:
        """Ends an operation with an `error` message; a `complete` after it is not sent."""
        with suppress(WebSocketDisconnected):  # nobody is left to be told
            await operation.send_operation_message(
                {"id": operation.id, "type": "error", "payload": cast("Any", errors)}
            )
