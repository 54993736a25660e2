"""What the rules of Tutti refuse, as values with a stable code.

A `Refusal` is an expected answer and becomes a `userError` of the payload; a
`TopLevel` ends the whole operation. Neither message ever says whether a hidden
thing exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from db.models import ActorRef, ChangedField, EventKind, Permission


class ErrorCode(StrEnum):
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    UNVERIFIED_EMAIL = "UNVERIFIED_EMAIL"
    INVALID = "INVALID"
    REQUIRED = "REQUIRED"
    TOO_LONG = "TOO_LONG"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    LIMIT_REACHED = "LIMIT_REACHED"
    CYCLE = "CYCLE"
    INVITE_INVALID = "INVITE_INVALID"


class TopLevel(Exception):
    """Ends the operation: `code` is one of the top-level codes of the API."""

    def __init__(self, code: str, message: str, **extensions: object) -> None:
        super().__init__(message)
        self.code = code
        self.extensions = extensions
        """What else the error says, in the words of the API."""


class Refusal(Exception):
    """An expected refusal: a code, plain words, and the input field it is about (`path`, without `input`)."""

    def __init__(self, code: ErrorCode, message: str, *path: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path


class Invalid(Refusal):
    """A ValidationError of the API. The code says which kind."""

    def __init__(self, message: str, *path: str, code: ErrorCode = ErrorCode.INVALID) -> None:
        super().__init__(code, message, *path)


class NotFound(Refusal):
    """Not there, or not for this person to know of: the two are never told apart."""

    def __init__(self, entity_id: str, *path: str) -> None:
        super().__init__(ErrorCode.NOT_FOUND, "There is no such thing, or you may not see it.", *path)
        self.entity_id = entity_id


class Forbidden(Refusal):
    """Seen, but not allowed: `required` is the permission that is missing."""

    def __init__(self, required: Permission, message: str | None = None) -> None:
        super().__init__(ErrorCode.FORBIDDEN, message or f"Your role in this workspace lacks {required.value}.")
        self.required = required


class LimitReached(Refusal):
    """A size of the product is used up."""

    def __init__(self, message: str, limit: int, *path: str) -> None:
        super().__init__(ErrorCode.LIMIT_REACHED, message, *path)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """One field that two people set differently; the values are as the API shows them."""

    field: ChangedField
    base: Any
    yours: Any
    theirs: Any
    changed_by: ActorRef
    changed_at: datetime


class Conflict(Refusal):
    """Somebody else changed the same fields since `baseVersion`; nothing was written."""

    def __init__(
        self,
        workspace_id: UUID,
        entity_id: UUID,
        current_version: int,
        conflicts: Sequence[FieldConflict],
        message: str = "Somebody else changed this since the version you edited from.",
        *path: str,
    ) -> None:
        super().__init__(ErrorCode.CONFLICT, message, *path)
        self.workspace_id = workspace_id
        self.entity_id = entity_id
        self.current_version = current_version
        self.conflicts = tuple(conflicts)
        self.kind: EventKind | None = None
        """What it is that clashes, where the input does not say it."""
        self.row: Any = None
        """The object as it is now, where its door has shown it."""


class Refusals(Exception):
    """Several refusals at once, so that a form can show them all."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("; ".join(refusal.message for refusal in refusals))
        self.refusals = tuple(refusals)


def within(refused: Refusal | Refusals, *prefix: str) -> tuple[Refusal, ...]:
    """Refusals of a part of the input, as refusals of the whole: `prefix` leads to the part."""
    refusals = refused.refusals if isinstance(refused, Refusals) else (refused,)
    for one in refusals:
        # A conflict is about the version that it was made from, unless it says otherwise.
        path = one.path or (("baseVersion",) if isinstance(one, Conflict) else ())
        one.path = (*prefix, *path)
    return refusals
