"""Errors as clients see them: every one has `extensions.code`, and none says more than it should.

What the API means to say keeps its words. Everything else is a defect: the client gets "Internal error" and an id, and
the log gets the same id with the traceback, once.
"""

from __future__ import annotations

import logging
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
        return "A part of the service is not available at the moment. Please try again.", {
            "code": "SERVICE_UNAVAILABLE"
        }
    if _is_of_the_request(error):
        return error.message, {"code": "BAD_REQUEST"}
    error_id = str(uuid4())
    log.error("Internal error %s at %s", error_id, error.path, exc_info=cause)
    return "Internal error", {"code": "INTERNAL", "errorId": error_id}


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
