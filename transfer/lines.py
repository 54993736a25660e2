"""The file of a workspace: JSON Lines, each an object whose `type` says what it is (docs/import-export.md).

Invariant: this is a contract of its own, not the shape of the tables: a new field has a default, so that older files
are read; what cannot be read by an older Tutti raises VERSION. Lines stand in the order of the types below, and what
is pointed at stands before what points at it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter, ValidationError

from db.models import ChangedField, EventKind, Priority, Role, StatusCategory

FORMAT: Literal["tutti-workspace"] = "tutti-workspace"
VERSION = 1

FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between these every time can be said in every zone."""


def as_stored(at: datetime) -> datetime:
    """A time in UTC, cut to milliseconds, as all that is stored and shown."""
    utc = at.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


Instant = Annotated[AwareDatetime, Field(ge=FIRST, lt=LAST), AfterValidator(as_stored)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Shown = str | bool | int | float | list[str] | None
Number = Annotated[int, Field(ge=0, le=999_999_999)]


Numbered = tuple[str, "Line"]
"""(where in its file it stands, what it says)."""


class Malformed(Exception):
    """A line, or the whole file, is not what it should be. The message says where."""


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """The first line."""

    type: Literal["header"]
    format: Literal["tutti-workspace"]
    version: int


@dataclass(frozen=True, slots=True)
class WorkspaceLine:
    """`key_numbers`: prefix -> the last number that was given with it."""

    type: Literal["workspace"]
    id: UUID
    name: str
    slug: str
    key: str
    description: str = ""
    key_numbers: dict[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusLine:
    """`rank` null: after those that are there."""

    type: Literal["status"]
    id: UUID
    name: str
    category: StatusCategory
    created_at: Instant
    updated_at: Instant
    color: str | None = None
    rank: str | None = None
    version: Version = 1


@dataclass(frozen=True, slots=True)
class LabelLine:
    type: Literal["label"]
    id: UUID
    name: str
    created_at: Instant
    updated_at: Instant
    color: str | None = None
    version: Version = 1


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """`key` null: one like the name."""

    type: Literal["project"]
    id: UUID
    name: str
    created_at: Instant
    updated_at: Instant
    key: str | None = None
    description: str = ""
    color: str | None = None
    archived_at: Instant | None = None
    version: Version = 1


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Somebody whom others lines name by this id. `email` null: nobody can be found for them. No secrets.

    `role` null: not a member, or not any more. `project_ids`: what a GUEST sees. `kind`: an integration is no
    person, but an API token that wrote something, by its name; null for people.
    """

    type: Literal["person"]
    id: UUID
    name: str
    email: str | None = None
    handle: str | None = None
    role: Role | None = None
    project_ids: tuple[UUID, ...] = ()
    kind: Literal["INTEGRATION"] | None = None


@dataclass(frozen=True, slots=True)
class TaskLine:
    """`created_by` null: Tutti did. `key`, `rank` null: they get one."""

    type: Literal["task"]
    id: UUID
    title: str
    status_id: UUID
    created_at: Instant
    updated_at: Instant
    key: str | None = None
    old_keys: tuple[str, ...] = ()
    project_id: UUID | None = None
    parent_id: UUID | None = None
    description: str = ""
    priority: Priority = Priority.NONE
    start_date: date | None = None
    due_date: date | None = None
    estimate: Annotated[float, Field(allow_inf_nan=False)] | None = None
    rank: str | None = None
    created_by: UUID | None = None
    completed_at: Instant | None = None
    archived_at: Instant | None = None
    assignee_ids: tuple[UUID, ...] = ()
    label_ids: tuple[UUID, ...] = ()
    followers: tuple[UUID, ...] = ()
    muted_by: tuple[UUID, ...] = ()
    version: Version = 1


@dataclass(frozen=True, slots=True)
class CommentLine:
    """`parent_id`: the first comment of its thread."""

    type: Literal["comment"]
    id: UUID
    task_id: UUID
    body: str
    created_at: Instant
    updated_at: Instant
    parent_id: UUID | None = None
    author: UUID | None = None
    resolved_at: Instant | None = None
    edited_at: Instant | None = None
    version: Version = 1


@dataclass(frozen=True, slots=True)
class ReactionLine:
    type: Literal["reaction"]
    id: UUID
    task_id: UUID
    emoji: str
    person: UUID
    added_at: Instant
    comment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field from what to what, as the API shows it."""

    field: ChangedField
    before: Shown = None
    after: Shown = None


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One entry of an object's history. `actor` null: Tutti did it."""

    type: Literal["change"]
    id: UUID
    kind: EventKind
    entity_id: UUID
    version: Version
    change_set_id: UUID
    at: Instant
    fields: tuple[FieldLine, ...]
    actor: UUID | None = None


Line = (
    HeaderLine
    | WorkspaceLine
    | StatusLine
    | LabelLine
    | ProjectLine
    | PersonLine
    | TaskLine
    | CommentLine
    | ReactionLine
    | ChangeLine
)

_READ: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="type")])


def read_line(text: bytes) -> Line:
    """One line as what it says. Raises Malformed, without the number of the line."""
    try:
        return _READ.validate_json(text)
    except ValidationError as error:
        raise Malformed(_sentence(error)) from error


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    # The first step is the line's type, by which the shape was chosen.
    where = ".".join(str(step) for step in first["loc"][1:])
    return f"{where}: {first['msg']}" if where else first["msg"]


def write_line(line: Line) -> bytes:
    """A line with its line break. Fields that are null or empty are left out, as they are read the same."""
    return orjson.dumps(_spoken(line), default=str, option=orjson.OPT_APPEND_NEWLINE)


def _spoken(line: Any) -> dict[str, Any]:
    return {
        name: value
        for name in line.__dataclass_fields__
        if (value := getattr(line, name)) is not None and value not in ((), "")
    }
