"""The scalars of the API, as they are written on the wire."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, NewType
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)\Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")


def _parse_instant(value: Any) -> datetime:
    if not isinstance(value, str) or not _INSTANT.match(value):
        raise ValueError("A DateTime is RFC 3339 with a zone, like 2026-03-01T09:30:00.000Z.")
    parsed = datetime.fromisoformat(value).astimezone(UTC)
    return parsed.replace(microsecond=parsed.microsecond // 1000 * 1000)


def show_instant(value: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    at = value if value.tzinfo is UTC else value.astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parse_day(value: Any) -> date:
    if not isinstance(value, str) or not _DAY.match(value):
        raise ValueError("A Date is a calendar day, like 2026-03-01.")
    return date.fromisoformat(value)


def _parse_uuid(value: Any) -> UUID:
    if not isinstance(value, str):
        raise TypeError("A UUID is text, like 01890a5d-ac96-774b-bcce-b302099a8057.")
    return UUID(value)


EventCursor = NewType("EventCursor", str)
Rank = NewType("Rank", str)
Url = NewType("Url", str)
Json = NewType("Json", object)


def _parse_cursor(value: Any) -> EventCursor:
    if not isinstance(value, str):
        raise TypeError("An EventCursor is text that the server gave you.")
    return EventCursor(value)


def _parse_url(value: Any) -> Url:
    if not isinstance(value, str):
        raise TypeError("A URL is text, like https://example.com/hooks.")
    return Url(value)


_SAME: Any = lambda value: value  # noqa: E731

SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="Instant, RFC 3339, always UTC, millisecond precision.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
        serialize=show_instant,
        parse_value=_parse_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="Calendar day without time zone (due dates are days, not instants).",
        specified_by_url="https://scalars.graphql.org/andimarek/local-date.html",
        serialize=date.isoformat,
        parse_value=_parse_day,
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID in its canonical text form.",
        specified_by_url="https://tools.ietf.org/html/rfc4122",
        serialize=str,
        parse_value=_parse_uuid,
    ),
    EventCursor: strawberry.scalar(
        name="EventCursor",
        description=(
            "Position in one workspace's event log. Opaque, but within one workspace and epoch later positions"
            " compare higher, byte by byte."
        ),
        serialize=str,
        parse_value=_parse_cursor,
    ),
    Rank: strawberry.scalar(
        name="Rank",
        description="Opaque fractional order key. Compare as bytes; ties break on id.",
        serialize=str,
        parse_value=_SAME,
    ),
    Url: strawberry.scalar(
        name="URL",
        description="An absolute address.",
        specified_by_url="https://url.spec.whatwg.org/",
        serialize=str,
        parse_value=_parse_url,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value. Only for before and after values in changes and conflicts.",
        serialize=_SAME,
        parse_value=_SAME,
    ),
}
