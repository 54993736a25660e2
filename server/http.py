"""GraphQL over HTTP, by https://graphql.github.io/graphql-over-http/draft/ (all audits of npm `graphql-http`).

A response says by its status whether the request was executed: with `application/graphql-response+json` a request that
failed before execution is 4xx or 5xx; with `application/json` (older clients) any well-formed request is 200.
Form content types are refused, so a foreign page cannot post here without asking first (CORS).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter
from graphql import ASTValidationRule, GraphQLError, OperationType, get_operation_ast
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry import Schema

from db.errors import Unavailable
from db.ids import new_id
from execution.documents import Refused
from execution.limits import Limits
from execution.live import Live, Plans
from execution.operations import Operations, Prepared, is_request_error
from execution.persisted import Named, Persisted
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
from server.errors import formatted, of_exception, status_of
from server.event_stream import HEADERS as EVENT_STREAM_HEADERS
from server.event_stream import MEDIA_TYPE, Ended, EventStream, EventStreamResponse, cursor_at, finished
from server.origins import Origins
from server.socket import SocketEndpoint
from server.sockets import Sockets
from server.tally import Tally

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
METHODS = "GET, POST, OPTIONS"
TOO_MANY_STREAMS_SECONDS = 5
"""When to try again: after a cut, a person's old streams may still count until they are found dead."""


def graphql_router(
    schema: Schema,
    gateway: Gateway,
    sockets: Sockets,
    limits: Limits,
    allowed_origins: tuple[str, ...],
    public_url: str,
    ide: Callable[[Request], Response] | None = None,
    *,
    path: str = "/graphql",
    rules: tuple[type[ASTValidationRule], ...] = (),
    is_introspection_allowed: bool = True,
    persisted: Persisted | None = None,
    trusted: frozenset[str] | None = None,
) -> APIRouter:
    """The routes of the schema at `path`, for HTTP and graphql-transport-ws.

    `ide` answers browsers that open the address; `rules` are validation rules besides those of the specification.
    `persisted` knows documents by their hash; with `trusted` no others than these are taken, on no transport.
    """
    operations = Operations(
        schema, limits, rules=rules, is_introspection_allowed=is_introspection_allowed, trusted=trusted
    )
    origins = Origins(public_url, allowed_origins)
    router = APIRouter()
    plans = Plans(operations.schema._schema, operations.documents.load, formatted, sockets.tally.live)
    http = HttpEndpoint(operations, plans, gateway, origins, ide, sockets, persisted or Persisted())
    router.add_route(path, http.respond, methods=["GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"])
    router.add_websocket_route(path, SocketEndpoint(operations, plans, gateway, origins, sockets))  # type: ignore[arg-type]
    return router


class _HttpRefusal(Exception):
    """A request that is refused as HTTP, before it is looked at as GraphQL."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class HttpEndpoint:
    """Answers single operations: queries by GET and POST, mutations by POST."""

    operations: Operations
    plans: Plans
    gateway: Gateway
    origins: Origins
    ide: Callable[[Request], Response] | None
    sockets: Sockets
    persisted: Persisted

    @property
    def tally(self) -> Tally:
        return self.sockets.tally

    async def respond(self, request: Request) -> Response:
        """The response to any request; never raises for what a client sent."""
        origin = request.headers.get("origin")
        if origin is not None and not self.origins.allows(origin):
            response = _refusal(403, "This origin is not allowed; TUTTI_ALLOWED_ORIGINS lists those that are.")
        elif request.method == "OPTIONS":
            response = _preflight(request)
        else:
            try:
                response = await self._answer(request)
            except _HttpRefusal as refusal:
                response = _refusal(refusal.status, refusal.message, refusal.headers)
            except ClientDisconnect:  # in the middle of the body; nobody is there to read the answer
                response = _refusal(400, "The body ended too early.")
            if origin is not None:
                response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin, Accept, Authorization"
        return response

    async def _answer(self, request: Request) -> Response:
        accepted = _qualities(request.headers.get("accept"))
        if request.method == "GET" and self.ide is not None and _is_browser(accepted):
            return self.ide(request)
        if request.method not in ("GET", "POST"):
            raise _HttpRefusal(405, "GraphQL is served by GET and POST.", Allow=METHODS)
        is_stream = _is_event_stream(accepted)
        media_type = JSON if is_stream else _media_type(accepted)
        parameters = _from_query(request) if request.method == "GET" else await self._from_body(request)
        asked = _checked(parameters)
        try:
            if accepted.get(MEDIA_TYPE, 0) > 0 and await self._is_subscription(asked):
                return await self._stream(request, asked)
            status, body, tag = await self._execute(request, asked)
            content = orjson.dumps(body)
        except (Unauthenticated, Unavailable, RateLimited) as error:
            refused = [of_exception(error)]
            headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}
            if isinstance(error, RateLimited):
                headers = {"Retry-After": str(error.retry_after_seconds)}
            return _json(orjson.dumps({"errors": refused}), status_of(refused), media_type, headers)
        except Refused as error:
            self.tally.refused["http"] += 1
            refused, tag = formatted(error.errors), None
            status, content = status_of(refused), orjson.dumps({"errors": refused})
        except _HttpRefusal:
            raise
        except Exception as error:  # noqa: BLE001 - logged with an id by of_exception
            refused = [of_exception(error)]
            return _json(orjson.dumps({"errors": refused}), status_of(refused), media_type)
        if is_stream and status == 200:
            return Response(finished(content), headers=EVENT_STREAM_HEADERS)
        if tag is not None:
            return _cached(request, content, media_type, tag)
        return _json(content, status if is_stream or media_type == GRAPHQL_RESPONSE else 200, media_type)

    async def _named(self, asked: _Asked) -> Named:
        return await self.persisted.named(asked.query, asked.document_id, asked.extensions)

    async def _is_subscription(self, asked: _Asked) -> bool:
        named = await self._named(asked)
        prepared = self.operations.prepare(named.text, asked.variables, asked.operation_name)
        return prepared.kind is OperationType.SUBSCRIPTION

    def _keep(self, named: Named, credentials: Credentials | None) -> None:
        """Documents of strangers are not kept for all: they could fill the store."""
        if named.key is not None:
            self.sockets.start(self.persisted.keep(named, is_shared=credentials is not None))

    async def _stream(self, request: Request, asked: _Asked) -> Response:
        """A response that tells a subscription's events as they come. What is refused before is refused as ever."""
        variables, operation_name = asked.variables, asked.operation_name
        credentials = await self.gateway.authenticate(request.headers.get("authorization"))
        named = await self._named(asked)
        query = named.text
        if cursor := request.headers.get("last-event-id"):
            self.operations.prepare(query, variables, operation_name)
            variables = self.plans.resumed(query, variables, operation_name, cursor)
        prepared = self.operations.prepare(query, variables, operation_name)
        limit = self.operations.limits.max_sockets_per_person
        if credentials is not None and self.sockets.count_of(holder_of(credentials)) >= limit:
            text = f"Too many streams and sockets of one person: the limit is {limit}."
            raise RateLimited(text, TOO_MANY_STREAMS_SECONDS)
        if self.sockets.is_draining:
            raise Unavailable("The server is going away.")
        self._keep(named, credentials)
        address = request.client.host if request.client else ""
        charge = self.gateway.charge(credentials, address, prepared.cost)
        # Whoever follows something is there, as a tab of their own, as on a socket.
        user_agent, tab = request.headers.get("user-agent"), new_id()
        context = self.gateway.operation_context(credentials, address, user_agent, tab, charge)
        live = self.plans.open(query, variables, operation_name)

        async def produce(stream: EventStream) -> None:
            try:
                await self._follow(stream, live, context)
                stream.complete()
            except Refused as error:
                stream.refuse(formatted(error.errors))
            except Ended:
                pass
            except Exception as error:  # noqa: BLE001 - logged with an id by of_exception
                errors = [of_exception(error)]
                if stream.has_told or status_of(errors) >= 500:
                    stream.fail(errors)
                else:
                    stream.refuse(errors)
            finally:
                await release(context)

        document = self.operations.documents.load(query)
        operation = get_operation_ast(document, operation_name)
        assert operation is not None
        stream = EventStream(self.sockets, credentials, cursor_at(document, operation))
        return EventStreamResponse(stream, produce)

    async def _follow(self, stream: EventStream, live: Live, context: OperationContext) -> None:
        self.tally.subscriptions += 1
        context.share(live.sharing(stream))
        async with aclosing(await live.source(context)) as events:
            async for event in events:
                payload = await rendered(live, event, context)
                await stream.send(payload)
                self.tally.sent_alone += 1

    async def _execute(self, request: Request, asked: _Asked) -> tuple[int, dict[str, Any], str | None]:
        """-> (status, body, the tag by which a browser may keep it)"""
        credentials = await self.gateway.authenticate(request.headers.get("authorization"))
        named = await self._named(asked)
        prepared = self.operations.prepare(named.text, asked.variables, asked.operation_name)
        if prepared.kind is OperationType.SUBSCRIPTION:
            text = "Subscriptions are served over WebSocket (graphql-transport-ws), and as text/event-stream."
            raise Refused(GraphQLError(text))
        _refuse_get(request, prepared)
        self._keep(named, credentials)
        address = request.client.host if request.client else ""
        charge = self.gateway.charge(credentials, address, prepared.cost)
        user_agent = request.headers.get("user-agent")
        context = self.gateway.operation_context(credentials, address, user_agent, charge=charge)
        try:
            result = await self.tally.execute("http", self.operations, prepared, context)
        finally:
            await release(context)
        errors = formatted(result.errors or ())
        if is_request_error(result):
            return status_of(errors), {"errors": errors}, None
        body: dict[str, Any] = {"data": result.data}
        if errors:
            body["errors"] = errors
        if extensions := extended(result.extensions, charge):
            body["extensions"] = extensions
        may_keep = request.method == "GET" and not errors and not self.operations.is_personal(prepared)
        return 200, body, _tag_of(result.data) if may_keep else None

    async def _from_body(self, request: Request) -> object:
        _check_content(request.headers)
        max_bytes = self.operations.limits.max_body_bytes
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise _HttpRefusal(413, f"The body is too large: the limit is {max_bytes} bytes.", Connection="close")
        return _decoded(bytes(body), "The body")


def _refuse_get(request: Request, prepared: Prepared) -> None:
    if prepared.kind is OperationType.MUTATION and request.method == "GET":
        raise _HttpRefusal(405, "Mutations are served by POST.", Allow="POST")


def _from_query(request: Request) -> object:
    parameters: dict[str, object] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if value := request.query_params.get(name):
            parameters[name] = _decoded(value, f"`{name}`")
    return parameters


def _check_content(headers: Headers) -> None:
    content_type, _, rest = headers.get("content-type", "").partition(";")
    charset = _parameters(rest).get("charset", "utf-8")
    if content_type.strip().lower() != JSON or charset not in ("utf-8", "utf8"):
        raise _HttpRefusal(415, "The body must be application/json in UTF-8.", Accept=JSON)
    if headers.get("content-encoding", "identity") != "identity":
        raise _HttpRefusal(415, "The body must not be compressed.", Accept_Encoding="identity")


def _decoded(value: bytes | str, name: str) -> object:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise _HttpRefusal(400, f"{name} is not valid JSON.") from None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a well-formed request asks for."""

    query: str | None
    document_id: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any]


def _checked(parameters: object) -> _Asked:
    if isinstance(parameters, list):
        raise _HttpRefusal(400, "Batches are not served; send one operation a request.")
    if not isinstance(parameters, dict):
        raise _HttpRefusal(400, "The body must be a JSON object.")
    query, variables = parameters.get("query"), parameters.get("variables")
    operation_name, extensions = parameters.get("operationName"), parameters.get("extensions")
    document_id = parameters.get("documentId")
    is_named = isinstance(document_id, str) or (isinstance(extensions, dict) and "persistedQuery" in extensions)
    if not isinstance(query, str) and not (query is None and is_named):
        raise _HttpRefusal(400, "`query` must be a string.")
    if not isinstance(document_id, str | None):
        raise _HttpRefusal(400, "`documentId` must be a string.")
    if not isinstance(variables, dict | None):
        raise _HttpRefusal(400, "`variables` must be an object.")
    if not isinstance(operation_name, str | None):
        raise _HttpRefusal(400, "`operationName` must be a string.")
    if not isinstance(extensions, dict | None):
        raise _HttpRefusal(400, "`extensions` must be an object.")
    return _Asked(query, document_id, variables, operation_name or None, extensions or {})


def _qualities(accept: str | None) -> dict[str, float]:
    """The media types of an Accept header with their weights; those in a charset other than UTF-8 are left out."""
    qualities: dict[str, float] = {}
    for entry in (accept or "*/*").split(","):
        media_type, _, rest = entry.partition(";")
        parameters = _parameters(rest)
        if parameters.get("charset", "utf-8") in ("utf-8", "utf8"):
            try:
                qualities[media_type.strip().lower()] = float(parameters.get("q", "1"))
            except ValueError:
                continue
    return qualities


def _parameters(text: str) -> dict[str, str]:
    pairs = (each.partition("=") for each in text.lower().split(";"))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _is_browser(accepted: Mapping[str, float]) -> bool:
    return accepted.get("text/html", 0) > max(accepted.get(JSON, 0), accepted.get(GRAPHQL_RESPONSE, 0))


def _is_event_stream(accepted: Mapping[str, float]) -> bool:
    return accepted.get(MEDIA_TYPE, 0) > max(accepted.get(JSON, 0), accepted.get(GRAPHQL_RESPONSE, 0))


def _media_type(accepted: Mapping[str, float]) -> str:
    """The response's media type: what is named goes before wildcards, which mean application/json."""
    anything = accepted.get("application/*", accepted.get("*/*", 0))
    quality, _, media_type = max(
        (accepted.get(GRAPHQL_RESPONSE, 0), 1, GRAPHQL_RESPONSE), (accepted.get(JSON, anything), 0, JSON)
    )
    if not quality > 0:
        raise _HttpRefusal(406, f"Responses are {GRAPHQL_RESPONSE} or {JSON}.")
    return media_type


def _json(content: bytes, status: int, media_type: str = JSON, headers: Mapping[str, str] | None = None) -> Response:
    fixed = {"Content-Type": f"{media_type}; charset=utf-8", "Cache-Control": "no-store"}
    return Response(content, status, {**fixed, **(headers or {})})


def _tag_of(data: object) -> str:
    """Weak: what an operation cost differs from answer to answer, what it says does not."""
    return f'W/"{hashlib.sha256(orjson.dumps(data)).hexdigest()[:32]}"'


def _cached(request: Request, content: bytes, media_type: str, tag: str) -> Response:
    """An answer that a browser may keep for whoever asked, and has to ask for again each time."""
    headers = {"Cache-Control": "private, no-cache", "ETag": tag}
    known = {one.strip() for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known or tag.removeprefix("W/") in known:
        return Response(status_code=304, headers=headers)
    return _json(content, 200, media_type, headers)


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return _json(orjson.dumps({"errors": formatted([GraphQLError(message)])}), status, headers=headers)


def _preflight(request: Request) -> Response:
    """The answer of CORS to a browser; no cookies are used, so an allowed origin may send any header."""
    headers = {"Allow": METHODS}
    if origin := request.headers.get("origin"):
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", ""),
            "Access-Control-Max-Age": "7200",
        }
    return Response(status_code=204, headers=headers)
