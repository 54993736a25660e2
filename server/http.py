"""GraphQL over HTTP, by https://graphql.github.io/graphql-over-http/draft/ (all audits of npm `graphql-http`).

A response says by its status whether the request was executed: with `application/graphql-response+json` a request that
failed before execution is 4xx or 5xx; with `application/json` (older clients) any well-formed request is 200.
Form content types are refused, so a foreign page cannot post here without asking first (CORS).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter
from graphql import ASTValidationRule, GraphQLError, OperationType
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from strawberry import Schema

from db.errors import Unavailable
from execution.documents import Refused
from execution.limits import Limits
from execution.live import Plans
from execution.operations import Operations, is_request_error
from server.credentials import Gateway, RateLimited, Unauthenticated, extended, release
from server.errors import formatted, of_exception, status_of
from server.origins import Origins
from server.socket import SocketEndpoint
from server.sockets import Sockets
from server.tally import Tally

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
METHODS = "GET, POST, OPTIONS"


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
) -> APIRouter:
    """The routes of the schema at `path`, for HTTP and graphql-transport-ws.

    `ide` answers browsers that open the address; `rules` are validation rules besides those of the specification.
    """
    operations = Operations(schema, limits, rules=rules, is_introspection_allowed=is_introspection_allowed)
    origins = Origins(public_url, allowed_origins)
    router = APIRouter()
    http = HttpEndpoint(operations, gateway, origins, ide, sockets.tally)
    router.add_route(path, http.respond, methods=["GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"])
    plans = Plans(operations.schema._schema, operations.documents.load, formatted, sockets.tally.live)
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
    gateway: Gateway
    origins: Origins
    ide: Callable[[Request], Response] | None
    tally: Tally

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
            if origin is not None:
                response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin, Accept"
        return response

    async def _answer(self, request: Request) -> Response:
        accepted = _qualities(request.headers.get("accept"))
        if request.method == "GET" and self.ide is not None and _is_browser(accepted):
            return self.ide(request)
        if request.method not in ("GET", "POST"):
            raise _HttpRefusal(405, "GraphQL is served by GET and POST.", Allow=METHODS)
        media_type = _media_type(accepted)
        parameters = _from_query(request) if request.method == "GET" else await self._from_body(request)
        query, variables, operation_name = _checked(parameters)
        try:
            status, body = await self._execute(request, query, variables, operation_name)
            content = orjson.dumps(body)
        except (Unauthenticated, Unavailable, RateLimited) as error:
            refused = [of_exception(error)]
            headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}
            if isinstance(error, RateLimited):
                headers = {"Retry-After": str(error.charge.retry_after_seconds)}
            return _json(orjson.dumps({"errors": refused}), status_of(refused), media_type, headers)
        except Refused as error:
            self.tally.refused["http"] += 1
            refused = formatted(error.errors)
            status, content = status_of(refused), orjson.dumps({"errors": refused})
        except _HttpRefusal:
            raise
        except Exception as error:  # noqa: BLE001 - logged with an id by of_exception
            refused = [of_exception(error)]
            return _json(orjson.dumps({"errors": refused}), status_of(refused), media_type)
        return _json(content, status if media_type == GRAPHQL_RESPONSE else 200, media_type)

    async def _execute(
        self, request: Request, query: str, variables: dict[str, Any] | None, operation_name: str | None
    ) -> tuple[int, dict[str, Any]]:
        credentials = await self.gateway.authenticate(request.headers.get("authorization"))
        prepared = self.operations.prepare(query, variables, operation_name)
        if prepared.kind is OperationType.SUBSCRIPTION:
            raise Refused(GraphQLError("Subscriptions are served over WebSocket (graphql-transport-ws)."))
        if prepared.kind is OperationType.MUTATION and request.method == "GET":
            raise _HttpRefusal(405, "Mutations are served by POST.", Allow="POST")
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
            return status_of(errors), {"errors": errors}
        body: dict[str, Any] = {"data": result.data}
        if errors:
            body["errors"] = errors
        if extensions := extended(result.extensions, charge):
            body["extensions"] = extensions
        return 200, body

    async def _from_body(self, request: Request) -> object:
        _check_content(request.headers)
        max_bytes = self.operations.limits.max_body_bytes
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise _HttpRefusal(413, f"The body is too large: the limit is {max_bytes} bytes.", Connection="close")
        return _decoded(bytes(body), "The body")


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


def _checked(parameters: object) -> tuple[str, dict[str, Any] | None, str | None]:
    if isinstance(parameters, list):
        raise _HttpRefusal(400, "Batches are not served; send one operation a request.")
    if not isinstance(parameters, dict):
        raise _HttpRefusal(400, "The body must be a JSON object.")
    query, variables = parameters.get("query"), parameters.get("variables")
    operation_name, extensions = parameters.get("operationName"), parameters.get("extensions")
    if not isinstance(query, str):
        raise _HttpRefusal(400, "`query` must be a string.")
    if not isinstance(variables, dict | None):
        raise _HttpRefusal(400, "`variables` must be an object.")
    if not isinstance(operation_name, str | None):
        raise _HttpRefusal(400, "`operationName` must be a string.")
    if not isinstance(extensions, dict | None):
        raise _HttpRefusal(400, "`extensions` must be an object.")
    return query, variables, operation_name or None


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
