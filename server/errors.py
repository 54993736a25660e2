"""Errors as clients see them: every one has `extensions.code`, and none says more than it should.

What the API means to say keeps its words. Everything else is a defect: the client gets "Internal error" and an id, and
the log gets the same id with the traceback, once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from graphql import FieldNode, GraphQLError

from db.errors import Unavailable
from domain.errors import TopLevel
from server.credentials import RateLimited, Unauthenticated

log = logging.getLogger("tutti.errors")

# For requests that fail before execution, as application/graphql-response+json.
STATUS_BY_CODE = {
    "UNAUTHENTICATED": 401,
    "NOT_FOUND": 404,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "SERVICE_UNAVAILABLE": 503,
}


def formatted(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    """The errors of a result, ready to serialise, each with its code; logs the unexpected ones."""
    return [_formatted(error) for error in errors]


def of_exception(error: Exception) -> dict[str, Any]:
    """The same for what was raised outside of an execution."""
    return _formatted(error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error))


def status_of(errors: Sequence[dict[str, Any]]) -> int:
    """The HTTP status of a request that failed before execution."""
    return STATUS_BY_CODE.get(errors[0]["extensions"]["code"], 400)


def _formatted(error: GraphQLError) -> dict[str, Any]:
    shown = dict(error.formatted)
    message, extensions = _said(error)
    return {**shown, "message": message, "extensions": extensions}


def _said(error: GraphQLError) -> tuple[str, dict[str, Any]]:
    if error.extensions and "code" in error.extensions:
        return error.message, dict(error.extensions)
    cause = _cause(error)
    if isinstance(cause, TopLevel):
        return str(cause), {"code": cause.code, **cause.extensions}
    if isinstance(cause, RateLimited):
        return str(cause), cause.extensions
    if isinstance(cause, Unauthenticated):
        return cause.message, {"code": "UNAUTHENTICATED"}
    if isinstance(cause, Unavailable):
        _unavailable.say(error, cause)
        return "A part of the service is not available at the moment. Please try again.", {
            "code": "SERVICE_UNAVAILABLE"
        }
    if _is_of_the_request(error):
        return error.message, {"code": "BAD_REQUEST"}
    error_id = str(uuid4())
    log.error("Internal error %s at %s", error_id, error.path, exc_info=cause)
    return "Internal error", {"code": "INTERNAL", "errorId": error_id}


class _UnavailableLog:
    """Why requests were told SERVICE_UNAVAILABLE: a line at once, then at most one a second, which counts the others.

    While PostgreSQL is away every request is told so; an operator needs the reason, once.
    """

    def __init__(self) -> None:
        self._said_at = -INTERVAL_SECONDS
        self._unsaid = 0

    def say(self, error: GraphQLError, cause: Unavailable) -> None:
        at = time.monotonic()
        if at - self._said_at < INTERVAL_SECONDS:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more since the last line)" if self._unsaid else ""
        log.warning("Unavailable at %s: %s %s%s", error.path or "the start", cause, _reason(cause), more)
        self._said_at, self._unsaid = at, 0


INTERVAL_SECONDS = 1.0
_unavailable = _UnavailableLog()


def _reason(cause: BaseException) -> str:
    """What the driver or the system said first: its kind and first line, never the statement or its parameters."""
    seen = cause
    while (deeper := getattr(seen, "orig", None) or seen.__cause__) is not None:
        seen = deeper
    return "" if seen is cause else f"{type(seen).__name__}: {str(seen).partition(chr(10))[0]}".rstrip(": ")


def _cause(error: GraphQLError) -> BaseException:
    """What was really raised: GraphQL errors wrap what resolvers raise, also each other."""
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _is_of_the_request(error: GraphQLError) -> bool:
    """Whether the client caused it: syntax, validation, or a value that could not be coerced.

    Before execution (no path) such errors point into the document or wrap nothing; during it, only those of arguments
    are the client's, and they point at a value in the document, where those of resolvers point at the field.
    """
    if error.path is None:
        return error.original_error is None or error.nodes is not None
    origin = error.original_error
    if not isinstance(origin, GraphQLError) or origin.original_error is not None:
        return False
    return any(not isinstance(node, FieldNode) for node in origin.nodes or ())
