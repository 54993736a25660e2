"""What can go wrong, as exceptions: everything is a `TuttiError`, and what a mutation refuses is a `Refused`.

Invariant: a code that came after this client was made gives the general exception, with that code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class TuttiError(Exception):
    """An operation was not done. `code` is the server's, like `UNAUTHENTICATED`."""

    def __init__(self, message: str, code: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = details or {}
        """Everything that the server said of it."""


class Unavailable(TuttiError):
    """The server could not be reached or could not answer, also when asked again."""


class RateLimited(TuttiError):
    """Too much was asked: try again after `retry_after_seconds`."""

    @property
    def retry_after_seconds(self) -> float:
        return float(self.details.get("retryAfterSeconds", 1))


class Unauthenticated(TuttiError):
    """The token is missing, wrong, expired or revoked, or tokens cannot do this."""


class AccessRevoked(TuttiError):
    """A stream ended, because the workspace may not be seen any more, or is gone."""


class Refused(TuttiError):
    """A mutation refused its input, and nothing was written. `path` leads to what was refused."""

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        first = reasons[0]
        super().__init__("; ".join(str(reason["message"]) for reason in reasons), str(first["code"]), first)
        self.reasons = tuple(reasons)
        self.path: list[str] | None = first.get("path")


class Conflict(Refused):
    """Somebody else changed the same since the `base_version` that was given."""

    @property
    def current_version(self) -> int:
        return int(self.details["currentVersion"])

    @property
    def conflicts(self) -> list[Mapping[str, Any]]:
        """`field`, `base`, `yours`, `theirs`, `changedAt` and `changedBy` of each."""
        return list(self.details["conflicts"])


class NotFound(Refused):
    """There is no such thing, or it may not be seen."""


class Forbidden(Refused):
    """It is seen, but may not be changed so: `required` is the permission that is missing."""

    @property
    def required(self) -> str | None:
        return self.details.get("required")


class LimitReached(Refused):
    """No more of these fit: `limit` is how many do."""

    @property
    def limit(self) -> int | None:
        return self.details.get("limit")


class Invalid(Refused):
    """A value cannot be used."""


REFUSALS: Mapping[str, type[Refused]] = {
    "ConflictError": Conflict,
    "NotFoundError": NotFound,
    "PermissionError": Forbidden,
    "LimitError": LimitReached,
    "ValidationError": Invalid,
}

FAILURES: Mapping[str, type[TuttiError]] = {
    "SERVICE_UNAVAILABLE": Unavailable,
    "RATE_LIMITED": RateLimited,
    "UNAUTHENTICATED": Unauthenticated,
    "ACCESS_REVOKED": AccessRevoked,
}


def refusal_of(reasons: Sequence[Mapping[str, Any]]) -> Refused:
    """The exception for the `userErrors` of a mutation, after the first of them."""
    return REFUSALS.get(str(reasons[0].get("__typename")), Refused)(reasons)


def failure_of(errors: Sequence[Mapping[str, Any]]) -> TuttiError:
    """The exception for the `errors` of an answer, after the first of them."""
    message, extensions = str(errors[0]["message"]), errors[0].get("extensions") or {}
    code = str(extensions.get("code", "UNKNOWN"))
    if code == "NOT_FOUND":
        return NotFound([{"message": message, "path": errors[0].get("path"), **extensions}])
    return FAILURES.get(code, TuttiError)(message, code, extensions)
